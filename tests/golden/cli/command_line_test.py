"""The whole command line on a world in memory: what it prints, to which stream, and its exit codes. argv[1]: pantry.

`expected/*.out` holds what each command line prints; HARMONY_ACCEPT=1 writes them instead: look at the difference.
"""
import contextlib
import fcntl
import json
import os
import pty
import re
import select
import shlex
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

PANTRY = os.path.abspath(sys.argv[1])
EXPECTED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "expected")
ACCEPT = bool(os.environ.get("HARMONY_ACCEPT"))
ENVIRONMENT = {k: v for k, v in os.environ.items() if not re.match(r"HARMONY_|CI$|.*COLOR|.*_ACTIONS|GITLAB_CI|BUILDKITE|JENKINS|TEAMCITY|TF_BUILD|CIRCLECI|COLUMNS|LINES", k)}
ENVIRONMENT["TERM"] = "xterm"


def run(*args, env=None, **more):
    more.setdefault("stdin", subprocess.DEVNULL)
    more.setdefault("stdout", subprocess.PIPE)
    more.setdefault("stderr", subprocess.PIPE)
    return subprocess.run(["pantry", *args], executable=PANTRY, env={**ENVIRONMENT, **(env or {})}, text=True, timeout=60, **more)


def ends_with(done, code, *patterns):
    text = (done.stdout or "") + (done.stderr or "")
    assert done.returncode == code, f"exit code {done.returncode}, expected {code}\n{text}"
    for pattern in patterns:
        assert re.search(pattern, text, re.M), f"no match for {pattern!r} in:\n{text}"
    return done


def normal(text):
    """Without what differs from run to run and from machine to machine."""
    text = re.sub(r"\d+\.\d+ s\b", "N s", text)
    text = re.sub(r"\"(took_ms)\": ?[\d.e+-]+", r'"\1": 0', text)
    text = re.sub(r"\"(id|started|finished|last_success|build|time|who)\": ?\"[^\"]*\"", r'"\1": "…"', text)
    text = re.sub(r"(\d+ s ago|just now)( by \S+)?", "just now", text)
    text = re.sub(r" +--> (?:\S*/)?(tests/golden/cli/\S+?):\d+:\d+", r"  --> \1:LINE:COLUMN", text)
    return re.sub(r"^ *\d+ \| ", "NN | ", text, flags=re.M)


def expect(name, *args, **more):
    """Compares both streams and the exit code with the golden file."""
    done = run(*args, **more)
    text = normal(f"$ pantry {' '.join(args)}\n{done.stdout}---- stderr\n{done.stderr}---- exit {done.returncode}\n")
    file = os.path.join(EXPECTED, name + ".out")
    if ACCEPT:
        open(file, "w", encoding="utf-8").write(text)
    known = open(file, encoding="utf-8").read() if os.path.exists(file) else ""
    assert text == known, f"{file} differs (HARMONY_ACCEPT=1 accepts):\n{text}"


# ---- what is printed

def test_help():
    expect("help", "--help")
    expect("help_deploy", "deploy", "--help")
    expect("help_exit_codes", "help", "exit-codes")
    expect("help_environment", "help", "environment")
    assert run("help", "deploy").stdout == run("deploy", "-h").stdout


def test_a_life():
    expect("life", "plan", "+", "deploy", "+", "deploy", "+", "status", "+", "plan", "--set", "note=stale", "--set", "jars=0", "+",
           "deploy", "--set", "note=stale", "--set", "jars=0", "--yes", "+", "deploy", "--set", "cheese=false", "--yes", "+", "status", "-v", "+",
           "logs", "loaf", "--lines", "2", "+", "smoke-test", "+", "destroy", "--yes", "+", "status", "+", "destroy", "--yes", "--delete-data", "+", "destroy", "--yes")


def test_failures_read_well():
    expect("failed", "deploy", "--set", "fails=it is broken")
    expect("smoke_test_failed", "deploy", "--set", "note=mouldy")


