#!/usr/bin/env python3
"""Metrics as others get them: a real Prometheus, a real Pushgateway, promtool, and clients that mean no good.

Usage: metrics_test.py PIPELINE [PART-OF-A-TEST'S-NAME]...
"""
import contextlib
import http.client
import http.server
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from harness import run, wait_for  # noqa: E402

PIPELINE = os.path.abspath(sys.argv[1])
STAGES = [f"stage-{i:02}" for i in range(1, 31)]
PATIENCE = 60  # seconds, for things that take milliseconds


def until(what, check):
    return wait_for(what, check, PATIENCE)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url):
    """The body, or None where nobody answers (yet)."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read().decode()
    except (urllib.error.URLError, ConnectionError, http.client.HTTPException, TimeoutError):
        return None


def samples(text):
    """{(name, ((label, value), …)): value} of an exposition without escapes."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()
            found[name, tuple(sorted(re.findall(r'(\w+)="([^"]*)"', labels or "")))] = float(value)
    return found


def durations(text):
    return {dict(labels)["score"]: value for (name, labels), value in samples(text).items() if name == "harmony_score_duration_seconds"}


class Place:
    """A folder, and processes that end with it."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="harmony-metrics-")
        self.gates = os.path.join(self.folder, "gates")
        os.mkdir(self.gates)
        self.running = []
        self.environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and not k.startswith("HARMONY_")}
        self.environment.update(NO_COLOR="1", HOME=self.folder)

    def file(self, name):
        return os.path.join(self.folder, name)

    def open_gate(self, stage):
        open(os.path.join(self.gates, stage), "w").close()

    def run(self, *arguments):
        done = subprocess.run([PIPELINE, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, env=self.environment)
        return done.returncode, done.stdout + done.stderr

    def expect(self, code, *arguments):
        found, text = self.run(*arguments)
        assert found == code, f"exit code {found}, expected {code}\n{text}"
        return text

    def start(self, *command):
        log = open(self.file(os.path.basename(command[0]) + ".log"), "a+")
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)
        self.running.append((process, log))
        return process

    def deploy_behind_gates(self, *arguments):
        """A deploy that stands at its first gate, and the address of its metrics."""
        port = free_port()
        process = self.start(PIPELINE, "deploy", "--yes", "--set", f"gates={self.gates}", "--metrics-listen", f"127.0.0.1:{port}", *arguments)
        until("the deploy waits at its first gate", lambda: 'state="waiting"} 1' in (get(f"http://127.0.0.1:{port}/metrics") or ""))
        return process, port

    def explain(self):
        for _, log in self.running:
            log.seek(0)
            print(log.read()[-3000:], flush=True)

    def close(self):
        for process, log in self.running:
            if process.poll() is None:
                process.kill()
            process.wait()
            log.close()
        shutil.rmtree(self.folder)

    def finish(self, process):
        """Opens all gates and waits. Returns what the deploy said."""
        for stage in STAGES:
            self.open_gate(stage)
        code = process.wait(timeout=PATIENCE)
        log = next(log for known, log in self.running if known is process)
        log.seek(0)
        text = log.read()
        assert code == 0, f"exit code {code}\n{text}"
        return text

    def prometheus(self, target, job="harmony"):
        port = free_port()
        with open(self.file("prometheus.yml"), "w") as config:
            json.dump({"global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"},
                       "scrape_configs": [{"job_name": job, "honor_labels": True, "static_configs": [{"targets": [target]}]}]}, config)
        self.start("/usr/bin/prometheus", "--config.file", self.file("prometheus.yml"), "--storage.tsdb.path", self.file("tsdb"),
                   "--web.listen-address", f"127.0.0.1:{port}", "--log.level", "warn")
        until("Prometheus is ready", lambda: get(f"http://127.0.0.1:{port}/-/ready"))
        return Prometheus(port)

    def pushgateway(self):
        port = free_port()
        self.start("/usr/bin/prometheus-pushgateway", "--web.listen-address", f"127.0.0.1:{port}", "--log.level", "warn")
        url = f"http://127.0.0.1:{port}"
        until("the Pushgateway is ready", lambda: get(f"{url}/-/ready") is not None)
        return url


class Prometheus:
    def __init__(self, port):
        self.port = port

    def query(self, expression):
        """[(labels, value)] of an instant query."""
        body = get(f"http://127.0.0.1:{self.port}/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
        assert body, "Prometheus does not answer"
        answer = json.loads(body)
        assert answer["status"] == "success", answer
        return [(found["metric"], float(found["value"][1])) for found in answer["data"]["result"]]


def promtool(text):
    """What `promtool check metrics` complains about."""
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    return f"exit code {checked.returncode}: {checked.stdout}{checked.stderr}" if checked.returncode or checked.stderr.strip() else ""


@contextlib.contextmanager
def gateway_that(handle):
    """A server on whose each connection `handle` is called; yields its address and the list of what it was called for."""
    seen = []
    listener = socket.create_server(("127.0.0.1", 0))
    held = []

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            held.append(connection)
            seen.append(handle(connection))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", seen
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for connection in held:
            connection.close()


def answer_503(connection):
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 22\r\n\r\nred \x1b[31m alert\r\nsecond")


def test_prometheus_answers_with_the_duration_of_each_score(place):
    process, port = place.deploy_behind_gates("--metrics-linger", "60s", "--metrics-textfile", place.file("pipeline.prom"))
    prometheus = place.prometheus(f"127.0.0.1:{port}")
    until("Prometheus saw a Score wait", lambda: prometheus.query('harmony_deploy_scores{state="waiting"} == 1'))
    scores = 'harmony_score_duration_seconds{deployment="pipeline", topology="memory", result="ok"}'
    for stage in STAGES[:-1]:
        place.open_gate(stage)
    # While the deploy still runs: all that have ended.
    found = until("Prometheus knows 29 durations", lambda: (lambda all_of: len(all_of) == 29 and all_of)(prometheus.query(scores)))
    assert {labels["score"] for labels, _ in found} == {f"pipeline > {stage}" for stage in STAGES[:-1]}
    place.finish(process)
    # It is gone; its last scrape is there, and says what the file says.
    last = until("Prometheus has the last scrape", lambda: (lambda all_of: len(all_of) == 31 and all_of)(prometheus.query(f"last_over_time({scores}[1h])")))
    written = durations(open(place.file("pipeline.prom")).read())
    assert {labels["score"]: value for labels, value in last} == written
    assert set(written) == {"pipeline", *(f"pipeline > {stage}" for stage in STAGES)}
    assert all(value > 0 for value in written.values())
    assert prometheus.query("last_over_time(harmony_deploy_success[1h])")[0][1] == 1


def test_promtool_finds_nothing_to_say(place):
    process, port = place.deploy_behind_gates("--metrics-textfile", place.file("pipeline.prom"))
    running = get(f"http://127.0.0.1:{port}/metrics")
    place.finish(process)
    ended = open(place.file("pipeline.prom")).read()
    for text in (running, ended):
        assert "harmony_deploy_scores" in text
        assert promtool(text) == "", promtool(text)
    assert promtool("nonsense_total{ 1\n") != ""  # it would have said so


def test_the_pushed_group_is_replaced_and_goes_with_the_deployment(place):
    url = place.pushgateway()
    group = {"job": "harmony", "deployment": "pipeline", "topology": "memory", "instance": ""}
    place.expect(0, "deploy", "--yes", "--push-gateway", url)
    pushed = get(f"{url}/metrics")
    assert len(durations(pushed)) == 31, pushed
    assert samples(pushed)["harmony_deploy_success", tuple(sorted(group.items()))] == 1, pushed
    place.expect(0, "deploy", "--yes", "--set", "stages=3", "--push-gateway", url + "/")
    assert set(durations(get(f"{url}/metrics"))) == {"pipeline", *(f"pipeline > {stage}" for stage in STAGES[:3])}
    place.expect(0, "deploy", "--yes", "--deployment", "other", "--push-gateway", url)
    assert 'deployment="pipeline"' in get(f"{url}/metrics")
    place.expect(0, "destroy", "--yes", "--push-gateway", url)
    left = get(f"{url}/metrics")
    assert 'deployment="pipeline"' not in left and 'deployment="other"' in left, left


def test_prometheus_reads_what_was_pushed(place):
    url = place.pushgateway()
    place.expect(0, "deploy", "--yes", "--push-gateway", url)
    prometheus = place.prometheus(url.removeprefix("http://"), job="pushgateway")
    found = until("Prometheus has the group", lambda: prometheus.query('harmony_deploy_success{job="harmony", deployment="pipeline"}'))
    assert found[0][1] == 1
    assert prometheus.query('time() - harmony_deploy_last_success_timestamp_seconds{job="harmony"}')[0][1] < 3600


def test_a_deploy_that_fails_says_so(place):
    place.expect(3, "deploy", "--yes", "--set", "stages=0", "--metrics-textfile", place.file("pipeline.prom"))
    found = {name: value for (name, _), value in samples(open(place.file("pipeline.prom")).read()).items()}
    assert found["harmony_deploy_success"] == 0
    assert found["harmony_smoke_test_success"] == 0
    assert "harmony_deploy_last_success_timestamp_seconds" not in found


def test_a_plan_pushes_nothing(place):
    with gateway_that(answer_503) as (url, seen):
        place.expect(64, "plan", "--push-gateway", url)
        place.expect(0, "plan")
        place.expect(64, "deploy", "--dry-run", "--push-gateway", url, "--metrics-textfile", place.file("pipeline.prom"))
        place.expect(0, "deploy", "--dry-run")
        assert seen == [], seen
        assert not os.path.exists(place.file("pipeline.prom"))
        place.expect(0, "deploy", "--yes", "--push-gateway", url)  # it would have been seen
        assert len(seen) == 1


def test_a_dead_pushgateway_only_warns(place):
    text = place.expect(0, "deploy", "--yes", "--push-gateway", f"http://user:hidden-word@127.0.0.1:{free_port()}")
    assert "H0703" in text and "not pushed" in text, text
    assert "hidden-word" not in text, text


def test_a_hanging_pushgateway_only_warns(place):
    with gateway_that(lambda connection: "never answered") as (url, seen):
        text = place.expect(0, "deploy", "--yes", "--push-gateway", url)
        assert "H0703" in text and "timed out" in text, text
        assert len(seen) == 1


def test_a_pushgateway_that_refuses_only_warns(place):
    with gateway_that(answer_503) as (url, seen):
        text = place.expect(0, "deploy", "--yes", "--push-gateway", url)
        assert "H0703" in text and "503" in text and "red" in text, text
        assert "\x1b" not in text, repr(text)
        assert len(seen) == 1


def test_the_textfile_is_whole_readable_and_goes_with_the_deployment(place):
    target = place.file("pipeline.prom")
    open(target, "w").write("old\n")
    os.chmod(target, 0o600)
    place.expect(0, "deploy", "--yes", "--metrics-textfile", target)
    assert stat.S_IMODE(os.stat(target).st_mode) == 0o644
    assert len(durations(open(target).read())) == 31
    assert sorted(os.listdir(place.folder)) == ["gates", "pipeline.prom"], os.listdir(place.folder)
    place.expect(0, "destroy", "--yes", "--metrics-textfile", target)
    assert not os.path.exists(target)


def test_a_textfile_that_cannot_be_written_only_warns(place):
    os.symlink("/dev/full", place.file("full.prom"))
    text = place.expect(0, "deploy", "--yes", "--metrics-textfile", place.file("full.prom"))
    assert "H0704" in text, text


def test_what_cannot_be_meant_is_refused_before_the_deploy(place):
    for option, value in (("--metrics-listen", "nowhere"), ("--metrics-listen", "127.0.0.1:70000"), ("--metrics-listen", "::1:9464"),
                          ("--metrics-textfile", place.file("pipeline.txt")),
                          ("--push-gateway", "ftp://gateway"), ("--push-gateway", "gateway:9091")):
        text = place.expect(64, "deploy", "--yes", option, value)
        assert "H0702" in text and "stage-01" not in text, text


def test_a_taken_port_ends_it_before_the_deploy(place):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        text = place.expect(1, "deploy", "--yes", "--metrics-listen", f"127.0.0.1:{port}")
        assert "H0701" in text and str(port) in text and "stage-01" not in text, text


def test_any_port_is_named(place):
    text = place.expect(0, "deploy", "--yes", "--metrics-listen", "[::1]:0" if socket.has_ipv6 and os.path.exists("/proc/net/if_inet6") and open("/proc/net/if_inet6").read() else "127.0.0.1:0")
    assert re.search(r"http://\S+:[1-9]\d*/metrics", text), text


def raw(port, request, patience=20):
    """Sends bytes, reads until the server closes. Returns what came."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(request)
            while part := connection.recv(65536):
                received += part
    return received


