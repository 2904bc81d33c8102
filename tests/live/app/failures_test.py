"""What goes wrong, provoked for real: the message, the exit code, and that nothing was lost. argv[1]: variant-app.

Every test ends with the fault taken away and a deploy that works.
"""
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from harness import http_get, main, wait_for  # noqa: E402

HERE = os.path.dirname(os.path.abspath(sys.argv[1]))
RUSTC_FORM = r"^error\[H\d{4}\]: [a-z0-9`]"
SOURCE_LINE = r"^ +--> .*variant\.cpp:\d+:\d+"


def beside(name):
    return os.path.join(HERE, name)


def ledger_entries(app):
    return app.json("status")


def listen(port):
    stranger = socket.socket()
    stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    stranger.bind(("127.0.0.1", port))
    stranger.listen()
    return stranger


def port_of(app, instance):
    """The port that `status` says an instance keeps."""
    text = app.run("status", "-v").text
    found = re.search(rf"port/{instance} .*?(\d{{5}})", text)
    assert found, text
    return int(found.group(1))


# ---- ports

def test_a_port_taken_before_the_deploy(app):
    app.deploy("--set", "database=true")
    port = port_of(app, "db")
    app.power_cut()
    stranger = listen(port)
    try:
        for verb in (("plan",), ("deploy", "--yes")):
            app.run(*verb, "--set", "database=true").expect(1, RUSTC_FORM, r"H0110", rf"{port}", str(os.getpid()), "python", SOURCE_LINE)
        assert not [c for c in app.processes().values() if "postgres" in c]
    finally:
        stranger.close()
    app.deploy("--set", "database=true")


def test_a_port_taken_by_a_stranger_while_it_runs(app):
    app.deploy()
    (pid,) = [p for p, c in app.processes().items() if "artefacts" in c]
    port = next(int(m.group(1)) for m in [re.search(r"LISTEN=127\.0\.0\.1:(\d+)", open(f"/proc/{pid}/environ").read().replace("\0", "\n"))] if m)
    os.kill(pid, signal.SIGKILL)
    stranger = wait_for("the port to be free", lambda: _try_listen(port))
    try:
        app.run("deploy", "--yes").expect(1, "H0110", str(port), str(os.getpid()))
    finally:
        stranger.close()
    app.deploy()


def _try_listen(port):
    try:
        return listen(port)
    except OSError:
        return None


def test_a_port_taken_between_a_saved_plan_and_its_deploy(app):
    file = app.base + "/plan.json"
    app.run("plan", "--out", file, "--set", "database=true").expect(0)
    port = port_of_plan(file)
    stranger = listen(port)
    try:
        result = app.run("deploy", "--plan", file, "--set", "database=true")
        assert result.code in (1, 8), result.text
        assert re.search("H0110|H0303", result.text), result.text
        assert not [c for c in app.processes().values() if "postgres" in c]
    finally:
        stranger.close()
    app.deploy("--set", "database=true")


def port_of_plan(file):
    return int(re.search(r"127\.0\.0\.1:(\d+)", open(file).read()).group(1))


# ---- PostgreSQL

def hidden(app, folder, *args):
    """Runs the app where `folder` is empty, in a mount namespace of its own."""
    command = " ".join(f"'{a}'" for a in app.arguments(*args))
    return subprocess.run(["unshare", "--mount", "sh", "-c", f"mount -t tmpfs none {folder} && exec {command}"],
                          capture_output=True, text=True, env=app.environment, stdin=subprocess.DEVNULL, timeout=60)


def test_postgresql_is_missing(app):
    done = hidden(app, "/usr/lib/postgresql", "deploy", "--yes", "--set", "database=true")
    assert done.returncode == 1 and "H0225" in done.stderr and "apt-get install postgresql" in done.stderr, done.stderr
    assert not os.path.exists(app.state), "something was written before the error"
    app.deploy("--set", "database=true")