def test_json():
    expect("json_plan", "plan", "-o", "json")
    expect("json_deploy", "deploy", "-o", "json", "-q")
    expect("json_status", "deploy", "-q", "-o", "json", "+", "status", "-o", "json")
    expect("json_graph", "graph", "-o", "json")
    expect("json_usage", "plan", "--set", "hsot=1", "-o", "json")
    for args, code in ((("plan",), 0), (("deploy",), 0), (("deploy", "--set", "fails=x"), 1), (("deploy", "--dry-run"), 0), (("status",), 0), (("graph",), 0),
                       (("version",), 0), (("explain",), 0), (("help",), 64), (("help", "deploy"), 64), (("completion", "bash"), 64), (("explain", "H0501"), 0), (("deploy", "--on", "far"), 5), (("plan", "--on", "nowhere"), 64)):
        done = ends_with(run(*args, "-o", "json"), code)
        parsed = json.loads(done.stdout)
        assert parsed["format_version"] == "1.0" and parsed["exit_code"] == code and parsed["verb"] == args[0], parsed
        if args[0] in ("help", "completion"):
            ends_with(done, 64, f"error.H0503.: `{args[0]}` has no option `--output`", "^help: it belongs to: plan, deploy, ")
    assert json.loads(ends_with(run("--version", "-o", "json"), 0).stdout)["verb"] == "version"
    for args in (("deploy", "--help", "-o", "json"), ("-o", "json", "-h")):  # as with kubectl: help is for people, whatever else is asked
        assert run(*args).stdout == run(*(word for word in args if word not in ("-o", "json"))).stdout, args
    parsed = json.loads(ends_with(run("graph", "--set", "bread=poison", "-o", "json"), 5).stdout)
    assert parsed["exit_code"] == 5 and [error["code"] for error in parsed["errors"]] == ["H0207"] and parsed["graph"]["name"] == "pantry", parsed
    for args, code in ((("plan", "--nope", "-o", "json"), "H0503"), (("plan", "-ojson", "-Z"), "H0503"), (("-qo", "json", "plan", "--nope"), "H0503"), (("--output=json", "plan", "--out"), "H0504"), (("deplo", "-o", "json"), "H0502"),
                       (("-o", "json"), "H0502"), (("plan", "--yes=banana", "-o", "json"), "H0504")):
        parsed = json.loads(ends_with(run(*args), 64).stdout)
        assert parsed["exit_code"] == 64 and [error["code"] for error in parsed["errors"]] == [code], (args, parsed)
        assert parsed["verb"] in ("", *args), parsed
    assert json.loads(run("deploy", "--set", "fails=x", "-o", "json").stdout)["errors"][0]["code"] == "H0207"


def test_graph():
    expect("graph_text", "graph")
    expect("graph_dot", "graph", "--format", "dot")


# ---- streams

def test_results_on_stdout_words_on_stderr():
    done = ends_with(run("deploy", "--yes"), 0)
    assert "Plan:" in done.stdout and "Deployed" in done.stdout and "ok  item loaf" in done.stderr
    assert run("deploy", "--yes", "-q").stderr == ""
    assert run("plan").stderr == "", "a plan that is fast enough says nothing beside itself"


def test_suggested_commands_can_be_pasted():
    with tempfile.TemporaryDirectory() as folder:
        program = folder + "/my pantry"
        os.symlink(PANTRY, program)
        words = subprocess.run([program, "deploy", "--yes", "--deployment", "it's; mine", "--lid", "red"], capture_output=True, text=True, env=ENVIRONMENT, timeout=60).stdout
        command = re.search(r"  remove  (.*)", words)[1]
        assert shlex.split(command) == [program, "destroy", "--deployment", "it's; mine", "--lid", "red"] and command.endswith("--lid red"), words


def test_events():
    with tempfile.TemporaryDirectory() as folder:
        file = folder + "/events"
        ends_with(run("deploy", "--yes", "--events", file), 0)
        assert os.stat(file).st_mode & 0o777 == 0o600
        lines = [json.loads(line) for line in open(file)]
    assert lines[0]["type"] == "version" and lines[0]["format_version"] == "1.0" and lines[0]["deployment"] == "pantry"
    assert lines[-1]["type"] == "run_finished" and lines[-1]["exit_code"] == 0
    types = {line["type"] for line in lines}
    assert {"run_started", "phase_started", "plan", "score_started", "step_finished", "change_finished", "waiting", "smoke_test_passed", "write_point"} - types <= {"waiting"}, types
    assert all("time" in line and ("message" in line or line["type"] == "version") for line in lines)
    assert sum(line["type"] == "run_finished" for line in lines) == 1


def test_events_on_stdout_have_it_for_themselves():
    done = ends_with(run("deploy", "--yes", "--events", "-"), 0)
    assert all(json.loads(line) for line in done.stdout.splitlines())
    assert "Deployed pantry" in done.stderr


def test_the_event_stream_ends_whatever_happens():
    for args, code in ((("deploy", "--set", "fails=x"), 1), (("deploy", "--on", "far"), 5), (("destroy",), 0), (("deploy", "--progress", "tty"), 64)):
        lines = [json.loads(line) for line in run(*args, "--events", "-").stdout.splitlines()]
        assert lines[0]["type"] == "version" and lines[-1]["type"] == "run_finished" and lines[-1]["exit_code"] == code, lines[-1]
    refused = ends_with(run("deploy", "--events", "/no/such/folder/events"), 64, "H0514")
    assert "Deployed" not in refused.stdout


