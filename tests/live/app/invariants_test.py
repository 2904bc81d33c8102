"""Invariants 1 and 5 of the design: plan, status and --dry-run change nothing; no secret in any output.
argv[1]: harmony-app."""
import contextlib
import glob
import grp
import hashlib
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from harness import http_get, main, psql, wait_for  # noqa: E402

READING = (("plan",), ("plan", "-v"), ("plan", "-o", "json"), ("status",), ("deploy", "--dry-run"), ("graph",), ("logs",), ("plan", "--set", "binary=guestbookd-next"))


def harmonys_own(app):
    """Path -> bytes and mtime of Harmony's files; the services' data and logs are theirs."""
    files = {}
    for folder, folders, names in os.walk(app.state):
        where = os.path.relpath(folder, app.state)
        if re.match(r"logs|services/[^/]+/(data|jetstream)", where):
            folders.clear()
            continue
        for name in names + folders:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            content = hashlib.sha256(open(path, "rb").read()).hexdigest() if os.path.isfile(path) and not os.path.islink(path) else ""
            files[path] = (info.st_mtime_ns, info.st_size if content else 0, info.st_mode, info.st_uid, content)
    return files


def database(app, statement):
    return psql(app, statement, "guestbook")


def world(app):
    return {
        "files": harmonys_own(app),
        "pids": app.supervised(),
        "roles": database(app, "select rolname, rolpassword from pg_authid order by 1"),
        "databases": database(app, "select datname, datdba, datacl from pg_database order by 1"),
        "schema": database(app, "select table_name, column_name, data_type from information_schema.columns where table_schema = 'public' order by 1, 2"),
        "rows": database(app, "select * from entries order by 1"),
    }


def test_reading_verbs_change_nothing(app):
    app.deploy()
    before = world(app)
    for verb in READING:
        assert app.run(*verb).code in (0, 2), verb
        after = world(app)
        for part in before:
            assert before[part] == after[part], f"{verb} changed {part}"


def opened_for_writing(app, *verb):
    trace = app.base + "/trace"
    subprocess.run(["strace", "-f", "-qq", "-e", "trace=openat,open,creat,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,symlink,link,chmod,fchmod,fchmodat,chown,fchown,fchownat,truncate,ftruncate,mknod",
                    "-o", trace, *app.arguments(*verb)], env=app.environment, capture_output=True, stdin=subprocess.DEVNULL, timeout=120)
    found = []
    for line in open(trace, errors="replace"):
        if re.search(r" = -1 ", line):
            continue
        if "open" in line:
            if re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC", line) and not re.search(r'"/dev/', line):
                found.append(line.strip())
        elif re.search(r"\b(rename|unlink|mkdir|symlink|link|f?chmod|f?chown|f?truncate|mknod|creat)", line):
            found.append(line.strip())
    assert os.path.getsize(trace) > 1000
    return found


def test_reading_verbs_open_nothing_for_writing(app):
    for verb in READING[:5]:
        assert opened_for_writing(app, *verb) == [], "before the first deploy"
    assert not os.path.exists(app.state)
    app.deploy()
    for verb in READING:
        assert opened_for_writing(app, *verb) == [], verb


def test_a_plan_writes_only_what_is_named(app):
    file = app.base + "/plan.json"
    found = opened_for_writing(app, "plan", "--out", file)
    named = re.compile(re.escape(app.base) + r"/(plan\.json|\.plan\.json\.\w{6})\"")  # made beside, and renamed
    assert found and all(named.search(line) or "fchmod" in line for line in found), found


def secrets(app):
    found = {}
    for path in glob.glob(app.state + "/keys/*"):
        value = open(path, "rb").read().strip()
        found[os.path.basename(path)] = value.decode() if value.isascii() else value.hex()
    assert len(found) >= 4, found.keys()
    return found


def test_no_secret_in_any_output(app):
    outputs = {}
    extra = ("--events", app.base + "/events", "--trace", app.base + "/trace.json", "--report", app.base + "/report.html", "--metrics-textfile", app.base + "/h.prom")
    outputs["deploy"] = app.run("deploy", "--yes", "-v", *extra).expect(0).text
    file = app.base + "/plan.json"
    app.run("plan", "--set", "replicas=2", "--out", file).expect(0)
    for verb in (*READING, ("plan", "-v", "--set", "replicas=2"), ("plan", "-o", "json", "--set", "binary=guestbookd-next"), ("status", "-o", "json")):
        outputs[" ".join(verb)] = app.run(*verb).text
    for path in (*extra[1::2], file):
        outputs[path] = open(path).read()
    for path in glob.glob(app.state + "/ledger/*") + glob.glob(app.state + "/logs/*/current"):
        outputs[path] = open(path, errors="replace").read()
    outputs |= {f"/proc/{pid}/cmdline": command for pid, command in app.processes().items()}
    for name, secret in secrets(app).items():
        for where, text in outputs.items():
            if name == "fingerprint" and where == file:
                continue  # a saved plan carries the key that its fingerprints were made with
            assert secret not in text, f"the secret {name} stands in {where}"
        in_files = subprocess.run(["grep", "-rlF", "--exclude-dir=data", "--exclude-dir=jetstream", secret, app.state], capture_output=True, text=True).stdout.split()
        for path in in_files:
            found = os.stat(path)
            to_services = os.geteuid() == 0 and found.st_gid == grp.getgrnam("harmony").gr_gid  # who starts as that user
            assert found.st_mode & (0o037 if to_services else 0o077) == 0, f"{path} holds {name} and is readable by others"


def changes(report, fidelities=("exact", "unknown")):
    return {(change["subject"]["kind"], change["subject"]["name"], change["action"], change["effect"])
            for step in report["steps"] for change in step["changes"] if change["action"] != "unchanged" and change["fidelity"] in fidelities}


def deploy_as_planned(app, *settings):
    """@returns how many objects changed"""
    planned, report = app.json("plan", *settings), app.json("deploy", "--yes", *settings)
    done = changes(report)
    assert changes(planned, ("exact",)) <= done <= changes(planned), (planned, report)
    app.plan_is_empty(*settings)
    return len(done)


def test_what_a_plan_says_is_what_a_deploy_does(app):
    for settings in ((), ("--set", "binary=guestbookd-next"), ("--set", "replicas=2"), ("--set", "host=other.localhost")):
        assert changes(app.json("plan", *settings), ("unknown",)) == set(), "nothing here is hard to foresee"
        assert deploy_as_planned(app, *settings) > 0


def test_what_starts_along_with_the_supervisor_was_planned_and_is_told(app):
    app.deploy()
    for words in ("s6-svscan", "s6-"):
        for pid, command in app.processes().items():
            if words in command:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        wait_for("them to be gone", lambda: not any(words in command for command in app.processes().values()))
        assert deploy_as_planned(app) == 4, words
    app.power_cut()
    assert deploy_as_planned(app) == 4


def test_leftovers_of_a_dead_smoke_test_are_removed(app):
    app.deploy()
    database(app, "insert into entries (author, message, marker, created_at, delete_token_hash) values ('smoke test', 'left', 'smoke-test:guestbook:dead', now() - interval '1 hour', '')")
    database(app, "insert into entries (author, message, marker, created_at, delete_token_hash) values ('smoke test', 'alive', 'smoke-test:guestbook:alive', now(), '')")
    app.run("smoke-test").expect(0)
    assert database(app, "select message from entries where marker is not null").split() == ["alive"]
    assert "alive" not in http_get(app.url(), "/entries")[1]


if __name__ == "__main__":
    main(globals(), sys.argv[1])