def test_postgresql_of_another_major(app):
    app.deploy("--set", "database=true")
    app.run("destroy", "--yes").expect(0)
    version = app.state + "/services/db/data/PG_VERSION"
    real = open(version).read()
    open(version, "w").write("9\n")
    app.run("deploy", "--yes", "--set", "database=true").expect(1, "H0226|H0113", r"PostgreSQL 9\b")
    os.unlink(version)
    os.mkfifo(version)  # as a server could that means ill; it keeps nobody waiting
    app.run("plan", "--set", "database=true").expect(5, "H0106", "PG_VERSION")
    os.unlink(version)
    open(version, "w").write(real)
    shutil.chown(version, "harmony", "harmony")
    app.deploy("--set", "database=true")


def test_the_data_folder_is_damaged(app):
    app.deploy("--set", "database=true")
    app.power_cut()
    control = app.state + "/services/db/data/global/pg_control"
    whole = open(control, "rb").read()
    open(control, "r+b").write(b"\0" * 512)
    app.run("deploy", "--yes", "--set", "database=true").expect(1, "H0120", "log:.*(PANIC|FATAL)", SOURCE_LINE)
    open(control, "r+b").write(whole)
    app.deploy("--set", "database=true")


def test_the_disk_is_full(app):
    os.makedirs(app.state, mode=0o710)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=0710", "none", app.state], check=True)
    try:
        app.run("deploy", "--yes", "--set", "database=true").expect(1, RUSTC_FORM, "(?i)no space left", "H0115|H0114|H0104")
        subprocess.run(["mount", "-o", "remount,size=1g", app.state], check=True)
        app.deploy("--set", "database=true")
        app.run("destroy", "--yes", "--delete-data").expect(0)
    finally:
        app.power_cut()
        subprocess.run(["umount", "-l", app.state], check=True)


def test_the_ledger_cannot_be_written(app):
    app.deploy()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k,mode=0700", "none", app.state + "/ledger"], check=True)
    try:
        open(app.state + "/ledger/fill", "wb").write(b"x" * 12288)
        app.run("deploy", "--yes", "--set", "broker=true").expect(1, "H0104", "(?i)no space left")
    finally:
        subprocess.run(["umount", app.state + "/ledger"], check=True)
    app.deploy("--set", "broker=true")


# ---- servers that misbehave

def test_the_broker_is_killed_in_the_middle_of_a_deploy(app):
    with app.start("deploy", "--yes", "--set", "broker=true", "--events", "/dev/stdout") as deploying:
        for line in deploying.stdout:
            if '"step_finished"' in line and "broker" in line:
                for pid, command in app.processes().items():
                    if "nats.conf" in command and "nats-server" in command:
                        os.kill(pid, signal.SIGKILL)
                break
        out, err = deploying.communicate(timeout=90)
    assert deploying.returncode in (0, 1, 3), err
    if deploying.returncode:
        assert re.search(RUSTC_FORM, err, re.M), err
    app.deploy("--set", "broker=true")
    app.plan_is_empty("--set", "broker=true")


def test_the_application_exits_at_once(app):
    app.deploy()
    app.run("deploy", "--yes", "--set", "binary=/bin/false").expect(1, "H0120", "code 1", SOURCE_LINE, "(?i)changed before|nothing was changed|were made")
    assert app_answers(app), "the old version went though the new one never came"
    app.deploy()
    app.plan_is_empty()


def app_answers(app):
    return http_get(f"http://127.0.0.1:{port_of(app, 'web.route')}", "/")[0] == 200


def test_the_application_never_gets_ready(app):
    result = app.run("deploy", "--yes", "--set", f"binary={beside('never-ready')}", "--set", "ready-seconds=3")
    result.expect(4, "H0121|H0004", "503", "migration 2 of 3", SOURCE_LINE)
    assert "\x1b" not in result.text, "a control character of a server reached the terminal"
    app.deploy()