def test_the_step_that_failed_is_told():
    lines = [json.loads(line) for line in run("deploy", "--yes", "--set", "fails=x", "--events", "-").stdout.splitlines()]
    ended = {line["node"]["name"]: line["failed"] for line in lines if line["type"] == "step_finished" and not line["rehearsed"]}
    assert list(ended.values()).count(True) == 1 and len(ended) > 1, ended


def test_the_report_of_a_run_that_was_killed_says_so():
    with tempfile.TemporaryDirectory() as folder:
        report = f"{folder}/report.html"
        ends_with(run("deploy", "--yes", "--report", report), 0)
        assert "exit code 0" in open(report).read()
        with subprocess.Popen([PANTRY, "deploy", "--yes", "--set", "takes=60s", "--events", "-", "--report", report], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=ENVIRONMENT, text=True) as deploying:
            next(line for line in deploying.stdout if '"type":"step_started"' in line and '"rehearsed":false' in line)
            deploying.kill()
        page = open(report).read()
        assert "has not ended" in page and "exit code" not in page, page


def test_a_file_is_not_named_minus():
    for option in ("--report", "--trace", "--metrics-textfile"):
        ends_with(run("deploy", option, "-"), 64, "H0514", f"`{option}` wants a file")
    ends_with(run("plan", "--out", "-"), 64, "H0514", "./-")


def test_no_secret_and_no_control_character():
    with tempfile.TemporaryDirectory() as folder:
        paths = [f"{folder}/{name}" for name in ("events", "report.html", "trace.json", "pantry.prom", "next.plan")]
        done = run("plan", "-v", "--out", paths[4], "+", "deploy", "--yes", "-v", "--events", paths[0], "--report", paths[1], "--trace", paths[2], "--metrics-textfile", paths[3], "+",
                   "status", "-v", "+", "logs", "+", "deploy", "--yes", "-o", "json", "--set", "fails=hunter2-hunter2", "--set", "cheese=false", "+", "status", "-o", "json")
        ends_with(done, 0)
        for text in (done.stdout, done.stderr, *(open(path).read() for path in paths)):
            assert len(text) > 20 and "hunter2-hunter2" not in text.replace("fails=hunter2-hunter2", ""), text
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text), repr(text)


def test_json_shows_no_character_that_harms_a_terminal():
    """The log of the error holds some: DEL, a C1 that begins escape sequences, one that turns the direction around, a tag."""
    with tempfile.TemporaryDirectory() as folder:
        events = folder + "/events"
        done = ends_with(run("deploy", "--yes", "-o", "json", "--set", "fails=it is broken", "--events", events), 1)
        failures = [line for line in map(json.loads, open(events)) if line["type"] == "score_failed"]
        for error in (json.loads(done.stdout)["errors"][0], failures[0]["error"]):
            assert error["log"] == ["it was \x1b[31mdropped\x1b[0m", "and\x7f\u009b broke\u202e\U000e0041"], error
        for text in (done.stdout, open(events, encoding="utf-8").read()):
            assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\U000e0000-\U000e007f]", text), repr(text)


def test_an_error_that_ends_a_verb_tells_no_secret():
    for more in ((), ("-o", "json")):
        done = run("deploy", "--yes", "-q", "--set", "note=sealed", "+", "logs", *more)
        for text in (done.stderr, done.stdout) if more else (done.stderr,):
            for part in ("message", "fact", "log", "note", "help", "subject")[: 6 if text == done.stdout else 5]:
                assert re.search(part + r" of \(secret fp15\)", text), (part, text)
        assert done.returncode == 1 and "hunter2-hunter2" not in done.stdout + done.stderr, done


def piped(shell):
    return subprocess.run(["bash", "-o", "pipefail", "-c", shell], capture_output=True, text=True, env={**ENVIRONMENT, "PANTRY": PANTRY}, timeout=60)


def test_a_closed_pipe_stops_no_deploy():
    assert piped("$PANTRY deploy --yes --set takes=300ms 2>&1 | true; echo ${PIPESTATUS[0]}").stdout.strip() == "0"
    assert piped("$PANTRY deploy --yes --set fails=x 2>&1 | true; echo ${PIPESTATUS[0]}").stdout.strip() == "1"
    assert piped("$PANTRY plan | head -1; echo ${PIPESTATUS[0]}").stdout.strip().endswith("0")
    assert piped("$PANTRY deploy --yes >&- 2>&-; echo $?").stdout.strip() == "0"
    assert piped("$PANTRY deploy --yes <&-; echo $?").stdout.strip().endswith("0")


