"""What the live tests share: a deployment in a folder of its own, and a runner that counts.

A test is a function `test_…(app)`; it gets an App of its own that is taken down afterwards, whatever happened.
Python's standard library only.
"""
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

# Whoever runs the tests in the background has this one ignored, and what they start would ignore it, too.
signal.signal(signal.SIGINT, signal.default_int_handler)


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def text(self):
        return self.out + self.err

    def expect(self, code, *patterns):
        """The exit code, and regular expressions that both streams together must contain."""
        assert self.code == code, f"exit code {self.code}, expected {code}\n{self.text}"
        for pattern in patterns:
            assert re.search(pattern, self.text, re.M), f"no match for {pattern!r} in:\n{self.text}"
        return self


class App:
    """One deployment of a deploy binary, in a temporary state folder."""

    def __init__(self, binary, deployment="guestbook"):
        self.binary = os.path.abspath(binary)
        self.deployment = deployment
        self.base = tempfile.mkdtemp(prefix="harmony-test-")
        self.taken_away = self.base
        os.chmod(self.base, 0o755)  # the service user must be able to pass
        self.state = os.path.join(self.base, deployment)
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("HARMONY_", "XDG_"))}
        self.environment.update(NO_COLOR="1", HOME=self.base)

    def move_below(self, name):
        """The state goes to a folder of this name instead, which is yet to be made."""
        self.base = os.path.join(self.base, name)
        self.state = os.path.join(self.base, self.deployment)

    def arguments(self, *args):
        return [self.binary, *args, "--state-dir", self.base, "--deployment", self.deployment]

    def run(self, *args, timeout=120, env=None, stdin=subprocess.DEVNULL, binary=None, **more):
        command = self.arguments(*args)
        if binary:
            command[0] = os.path.abspath(binary)
        done = subprocess.run(command, stdin=stdin, capture_output=True, timeout=timeout,
                              env={**self.environment, **(env or {})}, **more)
        return Result(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))

    def start(self, *args, env=None, **more):
        """In the background; the caller waits for it."""
        return subprocess.Popen(self.arguments(*args), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env={**self.environment, **(env or {})}, text=True, **more)

    def json(self, *args, code=0):
        return json.loads(self.run(*args, "-o", "json").expect(code).out)

    def deploy(self, *args, code=0):
        return self.run("deploy", "--yes", *args).expect(code)

    def plan_is_empty(self, *args):
        result = self.run("plan", "--detailed-exitcode", *args)
        assert result.code == 0, f"the plan is not empty:\n{result.text}"

    def url(self):
        found = re.search(r"http://127\.0\.0\.1:(\d+)", self.run("deploy", "--yes").expect(0).text)
        assert found, "no URL"
        return found.group(0)

    def processes(self):
        """pids of everything that runs with our state folder in its command line or as its folder."""
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                command = open(f"/proc/{pid}/cmdline", "rb").read().replace(b"\0", b" ").decode(errors="replace")
                where = os.readlink(f"/proc/{pid}/cwd")
                if self.state in command or where.startswith(self.state):
                    found[int(pid)] = command
        found.pop(os.getpid(), None)
        return found

    def servers(self):
        """Those of them that stay as long as they are not ended: a database server has others come and go below it."""
        return {pid: command for pid, command in self.processes().items() if self.state in command or command.startswith("s6-")}

    def supervised(self):
        """The pids that the supervisor keeps, by service."""
        folder = os.path.join(self.state, "supervisor")
        return {name: subprocess.run(["s6-svstat", "-o", "pid", os.path.join(folder, name)], capture_output=True, text=True).stdout.strip()
                for name in sorted(os.listdir(folder)) if not name.startswith(".")}

    def power_cut(self):
        """Nobody is asked, the supervisor goes first, and not even an entry of a process is left."""
        killed = sorted(self.processes())
        for pid in killed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_for("everything to be dead", lambda: not self.processes() and not any(os.path.exists(f"/proc/{pid}") for pid in killed))

    def close(self):
        try:
            ended = self.run("destroy", "--yes", "--delete-data", timeout=120).text
        except Exception as error:  # noqa: BLE001: told below, where something is left
            ended = repr(error)
        left = self.processes()
        if left:
            print(f"destroy ended with:\n{ended}", flush=True)
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.taken_away, ignore_errors=True)
        return left


def psql(app, statement, database="postgres"):
    """Asks as the superuser, with the password that the deploy made."""
    with open(app.state + "/keys/guestbook-db.superuser") as file:
        password = file.read().strip()
    with open(app.state + "/services/guestbook-db/postgresql.conf") as file:
        port = re.search(r"port = '(\d+)'", file.read()).group(1)
    done = subprocess.run(["psql", "-XAt", f"postgresql://postgres@127.0.0.1:{port}/{database}", "-c", statement],
                          env={**app.environment, "PGPASSWORD": password}, capture_output=True, text=True, check=True)
    return done.stdout


def wait_for(what, condition, limit=30.0):
    """Waits for an event; fails at the limit. Not a pause: it returns as soon as the condition holds."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited {limit} s for: {what}"
        select_pause()


def select_pause():
    import select
    select.select([], [], [], 0.02)


def http_get(url, path="/", method="GET", body=None, headers=None, timeout=10):
    host = url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


def main(tests, binary, deployment="guestbook"):
    """Runs every test_… of `tests` (a module's globals()); words after the binary choose by substring."""
    run(tests, lambda: App(binary, deployment), sys.argv[2:])


def run(tests, subject, chosen):
    """Runs the tests, each with a subject of its own. What its close() returns was left behind, and is a failure; an
    explain() of it prints what is known of one."""
    passed, failed = 0, []
    for name, test in list(tests.items()):
        if not name.startswith("test_") or (chosen and not any(word in name for word in chosen)):
            continue
        app = subject()
        start = time.monotonic()
        try:
            test(app)
            passed += 1
            print(f"ok     {name} ({time.monotonic() - start:.1f} s)", flush=True)
        except Exception:  # noqa: BLE001: a test may fail in any way
            failed.append(name)
            print(f"FAILED {name}\n{traceback.format_exc()}", flush=True)
            if hasattr(app, "explain"):
                app.explain()
        finally:
            left = app.close()
            if left and name not in failed:
                failed.append(name)
                passed -= 1
                print(f"FAILED {name}: destroy left processes: {left}", flush=True)
    print(f"{passed} passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)