def test_something_else_runs_than_was_deployed(app):
    # Where services can reach it, wherever this was built.
    other, impostor = os.path.join(app.base, "hellod"), os.path.join(app.base, "impostor")
    shutil.copy(beside("hellod"), other)
    shutil.copy(beside("impostor"), impostor)
    with open(impostor, "ab") as file:
        file.write(b"\n" + other.encode())
    app.run("deploy", "--yes", "--set", f"binary={impostor}").expect(3, "H0122", "(?i)smoke test")
    app.deploy()


def test_a_damaged_copy_of_the_program_is_made_anew(app):
    app.deploy()
    (copy,) = glob.glob(app.state + "/artefacts/*/hellod")
    with open(copy + ".damaged", "wb") as damaged:
        damaged.write(open(copy, "rb").read() + b"x")
    os.replace(copy + ".damaged", copy)
    app.run("plan", "--detailed-exitcode").expect(2, "artefact")
    app.deploy()
    app.plan_is_empty()


def test_a_program_that_is_none_is_found_by_the_plan(app):
    app.run("plan", "--set", "binary=/etc/passwd").expect(1, "H0250", "is not executable")
    app.run("plan", "--set", "binary=/tmp").expect(1, "H0250", "is not a file")
    app.run("plan", "--set", "database=true", "--set", "binary=/nope").expect(1, "^No plan: 1 error", "H0250")


def test_without_a_ledger_the_plan_still_says_what_happens(app):
    app.deploy("--set", "database=true")
    app.power_cut()
    os.unlink(app.state + "/ledger/journal")
    app.deploy("--set", "database=true")
    app.plan_is_empty("--set", "database=true")


def test_a_silent_client_keeps_nobody_waiting(app):
    listener = listen(0)
    port = listener.getsockname()[1]
    listener.close()
    with subprocess.Popen([beside("hellod")], env={"LISTEN": f"127.0.0.1:{port}"}, stderr=subprocess.PIPE) as hellod:
        try:
            hellod.stderr.readline()  # it listens
            with socket.create_connection(("127.0.0.1", port)) as silent, socket.create_connection(("127.0.0.1", port)) as half:
                half.sendall(b"GET / HTTP/1.1\r\nHost:")
                for _ in range(3):
                    assert http_get(f"http://127.0.0.1:{port}", "/", timeout=3) == (200, "hello\n")
                silent.settimeout(20)
                assert silent.recv(1) == b"", "it is shown out"
        finally:
            hellod.kill()


# ---- smoke tests

def test_the_smoke_test_fails(app):
    app.run("deploy", "--yes", env={"SMOKE": "fails"}).expect(3, "H0601", "a teapot", "200", SOURCE_LINE)
    app.run("smoke-test", env={"SMOKE": "fails"}).expect(3, "H0601")
    app.run("smoke-test").expect(0)
    app.deploy()
    assert json.loads(app.run("status", "-o", "json").out)["healthy"]
    app.run("deploy", "--yes", env={"SMOKE": "fails"}).expect(3, "H0601")  # with nothing to change
    app.run("status").expect(0, "the last deploy .* failed")
    assert not json.loads(app.run("status", "-o", "json").out)["healthy"]
    app.deploy()
    assert json.loads(app.run("status", "-o", "json").out)["healthy"]


def test_the_smoke_test_hangs(app):
    app.run("deploy", "--yes", "--smoke-test-timeout", "2", env={"SMOKE": "hangs"}).expect(3, "H0603", "2 s")
    app.deploy()


def test_the_smoke_test_ignores_its_stop(app):
    app.run("deploy", "--yes", "--smoke-test-timeout", "1", env={"SMOKE": "ignores its stop"}).expect(3, "H0603")
    app.deploy()


def test_the_smoke_test_checks_nothing(app):
    app.run("deploy", "--yes", env={"SMOKE": "checks nothing"}).expect(3, "H0602")
    app.deploy()


# ---- Scores

def test_two_children_fail_at_once(app):
    result = app.run("deploy", "--yes", "--set", "scenario=two fail").expect(1, RUSTC_FORM, SOURCE_LINE)
    assert re.search("first|second", result.text)
    app.deploy()
    app.plan_is_empty()