def test_a_full_disk_is_told_and_stops_no_deploy():
    done = piped("$PANTRY deploy --yes > /dev/full; echo $?")
    assert done.stdout.strip() == "0" and "cannot write the result: No space left on device" in done.stderr, done
    done = piped("$PANTRY plan > /dev/full; echo $?")
    assert done.stdout.strip() == "1" and "H0511" in done.stderr, done
    assert piped("$PANTRY deploy --yes > /dev/full 2>&1; echo $?").stdout.strip() == "0"
    for words in ("plan", "version", "--help"):
        done = piped(f"code=0; $PANTRY {words} >&- || code=$?; echo $code")
        assert done.stdout.strip() == "1" and "H0511" in done.stderr and "Bad file descriptor" in done.stderr, (words, done)


def test_logs_end_with_their_reader():
    done = piped("$PANTRY deploy --yes + logs --lines x -o json > /dev/full; echo $?")
    assert done.stdout.strip() == "64" and "H0504" in done.stderr, done
    done = piped("$PANTRY deploy --yes + logs -f > /dev/full; echo $?")
    assert done.stdout.strip() == "1" and "H0511" in done.stderr, done
    done = piped("$PANTRY deploy --yes --set note=sealed + logs -o json > /dev/full; echo $?")
    assert done.stdout.strip() == "1" and "H0207" in done.stderr, done


def test_more_lines_of_logs_than_anybody_holds_are_refused():
    ends_with(run("deploy", "-q", "--yes", "+", "logs", "--lines", "1000000"), 0)
    ends_with(run("logs", "--lines", "13510798882111488"), 64, "error.H0504.: `13510798882111488` is no value for `--lines`", "^help: it wants a whole number from 0 to 1000000$")


def test_events_that_cannot_be_written_are_told():
    done = piped("$PANTRY plan --events - > /dev/full; echo $?")
    assert done.stdout.strip() == "1" and "error[H0511]: cannot write the events: No space left on device" in done.stderr, done
    done = piped("$PANTRY deploy --yes --events - > /dev/full; echo $?")
    assert done.stdout.strip() == "0" and "note: cannot write the events: No space left on device" in done.stderr, done
    assert piped("$PANTRY plan --events - | true; echo ${PIPESTATUS[0]}").stdout.strip() == "0"
    for args, code in ((("plan",), 0), (("deploy", "--yes"), 0), (("deploy", "--on", "far"), 5), (("plan", "--progress", "tty"), 64)):
        done = ends_with(run(*args, "--events", "/dev/full"), code)
        assert "warning[H0514]: the events are not complete: cannot write `/dev/full`: No space left on device" in done.stderr, done


def test_a_reader_that_stands_still_stops_no_deploy():
    """Nobody reads; the deploy writes its files and reaches its end all the same."""
    with tempfile.TemporaryDirectory() as folder:
        events = folder + "/events"
        reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        deploying = subprocess.Popen([PANTRY, "deploy", "--yes", "-v", "--set", "jars=200", "--events", events], stdin=subprocess.DEVNULL, stdout=writer, stderr=writer, env=ENVIRONMENT)
        os.close(writer)
        wait_for("the smoke test", lambda: os.path.exists(events) and "smoke_test_passed" in open(events).read())
        with open(reader) as out:
            assert "Deployed pantry" in out.read()
        assert deploying.wait(20) == 0


