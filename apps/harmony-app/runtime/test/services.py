"""The real servers a guestbook needs, on free ports and in a temporary folder, and small clients for them."""

import base64
import ctypes
import glob
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from urllib.parse import quote

PATIENCE = 60.0  # seconds until something that has to happen counts as not happening

DATABASE_PASSWORD = "db-S3cret/p@ss:word"
BROKER_PASSWORD = "nats-S3cret/p@ss:word%"


def eventually(what, condition, patience=PATIENCE):
    """Asks until the condition gives something true, and gives it back."""
    end = time.monotonic() + patience
    last = None
    while time.monotonic() < end:
        try:
            last = condition()
            if last:
                return last
        except (OSError, http.client.HTTPException) as error:
            last = repr(error)
        time.sleep(0.02)
    raise AssertionError(f"did not happen: {what} (last: {last!r})")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def die_with_parent():
    """A killed test leaves no server behind."""
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def unprivileged():
    """PostgreSQL refuses to run as root."""
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


def children_of(pid):
    found = []
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(path.split("/")[2]))
    return found


class Server:
    """A process with its output in a file, which can fall silent and come back."""

    def __init__(self):
        self.process = None

    def spawn(self, command, log, **options):
        with open(log, "ab") as output:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, preexec_fn=die_with_parent, **options)

    def family(self):
        return [self.process.pid, *children_of(self.process.pid)]

    def freeze(self):
        self.frozen = self.family()
        for pid in self.frozen:
            os.kill(pid, signal.SIGSTOP)

    def thaw(self):
        for pid in self.frozen:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass

    def end(self, how=signal.SIGKILL):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None