def test_a_score_swallows_the_error_of_a_child(app):
    app.run("deploy", "--yes", "--set", "scenario=swallows").expect(1, "H0120", "broken")
    app.deploy()


def test_a_child_that_may_fail(app):
    app.run("deploy", "--yes", "--set", "scenario=attempts").expect(0)
    app.deploy()
    app.plan_is_empty()


def test_a_workload_without_replicas(app):
    for count in ("0", "-1"):
        for verb in (("plan",), ("deploy", "--yes")):
            app.run(*verb, "--set", f"replicas={count}").expect(64, RUSTC_FORM, "H0251", f"`web`.*{count}", SOURCE_LINE)
    assert not os.path.exists(app.state), "something was written before the error"
    app.deploy("--set", "replicas=2")


def test_a_host_that_is_no_host_name(app):
    long = ".".join(["a" * 50] * 6)
    for host in ("a b", "-a.example", "a-.example", "a..example", "a.", ".", "*", "a_b", "http://a", "a:80", "a'", "a#", "a\n  deny", "a" * 64, long, "$HOME"):
        app.run("plan", "--set", f"host={host}").expect(64, RUSTC_FORM, "H0264", "`web`", SOURCE_LINE)
    assert not os.path.exists(app.state), "something was written before the error"
    for host in ("a" * 63 + ".example", "127.0.0.1", "x"):
        app.run("plan", "--set", f"host={host}").expect(0)
    app.deploy("--set", "host=a-1.Example")
    url = f"http://127.0.0.1:{port_of(app, 'web.route')}"
    assert http_get(url, "/", headers={"Host": "A-1.example"})[0] == 200
    assert http_get(url, "/", headers={"Host": "b.example"})[0] == 421


# ---- the state folder

def test_the_state_folder_is_a_symlink(app):
    os.makedirs(app.base + "/elsewhere")
    os.symlink(app.base + "/elsewhere", app.state)
    app.run("plan").expect(5, "H0102", "symbolic link")
    assert os.listdir(app.base + "/elsewhere") == []
    os.unlink(app.state)
    app.deploy()


def test_the_state_folder_cannot_be_made(app):
    base, app.base = app.base, "/proc/nowhere"
    for verb in (["plan"], ["deploy", "--dry-run"], ["deploy", "--yes"]):
        app.run(*verb).expect(5, "H0102", "/proc", "--state-dir")
    app.base = base


def test_the_state_folder_is_foreign(app):
    os.makedirs(app.state)
    os.chown(app.state, 12345, 12345)
    app.run("deploy", "--yes").expect(5, "H0102", "12345")
    os.rmdir(app.state)
    app.deploy()


def test_the_state_folder_is_read_only(app):
    os.makedirs(app.state, mode=0o710)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,mode=0710", "none", app.state], check=True)
    try:
        app.run("deploy", "--yes").expect(1, "H0104", "(?i)read-only")
    finally:
        subprocess.run(["umount", app.state], check=True)
    app.deploy()


def deploy_all_below(app, name):
    """All that writes paths into configurations; a second version, so that the proxy is told to reload, too."""
    app.move_below(name)
    everything = ("--set", "database=true", "--set", "broker=true")
    app.deploy(*everything)
    app.plan_is_empty(*everything)
    app.deploy(*everything, "--set", "replicas=2")
    assert app_answers(app)
    app.plan_is_empty(*everything, "--set", "replicas=2")
    found = [pid for pid, command in app.processes().items() if "haproxy" in command]
    assert found and all(os.path.exists(f"/proc/{pid}/cwd/admin.sock") for pid in found), found


def test_the_state_folder_has_an_odd_name(app):
    deploy_all_below(app, "it's a \"state\" folder, 100% #$HOME \\n ${x} `:")


def test_the_state_folder_has_a_long_path(app):
    deploy_all_below(app, "/".join(["a-folder-with-a-rather-long-name"] * 8))