def test_a_run_that_leaves_a_smoke_test_behind_writes_its_last_event():
    """The events are read only after everything was said, so most of them still wait to be written then."""
    with tempfile.TemporaryDirectory() as folder:
        events = folder + "/events"
        os.mkfifo(events)
        reader = os.open(events, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(reader, True)
        deploying = subprocess.Popen([PANTRY, "deploy", "--yes", "--set", "jars=50", "--set", "note=chewy", "--smoke-test-timeout", "50ms", "--events", events], stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
        said = ""
        while "for the long story" not in said:
            line = deploying.stderr.readline()
            assert line, said
            said += line
        with open(reader) as stream:
            lines = [json.loads(line) for line in stream]
        assert deploying.wait(20) == 3 and lines[-1]["type"] == "run_finished" and lines[-1]["exit_code"] == 3, (deploying.returncode, lines[-1], said)
        deploying.stderr.close()


def test_a_signal_ends_the_wait_for_a_reader():
    """Nobody reads, and the verb has ended: nothing is left to be done in good order."""
    with tempfile.TemporaryDirectory() as folder:
        events = folder + "/events"
        reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        planning = subprocess.Popen([PANTRY, "plan", "-v", "--set", "jars=200", "--events", events], stdin=subprocess.DEVNULL, stdout=writer, stderr=writer, env=ENVIRONMENT)
        os.close(writer)
        wait_for("the end of the verb", lambda: os.path.exists(events) and '"run_finished"' in open(events).read())
        planning.send_signal(signal.SIGINT)  # may still come a moment too early, and ask the run to stop
        planning.send_signal(signal.SIGTERM)
        try:
            assert planning.wait(20) in (-signal.SIGINT, -signal.SIGTERM, 130, 143), planning.returncode
        finally:
            planning.kill()
            os.close(reader)


def wait_for(what, condition, limit=20.0):
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, f"waited {limit} s for: {what}"
        select.select([], [], [], 0.01)


# ---- usage

def test_exit_codes():
    for args, code, pattern in (
        ((), 64, "H0502"), (("deplo",), 64, "did you mean `deploy`"), (("deploy", "--yess"), 64, "did you mean `--yes`"), (("plan", "--on", "bx"), 64, "did you mean `box`"),
        (("plan", "--set", "jars=many"), 64, "H0507"), (("plan", "--config", "/none"), 64, "H0508"), (("plan", "--lane", "x"), 64, "topology `box` has no option `--lane`"),
        (("explain", "H9999"), 64, "H0510"), (("plan", "--detailed-exitcode"), 2, "Plan: 3"), (("deploy", "--on", "far"), 5, "H0501"), (("deploy", "--set", "note=mouldy"), 3, "H0601"),
        (("deploy", "--set", "fails=x"), 1, "H0207"), (("deploy", "--progress", "tty"), 64, "H0512"), (("logs", "nothing"), 64, "H0515"), (("smoke-test",), 5, "H0305.*nothing is deployed as `pantry`"), (("smoke-test", "--smoke-test-timeout", "0"), 64, "H0504"),
        (("plan", "--yes=banana"), 64, "error"), (("deploy", "--metrics-linger", "1s"), 64, "H0512.*has nothing to wait for"), (("destroy", "--metrics-linger", "1s"), 64, "H0512"),
        *((("deploy", "--dry-run", *export), 64, f"H0512.*`--dry-run` and `{export[0]}` contradict") for export in (("--metrics-listen", ":0"), ("--metrics-listen", ":0", "--metrics-linger", "1s"),
                                                                                                          ("--metrics-textfile", "x.prom"), ("--push-gateway", "http://[::1]:1"), ("--trace", "x"))),
        (("--version",), 0, "Harmony"), (("plan", "--version"), 64, "H0503"), (("deploy", "--dry-run", "--on", "far"), 0, "would ask"), (("deploy", "--dry-run"), 0, "without asking"),
    ):
        ends_with(run(*args), code, pattern)


def test_destructive_changes_are_asked_about():
    done = run("deploy", "--yes", "+", "deploy", "--set", "bread=toast", "+", "deploy", "--set", "jars=0", "+", "plan", "+", "deploy", "--set", "note=x", "+", "destroy", "+", "status")
    assert re.findall(r"exit (\d+)", done.stderr) == ["0", "5", "5", "0", "0", "5", "0"], done.stderr
    assert "No changes" in done.stdout and done.stderr.count("H0501") == 6, done.stderr


# ---- saved plans

def test_saved_plans():
    with tempfile.TemporaryDirectory() as folder:
        file = folder + "/next.plan"
        done = run("plan", "--out", file, "--set", "jars=2", "+", "deploy", "--plan", file, "+", "plan", "--set", "jars=2", "--detailed-exitcode", "+",
                   "plan", "--set", "bread=toast", "--out", file, "+", "deploy", "--plan", file, "--set", "bread=toast", "+", "deploy", "--plan", file, "--set", "bread=rye", "+",
                   "deploy", "--plan", file, "--on", "far", "+", "deploy", "--plan", file, "--deployment", "other", "+", "deploy", "--plan", file, "--dry-run")
        assert re.findall(r"exit (\d+)", done.stderr) == ["0", "0", "0", "0", "0", "64", "64", "64", "8"], done.stdout + done.stderr
        assert os.stat(file).st_mode & 0o777 == 0o600
        for code in ("H0525", "H0523", "H0303"):
            assert code in done.stderr, done.stderr
        told = json.loads(ends_with(run("deploy", "--plan", file, "--dry-run", "-o", "json"), 8).stdout)
        assert told["exit_code"] == 8 and [error["code"] for error in told["errors"]] == ["H0303"], told
        done = run("plan", "--out", file, "+", "deploy", "--yes", "--set", "note=other", "+", "deploy", "--plan", file)
        assert re.findall(r"exit (\d+)", done.stderr) == ["0", "0", "8"] and "H0303" in done.stderr, done.stderr
        # What to try next is about what the plan has chosen, also where the command line does not.
        done = run("plan", "--deployment", "second", "--out", file, "+", "deploy", "--plan", file)
        assert re.search(r"look .* status.* --deployment second .* logs.* --deployment second\n  remove .* destroy.* --deployment second", done.stdout), done.stdout
        for more in ((), ("--detailed-exitcode",)):
            told = json.loads(ends_with(run("plan", "--out", "/dev/full", "-o", "json", *more), 1).stdout)
            assert told["exit_code"] == 1 and told["counts"]["create"] == 3 and [error["code"] for error in told["errors"]] == ["H0514"], told


WRITTEN = (("plan", "--out"), ("plan", "--report"), ("plan", "--events"), ("graph", "--events"), ("destroy", "--yes", "--report"), ("smoke-test", "--events"), ("deploy", "--dry-run", "--report"),
           *(("deploy", "--yes", option) for option in ("--report", "--trace", "--events", "--metrics-textfile")))


def test_a_file_that_cannot_be_written_is_told_before_anything_is_done():
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(folder + "/a.prom")
        open(folder + "/file", "w").close()
        places = [("/none/x.prom", r"its folder `\S*/none` does not exist"), ("/file/x.prom", "`\\S*/file` is no folder|Not a directory"), ("/a.prom", "it is a folder"), ("/" + "x" * 300 + ".prom", "File name too long")]
        if os.geteuid() != 0:  # root may write everywhere
            os.mkdir(folder + "/closed", 0o500)
            places.append(("/closed/x.prom", "Permission denied"))
        before = sorted(os.listdir(folder))
        for words in WRITTEN:
            for place, why in places:
                done = ends_with(run(*words, folder + place), 64, f"^error\\[H0514\\]: cannot write `\\S+`: ({why})", f"^ += option: {words[-1]}$", "^help: ")
                assert "Plan:" not in done.stdout and "started" not in done.stderr, (words, done)
                told = json.loads(ends_with(run(*words, folder + place, "-o", "json"), 64).stdout)
                assert [error["code"] for error in told["errors"]] == ["H0514"], told
        assert sorted(os.listdir(folder)) == before


def test_a_run_that_is_refused_leaves_named_files_as_they_are():
    with tempfile.TemporaryDirectory() as folder:
        old = folder + "/old"
        open(old, "w").write("of the last run")
        for refused, code in ((("deploy", "--events", old, "--report", folder + "/none/x"), 64), (("deploy", "--events", old, "--trace", folder), 64), (("plan", "--events", old, "--out", folder), 64),
                              (("deploy", "--report", old, "--set", "hsot=1"), 64), (("deploy", "--trace", folder + "/new", "--set", "hsot=1"), 64), (("plan", "--out", old, "--report", folder), 64)):
            ends_with(run(*refused), code)
            assert open(old).read() == "of the last run" and os.listdir(folder) == ["old"], refused


def test_two_options_cannot_name_the_same_file():
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(folder, folder + "/way")
        for words in (("deploy", "--report", folder + "/x", "--trace", folder + "/way/x"), ("plan", "--out", folder + "/x", "--events", folder + "/./x"), ("plan", "--out", "no-such-file", "--report", "./no-such-file")):
            ends_with(run(*words), 64, f"H0512.*: `{words[1]}` and `{words[3]}` name the same file|H0512.*: `{words[3]}` and `{words[1]}` name the same file")
        assert os.listdir(folder) == ["way"]


# ---- symbolic links

def test_a_link_to_a_stream_stays_a_link():
    with tempfile.TemporaryDirectory() as folder:
        link = folder + "/out.prom"
        os.symlink("/proc/self/fd/1", link)
        for args, words in ((("plan", "--report", link), "<!doctype html"), (("plan", "--out", link), '"checksum"'), (("plan", "--events", link), '{"type":"version"'), (("deploy", "--yes", "--trace", link), "traceEvents"),
                            (("deploy", "--yes", "--metrics-textfile", link, "+", "destroy", "--yes", "--metrics-textfile", link), "harmony_deploy_success")):
            with open(folder + "/words", "w") as out:
                ends_with(run(*args, stdout=out), 0)
            text = open(folder + "/words").read()
            assert os.path.islink(link) and words in text and ("Plan: " in text or "took" in text) and sorted(os.listdir(folder)) == ["out.prom", "words"], (args, text)


def test_a_link_to_a_file_stays_a_link():
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(folder + "/there")
        link = folder + "/report.prom"
        os.symlink("there/report.prom", link)
        for args, mode in ((("plan", "--report", link), 0o600), (("plan", "--events", link), 0o600), (("deploy", "--yes", "--metrics-textfile", link), 0o644)):
            ends_with(run(*args), 0)
            assert os.readlink(link) == "there/report.prom" and os.stat(link).st_mode & 0o777 == mode and os.listdir(folder + "/there") == ["report.prom"], args
        ends_with(run("destroy", "--yes", "--metrics-textfile", link), 0)
        assert os.path.islink(link) and os.listdir(folder + "/there") == []
        os.symlink("loop", folder + "/loop")
        ends_with(run("plan", "--out", folder + "/loop"), 64, "H0514", "symbolic links")


def test_a_link_of_somebody_else_is_not_followed():
    if os.geteuid() != 0:
        return
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o1777)
        open(folder + "/mine", "w").write("mine")
        os.symlink("mine", folder + "/report.html")
        os.lchown(folder + "/report.html", 65534, 65534)
        ends_with(run("plan", "--report", folder + "/report.html"), 0)
        assert open(folder + "/mine").read() == "mine" and not os.path.islink(folder + "/report.html")
        for behind in ("mine", "nothing"):
            os.symlink(behind, folder + "/events")
            os.lchown(folder + "/events", 65534, 65534)
            ends_with(run("plan", "--events", folder + "/events"), 64, "H0514", "it is a link of somebody else")
            assert open(folder + "/mine").read() == "mine" and not os.path.exists(folder + "/nothing")
            os.remove(folder + "/events")


# ---- terminals

class Terminal:
    """The program on a terminal of its own."""

    def __init__(self, *args, columns=80, rows=24, env=None):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))  # before it can be asked for
            modes = termios.tcgetattr(0)
            modes[3] |= termios.NOFLSH  # Ctrl-C would drop what is not read yet, and that may be the answer to it
            termios.tcsetattr(0, termios.TCSANOW, modes)
            os.execve(PANTRY, ["pantry", *args], {**ENVIRONMENT, **(env or {})})
        self.text = ""

    def resize(self, columns, rows=24):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read_until(self, pattern, limit=20.0):
        end = time.monotonic() + limit
        while not re.search(pattern, self.text):
            assert time.monotonic() < end, f"no {pattern!r} in {self.text!r}"
            if select.select([self.master], [], [], 0.05)[0]:
                try:
                    more = os.read(self.master, 65536)
                except OSError:
                    more = b""
                if not more:
                    assert re.search(pattern, self.text), f"ended without {pattern!r}: {self.text!r}"
                self.text += more.decode(errors="replace")
        return self

    def type(self, text):
        os.write(self.master, text.encode())
        return self

    def end(self):
        with contextlib.suppress(OSError):
            while more := os.read(self.master, 65536):
                self.text += more.decode(errors="replace")
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.master)
        return code