def test_metrics_stand_hostile_requests(place):
    process, port = place.deploy_behind_gates()
    url = f"http://127.0.0.1:{port}/metrics"
    slow = []
    for i in range(100):  # each begins a request and never ends it
        connection = socket.create_connection(("127.0.0.1", port), timeout=20)
        with contextlib.suppress(ConnectionError):
            connection.sendall(b"GET /metrics HTTP/1.1\r\nX-Slow: " + b"a" * (i + 1))
        slow.append(connection)
        if i % 10 == 0:
            assert "harmony_deploy_scores" in (get(url) or ""), f"no answer beside {i + 1} slow clients"
    deaf = socket.create_connection(("127.0.0.1", port))  # asks, and never reads
    deaf.sendall(b"GET /metrics HTTP/1.1\r\n\r\n" * 1000)
    assert raw(port, b"GET /metrics HTTP/1.1\r\nX-Huge: " + b"a" * 1_000_000 + b"\r\n\r\n")[:12] in (b"", b"HTTP/1.1 431")
    assert raw(port, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 4)[:12] in (b"", b"HTTP/1.1 400")
    assert raw(port, b"GET\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert raw(port, b"POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello")[:12] in (b"", b"HTTP/1.1 405")
    assert raw(port, b"DELETE /metrics HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 405")
    assert raw(port, b"GET /../../etc/passwd HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 404")
    head = raw(port, b"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200") and b"text/plain; version=0.0.4; charset=utf-8" in head and head.endswith(b"\r\n\r\n"), head
    assert int(re.search(rb"Content-Length: (\d+)", head).group(1)) > 1000
    assert raw(port, b"GET /metrics?name=x HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")
    # Those that are slow are sent away in the end, whoever else comes.
    for connection in slow:
        with contextlib.suppress(ConnectionError):
            assert connection.recv(65536) is not None
        connection.close()
    assert "harmony_deploy_scores" in get(url)
    deaf.close()
    place.finish(process)


def test_nothing_serves_after_the_run(place):
    process, port = place.deploy_behind_gates()
    place.finish(process)
    assert get(f"http://127.0.0.1:{port}/metrics") is None


def test_a_signal_ends_the_wait_for_a_last_scrape(place):
    process, port = place.deploy_behind_gates("--metrics-linger", "600s")
    url = f"http://127.0.0.1:{port}/metrics"
    for stage in STAGES:
        place.open_gate(stage)
    # Whichever scrape comes after the end ends it; HEAD is none.
    def last_state():
        head = raw(port, b"HEAD /metrics HTTP/1.1\r\n\r\n")
        return int(re.search(rb"Content-Length: (\d+)", head).group(1))
    seen = last_state()
    until("the run has ended", lambda: open(place.file(os.path.basename(PIPELINE) + ".log")).read().count("FirstStageIsDone") > 0)
    assert process.poll() is None and seen > 0
    process.terminate()
    process.wait(timeout=PATIENCE)
    assert get(url) is None


def test_the_trace_opens(place):
    place.expect(0, "deploy", "--yes", "--trace", place.file("deploy.json"))
    with open(place.file("deploy.json")) as file:
        events = json.load(file)["traceEvents"]
    names = {event["name"] for event in events if event.get("cat") == "score"}
    assert {f"stage {stage}" for stage in STAGES} <= names, names
    text = place.expect(0, "deploy", "--yes", "--trace", "/dev/full")
    assert "H0704" in text, text


if __name__ == "__main__":
    run(globals(), Place, sys.argv[2:])