def test_the_state_folder_cannot_be_taken_away(app):
    app.deploy()
    busy = app.state + "/logs/somebody's"
    os.makedirs(busy)
    subprocess.run(["mount", "-t", "tmpfs", "none", busy], check=True)
    try:
        app.run("destroy", "--yes", "--delete-data").expect(1, RUSTC_FORM, "H0104", re.escape(app.state), "busy", "taken down")
        assert not app.processes()
    finally:
        subprocess.run(["umount", busy], check=True)
    app.deploy()
    app.run("destroy", "--yes").expect(0)
    assert not os.path.exists(app.state)


def test_the_home_is_empty(app):
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", app.binary, "plan"], capture_output=True, text=True,
                          env={"PATH": "/usr/bin:/bin", "HOME": ""}, stdin=subprocess.DEVNULL, timeout=20)
    assert done.returncode == 64 and "H0101" in done.stderr, done.stdout + done.stderr


# ---- plan files

def test_a_saved_plan_is_deployed(app):
    file = app.base + "/plan.json"
    app.run("plan", "--out", file).expect(0)
    assert os.stat(file).st_mode & 0o777 == 0o600
    os.symlink("plan.json", app.base + "/latest")
    app.run("deploy", "--plan", app.base + "/latest").expect(0)
    app.plan_is_empty()


def test_a_saved_plan_no_longer_fits(app):
    file = app.base + "/plan.json"
    app.deploy()
    app.run("plan", "--out", file, "--set", "broker=true").expect(0)
    app.deploy("--set", "database=true", "--set", "broker=true")
    app.run("deploy", "--plan", file, "--set", "broker=true").expect(8, "H0303")
    app.plan_is_empty("--set", "database=true", "--set", "broker=true")