def test_a_prompt_takes_yes_only():
    for answer, code, words in (("yes", 0, "Deployed"), ("y", 5, "was not approved"), ("", 5, "was not approved"), ("YES", 5, "not approved"), ("  yes  ", 0, "Deployed")):
        terminal = Terminal("deploy", "--on", "far")
        terminal.read_until("Only 'yes' will be accepted: ").type(answer + "\n")
        assert terminal.end() == code and words in terminal.text, (answer, terminal.text)
    assert re.search(r"Deploy pantry on far \(over the hills\)\?", terminal.text)


def test_a_prompt_can_be_interrupted():
    terminal = Terminal("deploy", "--on", "far")
    terminal.read_until("accepted: ").type("\x03")
    assert terminal.end() == 130 and "Interrupted" in terminal.text and "current step" not in terminal.text, terminal.text
    terminal = Terminal("deploy", "--on", "far").read_until("accepted: ").type("\x04")
    assert terminal.end() == 5


def test_help_on_a_terminal_fits_it():
    for words in (["--help"], ["deploy", "--help"], ["help", "environment"]):
        terminal = Terminal(*words, columns=80, env={"NO_COLOR": "1"})
        assert terminal.end() == 0
        lines = terminal.text.splitlines()
        assert len(lines) > 5 and max(map(len, lines)) <= 80, max(lines, key=len)

        def words_of(text):
            return [word for word in text.split() if "pantry" not in word]  # it is called by another name

        assert words_of(terminal.text) == words_of(run(*words).stdout), "words got lost"