class Postgres(Server):
    def __init__(self, folder):
        super().__init__()
        self.programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self.port = free_port()
        self.data = os.path.join(folder, "postgres")
        self.log = os.path.join(folder, "postgres.log")
        self.names = 0
        password_file = os.path.join(folder, "superuser")
        with open(password_file, "w", encoding="utf-8") as file:
            file.write(DATABASE_PASSWORD)
        os.mkdir(self.data, 0o700)
        if os.geteuid() == 0:
            shutil.chown(self.data, "nobody", "nogroup")
            shutil.chown(password_file, "nobody")
        subprocess.run(
            [f"{self.programs}/initdb", "--pgdata", self.data, "--username=postgres", f"--pwfile={password_file}",
             "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"],
            check=True, stdout=subprocess.DEVNULL, cwd="/", **unprivileged())

    def start(self):
        self.spawn(
            [f"{self.programs}/postgres", "-D", self.data, "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
             "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=60"],
            self.log, cwd="/", **unprivileged())
        eventually("PostgreSQL answers", lambda: self.psql_process("select 1").returncode == 0)

    def stop(self):
        self.end(signal.SIGINT)

    def kill(self):
        """As if the machine had lost power; its processes notice that the first is gone."""
        children = children_of(self.process.pid)
        self.end(signal.SIGKILL)
        eventually("the database's processes are gone", lambda: not any(os.path.exists(f"/proc/{c}") for c in children))

    def environment(self):
        return {**os.environ, "PGPASSWORD": DATABASE_PASSWORD, "PGHOST": "127.0.0.1", "PGPORT": str(self.port),
                "PGUSER": "postgres", "PGCONNECT_TIMEOUT": "5", "PGAPPNAME": "runtime_test"}

    def psql_process(self, sql, database="postgres"):
        return subprocess.run(
            [f"{self.programs}/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql],
            env=self.environment(), capture_output=True, text=True)

    def sql(self, sql, database="postgres"):
        done = self.psql_process(sql, database)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def new_database(self):
        """A role and a database of its own, with a password that a URL has to encode."""
        self.names += 1
        name = f"guestbook{self.names}"
        self.sql(f"create role {name} login password '{DATABASE_PASSWORD}'")
        self.sql(f"create database {name} owner {name}")
        return name

    def url(self, name, password=DATABASE_PASSWORD):
        return f"postgresql://{name}:{quote(password, safe='')}@127.0.0.1:{self.port}/{name}"


class Lock:
    """Holds the table `entries`, or what another statement locks, so that whoever needs it waits."""

    def __init__(self, postgres, database, statement="lock table entries in access exclusive mode"):
        self.process = subprocess.Popen(
            [f"{postgres.programs}/psql", "-X", "-q", "-d", database], env=postgres.environment(),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.process.stdin.write(f"begin; {statement} \\g /dev/null\n\\echo locked\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "locked\n"

    def release(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(PATIENCE)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()


class Nats(Server):
    def __init__(self, folder):
        super().__init__()
        self.port = free_port()
        self.folder = tempfile.mkdtemp(prefix="nats", dir=folder)
        self.log = os.path.join(self.folder, "log")
        self.configuration = os.path.join(self.folder, "nats.conf")
        self.configure(f'user: guestbook, password: "{BROKER_PASSWORD}"')

    def configure(self, authorization):
        with open(self.configuration, "w", encoding="utf-8") as file:
            file.write(f'listen: "127.0.0.1:{self.port}"\n'
                       f'jetstream {{ store_dir: "{self.folder}/jetstream", max_mem: 64M, max_file: 64M }}\n'
                       f"authorization {{ {authorization} }}\n")

    def start(self):
        self.spawn(["nats-server", "--config", self.configuration], self.log)
        eventually("NATS listens", lambda: socket.create_connection(("127.0.0.1", self.port), 1).close() or True)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def url(self, password=BROKER_PASSWORD):
        return f"nats://guestbook:{quote(password, safe='')}@127.0.0.1:{self.port}"

    def client(self, **login):
        return NatsClient(self.port, login or {"user": "guestbook", "pass": BROKER_PASSWORD})


class NatsClient:
    """As much of the NATS protocol as it takes to manage a stream."""

    def __init__(self, port, login):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile("rb")
        self.inboxes = 0
        assert self.stream.readline().startswith(b"INFO ")
        self.send("CONNECT " + json.dumps({"verbose": False, "pedantic": False, "headers": True, **login}), "PING")
        answer = self.stream.readline()
        assert answer.startswith(b"PONG"), answer

    def send(self, *lines):
        self.socket.sendall("".join(line + "\r\n" for line in lines).encode())

    def request(self, subject, value):
        self.inboxes += 1
        inbox = f"_INBOX.test.{os.getpid()}.{self.inboxes}"
        payload = json.dumps(value)
        self.send(f"SUB {inbox} {self.inboxes}", f"PUB {subject} {inbox} {len(payload.encode())}", payload)
        while True:
            words = self.stream.readline().split()
            if words[0] == b"PING":
                self.send("PONG")
            elif words[0] == b"MSG":
                body = self.stream.read(int(words[-1]) + 2)
                self.send(f"UNSUB {self.inboxes}")
                return json.loads(body)
            else:
                raise AssertionError(words)

    def js(self, call, value=None):
        answer = self.request(f"$JS.API.{call}", {} if value is None else value)
        assert "error" not in answer, answer
        return answer

    def add_stream(self, name, subjects, **settings):
        self.js(f"STREAM.CREATE.{name}", {"name": name, "subjects": subjects, "storage": "file", "retention": "limits",
                                          "discard": "old", "num_replicas": 1, "max_consumers": -1, "max_msgs": -1,
                                          "max_bytes": -1, "max_age": 0, **settings})

    def messages(self, name, subject):
        """All messages of a subject, oldest first, each read as JSON."""
        state = self.js(f"STREAM.INFO.{name}")["state"]
        found = []
        for sequence in range(max(1, state["first_seq"]), state["last_seq"] + 1):
            message = self.js(f"STREAM.MSG.GET.{name}", {"seq": sequence})["message"]
            if message["subject"] == subject:
                found.append(json.loads(base64.b64decode(message["data"])))
        return found

    def close(self):
        self.stream.close()
        self.socket.close()


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body
        self.text = body.decode()

    def json(self):
        assert self.headers["Content-Type"] == "application/json", self.headers
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.text[:200]!r}"


class Guestbook(Server):
    """The service under test, on a port it chose."""

    count = 0

    def __init__(self, binary, folder, **environment):
        super().__init__()
        Guestbook.count += 1
        self.log = os.path.join(folder, f"guestbookd{Guestbook.count}.log")
        self.spawn([binary], self.log, env={"PATH": os.environ["PATH"], "LISTEN": "127.0.0.1:0", **environment})
        self.port = int(eventually("the service listens", self.listening).group(1))

    def listening(self):
        assert self.process.poll() is None, self.lines()
        return re.search(r"event=listening address=127\.0\.0\.1:(\d+)", self.lines())

    def lines(self):
        with open(self.log, encoding="utf-8") as file:
            return file.read()

    def ask(self, method, path, body=None, headers=None, connection=None, timeout=PATIENCE):
        used = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            used.request(method, path, body, headers or {})
            response = used.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            if connection is None:
                used.close()

    def get(self, path, **options):
        return self.ask("GET", path, **options)

    def post(self, entry, **options):
        body = entry if isinstance(entry, (bytes, str)) else json.dumps(entry)
        return self.ask("POST", "/entries", body, {"Content-Type": "application/json"}, **options)

    def delete(self, identity, token=None):
        return self.ask("DELETE", f"/entries/{identity}", headers={"X-Delete-Token": token} if token else {})

    def wait_ready(self):
        eventually("the service is ready", lambda: self.get("/readyz").status == 200)
        return self

    def wait_unready(self, reason):
        """Until /readyz answers 503 with a reason that holds this text; gives the reason back."""
        def asked():
            answer = self.get("/readyz")
            return answer.text if answer.status == 503 and reason in answer.text else None
        return eventually(f"/readyz names {reason!r}, last {self.get('/readyz')}", asked)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def raw(self, data):
        """Sends bytes as they are; all that comes back until the service closes."""
        with self.connect() as client:
            client.sendall(data)
            return read_to_end(client)

    def metric(self, line):
        found = re.search(rf"^{re.escape(line)} (\S+)$", self.get("/metrics").text, re.MULTILINE)
        return float(found.group(1)) if found else None

    def terminate(self):
        """SIGTERM; gives the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


def read_to_end(client):
    received = b""
    while True:
        try:
            piece = client.recv(65536)
        except ConnectionResetError:
            return received
        if not piece:
            return received
        received += piece