def test_a_plan_file_that_is_none(app):
    file = app.base + "/plan.json"
    app.run("plan", "--out", file).expect(0)
    whole = open(file).read()
    flipped = whole.replace("create", "update", 1)
    for content in ("", "{}", "null", whole[: len(whole) // 2], flipped, whole.replace('"format_version":1', '"format_version":99').replace('"format_version": 1', '"format_version": 99')):
        assert content != whole
        open(file, "w").write(content)
        app.run("deploy", "--plan", file).expect(64, RUSTC_FORM, "plan")
    open(file, "w").write(whole)
    app.run("deploy", "--plan", file, "--set", "broker=true").expect(64, "plan")
    app.run("deploy", "--plan", app.base + "/none").expect(64, "plan")
    foreign = app.run("deploy", "--plan", file, binary=beside("harmony-app")) if os.path.exists(beside("harmony-app")) else None
    assert foreign is None or foreign.code == 64, foreign.text
    assert not os.path.exists(app.state)


# ---- two at once, and signals

def test_the_fingerprint_key_is_lost(app):
    app.deploy("--set", "database=true")
    os.remove(app.state + "/keys/fingerprint")
    app.run("plan", "--set", "database=true").expect(0, "the fingerprint key is not that of the last run", "database server")
    assert len(re.findall("fingerprint key", app.deploy("--set", "database=true").text)) == 1
    app.plan_is_empty("--set", "database=true")


def test_two_deploys_at_once(app):
    app.deploy()
    with app.start("deploy", "--yes", "--set", f"binary={beside('never-ready')}", "--set", "ready-seconds=8", "--events", "/dev/stdout") as first:
        for line in first.stdout:
            if '"waiting"' in line and "503" in line:
                break
        app.run("deploy", "--yes", "--set", "broker=true", "--lock-timeout", "1").expect(7, "H0201", "deploy", str(first.pid))
        app.run("plan", "--set", "broker=true").expect(0, "a deploy .* is running, at change")
        app.run("status").expect(0, "a deploy .* is running, at change")
        waits = app.run("deploy", "--yes", "--set", "broker=true", "--lock-timeout", "60")
        first.communicate(timeout=60)
    assert first.returncode == 4
    waits.expect(0)
    app.plan_is_empty("--set", "broker=true")


def test_ctrl_c_once(app):
    with app.start("deploy", "--yes", "--set", f"binary={beside('never-ready')}", "--set", "ready-seconds=60", "--events", "/dev/stdout") as deploying:
        for line in deploying.stdout:
            if '"waiting"' in line and "503" in line:
                break
        deploying.send_signal(signal.SIGINT)
        _, err = deploying.communicate(timeout=20)
    assert deploying.returncode == 130, (deploying.returncode, err)
    assert "Interrupted: stopping after the current step" in err, err
    app.run("status").expect(0, r"the last deploy \(.*\) was stopped")
    app.deploy()
    app.plan_is_empty()


def test_a_deploy_that_failed_after_its_last_change_is_made_good_by_one_without_changes(app):
    fails = {"SMOKE": "fails"}
    app.run("deploy", "--yes", env=fails).expect(3, "H0601")
    app.run("plan", "--detailed-exitcode").expect(2, "No changes, but the last run did not end well")
    app.run("deploy", "--yes", env=fails).expect(3, "H0601")
    assert app.json("status")["run"]["failed"]
    app.run("deploy", "--yes").expect(0, "No changes", "passed")
    app.plan_is_empty()
    run = app.json("status")["run"]
    assert run["smoke_tested"] and not run["failed"], run
    app.run("status").expect(0, r"last deployed (just now|\d+ s ago)")


def test_ctrl_c_twice(app):
    """In the one step that does not end by the first. Two signals that are sent at once would arrive as one."""
    with app.start("deploy", "--yes", "--events", "/dev/stdout", env={"SMOKE": "ignores its stop"}) as deploying:
        for line in deploying.stdout:
            if '"smoke_test_started"' in line:
                break
        deploying.send_signal(signal.SIGINT)
        for line in deploying.stderr:
            if "Interrupted" in line:
                break
        deploying.send_signal(signal.SIGINT)
        _, err = deploying.communicate(timeout=20)
    assert deploying.returncode == 130 and "Left at once" in err, (deploying.returncode, err)
    app.deploy()
    app.plan_is_empty()


def test_whoever_starts_it_ignores_the_ends_of_children(app):
    ignoring = lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # noqa: E731
    app.run("deploy", "--yes", "--set", "database=true", preexec_fn=ignoring).expect(0)
    app.plan_is_empty("--set", "database=true")


def test_output_to_a_closed_pipe(app):
    done = subprocess.run(["bash", "-o", "pipefail", "-c", " ".join(f"'{a}'" for a in app.arguments("deploy", "--yes")) + " 2>&1 | true; echo ${PIPESTATUS[0]}"],
                          capture_output=True, text=True, env=app.environment, timeout=90)
    assert done.stdout.strip().endswith("0"), done.stdout
    app.plan_is_empty()
    with open("/dev/full", "w") as full:
        done = subprocess.run(app.arguments("deploy", "--yes", "--set", "broker=true"), stdout=full, stderr=full, env=app.environment, timeout=90)
    app.plan_is_empty("--set", "broker=true")


# ---- the command line

def test_usage(app):
    for args, patterns in (
        (("deploy", "--yess"), ("--yes",)), (("deplo",), ("deploy",)), (("plan", "--on", "lokal"), ("local",)),
        (("plan", "--set", "binry=x"), ("binary",)), (("plan", "--set", "ready-seconds=soon"), ("ready-seconds", "soon")),
        (("plan", "--set", "database=maybe"), ("true|false",)), (("explain", "H9999"), ("H9999",)), ((), ("Usage|usage",)),
    ):
        result = subprocess.run([app.binary, *args], capture_output=True, text=True, env=app.environment, stdin=subprocess.DEVNULL, timeout=20)
        assert result.returncode == 64, (args, result.returncode, result.stderr)
        for pattern in patterns:
            assert re.search(pattern, result.stderr + result.stdout), (args, result.stderr)
    explained = subprocess.run([app.binary, "explain", "H0120"], capture_output=True, text=True, env=app.environment, timeout=20)
    assert explained.returncode == 0 and "H0120" in explained.stdout
    assert not os.path.exists(app.state)


if __name__ == "__main__":
    main(globals(), sys.argv[1], "variant")