def test_in_a_ci_nobody_is_asked():
    terminal = Terminal("deploy", "--on", "far", env={"CI": "true"})
    assert terminal.end() == 5 and "nobody can be asked" in terminal.text
    terminal = Terminal("deploy", env={"CI": "true"})
    assert terminal.end() == 0 and "\x1b[J" not in terminal.text and "status ·" not in terminal.text


def test_a_tree_on_a_terminal_fits_it():
    terminal = Terminal("deploy", "--set", "takes=1500ms", columns=40)
    terminal.read_until("waitin")
    terminal.resize(20)
    assert terminal.end() == 0
    assert "\x1b[" in terminal.text and "\x1b[J" in terminal.text and "\x1b[?25l" not in terminal.text
    frames = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", terminal.text).split("\n")
    progress = [line.rstrip("\r") for line in frames if re.match(r" +(ok|\.\.) ", line)]
    assert progress and all(len(line) < 40 for line in progress), progress
    assert "Deployed pantry" in terminal.text


def test_results_fit_a_narrow_terminal():
    for columns in (60, 40):
        terminal = Terminal("plan", "-v", "+", "deploy", "--yes", "-q", "+", "status", "-v", "--color", "never", columns=columns)
        assert terminal.end() == 0
        lines = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", terminal.text).replace("\r", "").split("\n")
        rows = [line for line in lines if not re.match("Deployed|  look|  remove", line)]  # a command is to be copied
        assert "KIND" in terminal.text and all(len(line) <= columns for line in rows), [line for line in rows if len(line) > columns]


def test_a_fast_plan_on_a_terminal_draws_nothing():
    terminal = Terminal("plan")
    assert terminal.end() == 0 and "\x1b[J" not in terminal.text and "\x1b[32m" in terminal.text
    terminal = Terminal("plan", env={"NO_COLOR": "1"})
    assert terminal.end() == 0 and "\x1b" not in terminal.text


# ---- signals

def started(*args):
    # Whoever runs these tests may ignore signals, as under nohup, and so would what they start.
    process = subprocess.Popen(["env", "--default-signal", PANTRY, *args, "--events", "-"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    for line in process.stdout:
        if '"waiting"' in line:
            return process
    raise AssertionError(process.communicate())


def test_signals_stop_cleanly():
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)):
        process = started("deploy", "--set", "takes=20s")
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert process.returncode == code, (process.returncode, err)
        how = "Interrupted" if number == signal.SIGINT else "Asked to end"
        assert how + ": stopping after the current step" in err and "H0002" in err and "changed before the stop" in err, err
        last = json.loads(out.splitlines()[-1])
        assert last["type"] == "run_finished" and last["exit_code"] == code


def test_a_second_signal_leaves_at_once():
    process = started("deploy", "--set", "takes=20s", "--set", "fails=")
    process.send_signal(signal.SIGSTOP)  # both arrive together, before anything could stop
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGCONT)
    process.communicate(timeout=20)
    assert process.returncode in (130, 143), process.returncode


def test_an_ignored_hangup_stays_ignored():
    process = subprocess.Popen(["nohup", PANTRY, "deploy", "--set", "takes=700ms", "--events", "-"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    for line in process.stdout:
        if '"waiting"' in line:
            break
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=20)
    assert process.returncode == 0


# ---- completion

def test_completion_in_bash():
    script = """eval "$(pantry completion bash)"
        ask() { COMP_WORDS=(pantry "$@"); COMP_CWORD=$#; COMPREPLY=(); _pantry_complete 2>/dev/null; echo "${COMPREPLY[*]}"; }
        ask de; ask plan --on f; ask plan --set no; ask explain H052; ask completion z"""
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(PANTRY, folder + "/pantry")
        done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, env={**ENVIRONMENT, "PATH": folder + ":" + ENVIRONMENT["PATH"]}, timeout=20)
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["deploy", "destroy"] and lines[1] == "far" and lines[2] == "note=" and "H0521" in lines[3] and lines[4] == "zsh", done


def main():
    passed, failed = 0, 0
    chosen = sys.argv[2:]
    for name, test in list(globals().items()):
        if not name.startswith("test_") or (chosen and not any(word in name for word in chosen)):
            continue
        try:
            test()
            passed += 1
            print(f"ok     {name}", flush=True)
        except Exception as error:  # noqa: BLE001: a test may fail in any way
            failed += 1
            print(f"FAILED {name}: {type(error).__name__}: {error}", flush=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
