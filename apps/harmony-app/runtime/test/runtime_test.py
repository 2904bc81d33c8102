#!/usr/bin/env python3
"""Runs guestbookd against a real PostgreSQL and a real nats-server, and provokes what can go wrong.

usage: runtime_test.py GUESTBOOKD [GUESTBOOKD_NEXT [NAME…]]     NAME: only tests whose names hold it
"""

import base64
import concurrent.futures
import contextlib
import glob
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import uuid

sys.dont_write_bytecode = True  # the source tree stays as it is
from services import (BROKER_PASSWORD, DATABASE_PASSWORD, PATIENCE, Guestbook, Lock, Nats, Postgres, eventually, free_port,
                      read_to_end)

TESTS = []


def test(function):
    TESTS.append(function)
    return function


class World:
    """The servers all tests share, and what one test started."""

    def __init__(self, folder, binary, next_binary):
        self.folder = folder
        self.binary = binary
        self.next_binary = next_binary
        self.postgres = Postgres(folder)
        self.nats = Nats(folder)
        self.started = []
        self.delete_tokens = []

    def start(self):
        self.postgres.start()
        self.nats.start()
        with contextlib.closing(self.nats.client()) as client:
            client.add_stream("entries", ["entries.>"])

    def settings(self, database=None, **changed):
        return {"DATABASE_URL": self.postgres.url(database or self.postgres.new_database()),
                "NATS_URL": self.nats.url(), "NATS_SUBJECT": f"entries.{uuid.uuid4().hex[:8]}", **changed}

    def guestbook(self, settings=None, binary=None):
        service = Guestbook(binary or self.binary, self.folder, **(settings or self.settings()))
        self.started.append(service)
        return service

    def ready_guestbook(self, settings=None, binary=None):
        return self.guestbook(settings, binary).wait_ready()

    def announced(self, settings):
        with contextlib.closing(self.nats.client()) as client:
            return client.messages("entries", settings["NATS_SUBJECT"])

    def create(self, service, message="hello", **more):
        answer = service.post({"author": "Ada", "message": message, **more})
        assert answer.status == 201, answer
        created = answer.json()
        self.delete_tokens.append(created["delete_token"])
        return created

    def end_started(self):
        for service in self.started:
            service.end()
        self.started = []

    def end(self):
        self.end_started()
        self.nats.end()
        self.postgres.end(signal.SIGQUIT)


def database_of(settings):
    return settings["DATABASE_URL"].rpartition("/")[2]


def equal(found, wanted):
    assert found == wanted, f"found {found!r}, wanted {wanted!r}"


def messages_of(service):
    return [entry["message"] for entry in service.get("/entries").json()]


# ---------------------------------------------------------------- the command line and the environment


@test
def version_is_printed(world):
    for binary, version in ((world.binary, "1.4.0"), (world.next_binary, "1.5.0")):
        done = subprocess.run([binary, "--version"], capture_output=True, text=True)
        equal((done.returncode, done.stdout), (0, f"guestbookd {version}\n"))


@test
def bad_configuration_is_refused(world):
    secret = "hidden-Pa55word"
    good = {"DATABASE_URL": f"postgresql://u:{secret}@127.0.0.1:1/d", "NATS_URL": f"nats://u:{secret}@127.0.0.1:1"}
    cases = [
        ({"DATABASE_URL": ""}, "`DATABASE_URL` is not set"),
        ({"DATABASE_URL": f"mysql://u:{secret}@h/d"}, "`DATABASE_URL` is not a PostgreSQL URI"),
        ({"DATABASE_URL": f"host=h password={secret}"}, "`DATABASE_URL` is not a PostgreSQL URI"),
        ({"DATABASE_URL": f"postgresql://u:{secret}@h:5432/d?sslmode"}, "`DATABASE_URL` is not a PostgreSQL URI"),
        ({"DATABASE_URL": f"postgresql://u:{secret}%zz@h/d"}, "`DATABASE_URL` is not a PostgreSQL URI"),
        ({"NATS_URL": ""}, "`NATS_URL` is not set"),
        ({"NATS_URL": f"http://u:{secret}@h:4222"}, "`NATS_URL` is not a NATS URL"),
        ({"NATS_URL": f"nats://u:{secret}@h:port"}, "`NATS_URL` is not a NATS URL"),
        ({"NATS_URL": f"nats://u:{secret}%zz@h:4222"}, "`NATS_URL` is not a NATS URL"),
        ({"NATS_URL": f"nats://:{secret}@h:4222"}, "`NATS_URL` is not a NATS URL"),
        ({"NATS_URL": "nats://"}, "`NATS_URL` is not a NATS URL"),
        ({"NATS_SUBJECT": "entries.*"}, "`NATS_SUBJECT` is not a subject"),
        ({"NATS_SUBJECT": "entries..created"}, "`NATS_SUBJECT` is not a subject"),
        ({"NATS_SUBJECT": ""}, "`NATS_SUBJECT` is not a subject"),
        ({"LISTEN": "8080"}, "`LISTEN` is not an address"),
        ({"LISTEN": "127.0.0.1:65536"}, "`LISTEN` is not an address"),
        ({"LISTEN": "::1:8080"}, "`LISTEN` is not an address"),
        ({"LISTEN": ":8080"}, "`LISTEN` is not an address"),
    ]
    for changed, message in cases:
        done = subprocess.run([world.binary], env={**good, **changed}, capture_output=True, text=True, timeout=PATIENCE)
        equal((changed, done.returncode), (changed, 64))
        assert f"error: {message}" in done.stderr and "\nhelp: " in done.stderr, (changed, done.stderr)
        assert secret not in done.stderr, changed
    equal(subprocess.run([world.binary, "--wat"], capture_output=True).returncode, 64)


@test
def taken_port_is_named(world):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        done = subprocess.run([world.binary], env={**world.settings(), "LISTEN": address}, capture_output=True,
                              text=True, timeout=PATIENCE)
    equal(done.returncode, 1)
    assert f"cannot listen on {address}: address already in use" in done.stderr, done.stderr


# ---------------------------------------------------------------- entries


@test
def entry_is_stored_listed_announced_and_removed(world):
    settings = world.settings()
    service = world.ready_guestbook(settings)
    message = "Grüße, 世界 👋\n<script>alert(\"1\")</script> \\ ' \u202e"
    answer = service.post({"author": "  Zoë & co  ", "message": message})
    equal(answer.status, 201)
    created = answer.json()
    world.delete_tokens.append(created["delete_token"])
    equal(sorted(created), ["created_at", "delete_token", "id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", created["created_at"]), created
    assert re.fullmatch(r"[0-9a-f]{64}", created["delete_token"])

    listed = service.get("/entries")
    equal(listed.json(), [{"id": created["id"], "author": "Zoë & co", "message": message.strip(),
                           "created_at": created["created_at"]}])
    equal(world.announced(settings), [{"id": created["id"], "author": "Zoë & co", "message": message.strip()}])
    row = world.postgres.sql("select delete_token_hash = sha256(convert_to('%s', 'UTF8')) from entries"
                             % created["delete_token"], database_of(settings))
    equal(row, "t")

    equal(service.delete(created["id"]).status, 403)
    equal(service.delete(created["id"], "0" * 64).status, 403)
    equal(messages_of(service), [message.strip()])
    removed = service.delete(created["id"], created["delete_token"])
    equal((removed.status, removed.body), (204, b""))
    equal(service.delete(created["id"], created["delete_token"]).status, 404)
    for unknown in ("999999", "0", "-1", "x", "1x", "99999999999999999999", "%31"):
        equal((unknown, service.delete(unknown, "0" * 64).status), (unknown, 404))
    equal(messages_of(service), [])


@test
def marked_entry_is_announced_but_not_listed(world):
    settings = world.settings()
    service = world.ready_guestbook(settings)
    created = world.create(service, "probe", marker="smoke/run-1")
    world.create(service, "shown", marker=None)
    equal(messages_of(service), ["shown"])
    equal(world.announced(settings)[0],
          {"id": created["id"], "author": "Ada", "message": "probe", "marker": "smoke/run-1"})
    equal(world.postgres.sql("select marker from entries where marker is not null", database_of(settings)),
          "smoke/run-1")
    equal(service.delete(created["id"], created["delete_token"]).status, 204)


@test
def list_is_newest_first_and_limited(world):
    service = world.ready_guestbook()
    for number in range(60):
        world.create(service, f"entry {number}")
    equal(messages_of(service), [f"entry {number}" for number in range(59, 9, -1)])
    equal([entry["message"] for entry in service.get("/entries?x=1&limit=2").json()], ["entry 59", "entry 58"])
    equal(len(service.get("/entries?limit=200").json()), 60)
    for bad in ("0", "201", "-1", "x", "", "1.5", "99999999999999999999", "%31"):
        answer = service.get(f"/entries?limit={bad}")
        equal((bad, answer.status), (bad, 400))
        assert "`limit`" in answer.json()["error"]


@test
def bad_entries_are_refused(world):
    settings = world.settings()
    service = world.ready_guestbook(settings)
    ok = {"author": "a", "message": "m"}
    cases = [
        ("", 400, "not JSON"), ("{", 400, "not JSON"), ("{} x", 400, "not JSON"), (b"\xff\xfe", 400, "not JSON"),
        (b'{"author":"\xc3\x28","message":"m"}', 400, "not JSON"),
        (b'{"author":"\\ud800","message":"m"}', 400, "not JSON"),
        ("[" * 5000 + "]" * 5000, 400, "not JSON"), ('{"author":' * 50 + "1" + "}" * 50, 400, "not JSON"),
        ("[]", 422, "not a JSON object"), ("null", 422, "not a JSON object"),
        ({}, 422, "`author` is missing"), ({"author": "a"}, 422, "`message` is missing"),
        ({**ok, "author": 1}, 422, "`author` is not a string"),
        ({**ok, "author": " \t "}, 422, "`author` is empty"),
        ({**ok, "author": "ä" * 81}, 422, "`author` is longer than 80"),
        ({**ok, "author": "a\nb"}, 422, "`author` holds a control"),
        ({**ok, "author": "a\u009bb"}, 422, "`author` holds a control"),
        ({**ok, "message": "\r\n"}, 422, "`message` is empty"),
        ({**ok, "message": "m" * 2001}, 422, "`message` is longer than 2000"),
        ({**ok, "message": "a\x00b"}, 422, "`message` holds a control"),
        ({**ok, "message": "a\x1b[31mb"}, 422, "`message` holds a control"),
        ({**ok, "marker": ""}, 422, "`marker` is empty"), ({**ok, "marker": "m" * 201}, 422, "`marker` is longer"),
        ({**ok, "id": 1}, 422, "`id` is not a known field"),
    ]
    for entry, status, message in cases:
        answer = service.post(entry)
        equal((entry, answer.status), (entry, status))
        assert message in answer.json()["error"], (entry, answer)
    equal(service.ask("POST", "/entries", json.dumps(ok)).status, 415)
    equal(service.ask("POST", "/entries", json.dumps(ok), {"Content-Type": "text/plain"}).status, 415)
    equal(messages_of(service), [])
    equal(world.announced(settings), [])

    longest = {"author": "ä" * 80, "message": "👋" * 2000}
    equal(service.post(longest).status, 201)
    equal(service.ask("POST", "/entries", json.dumps({"author": "a", "message": "one\r\ntwo\tthree"}),
                      {"Content-Type": "Application/JSON; charset=utf-8"}).status, 201)
    equal(messages_of(service), ["one\ntwo\tthree", longest["message"]])


# ---------------------------------------------------------------- HTTP


@test
def other_routes(world):
    service = world.ready_guestbook()
    equal((service.get("/healthz").status, service.get("/healthz").text), (200, "ok"))
    equal((service.get("/readyz").status, service.get("/readyz").text), (200, "ready"))
    equal(service.get("/version").json(), {"name": "guestbookd", "version": "1.4.0"})
    equal(service.get("/version?x=1").status, 200)
    for path in ("/nothing", "/entries/", "/entries/1/2", "//", "/healthz/", "/..", "*"):
        equal((path, service.get(path).status), (path, 404))
    for method, path, allowed in (("PUT", "/entries", "GET, HEAD, POST"), ("GET", "/entries/1", "DELETE"),
                                  ("POST", "/", "GET, HEAD"), ("OPTIONS", "/healthz", "GET, HEAD"),
                                  ("WAT", "/entries", "GET, HEAD, POST")):
        answer = service.ask(method, path)
        equal((method, path, answer.status, answer.headers["Allow"]), (method, path, 405, allowed))
    for path in ("/", "/entries", "/healthz", "/version", "/metrics"):
        got, head = service.get(path), service.ask("HEAD", path)
        equal((head.status, head.body), (200, b""))
        if path != "/metrics":
            equal(head.headers["Content-Length"], got.headers["Content-Length"])


@test
def page_is_self_contained(world):
    service = world.ready_guestbook()
    answer = service.get("/")
    equal((answer.status, answer.headers["Content-Type"]), (200, "text/html; charset=utf-8"))
    page = answer.text
    outside = [found for found in re.findall(r"""(?:src|href)=["']?([^"'> ]+)""", page) if not found.startswith("data:")]
    equal(outside, [])
    assert "@import" not in page and "url(" not in page
    for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert sink not in page, sink
    policy = answer.headers["Content-Security-Policy"]
    for tag in ("style", "script"):
        block = re.search(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL).group(1)
        digest = base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy, policy
    assert "default-src 'none'" in policy and "unsafe" not in policy
    equal(answer.headers["X-Content-Type-Options"], "nosniff")
    assert '<html lang="en">' in page and "prefers-color-scheme: dark" in page
    fields = re.findall(r'<(?:input|textarea) id="(\w+)"', page)
    equal(fields, ["author", "message"])
    for field in fields:
        assert f'<label for="{field}">' in page, field


@test
def connection_is_kept_and_pipelined(world):
    service = world.ready_guestbook()
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE)
    with contextlib.closing(connection):
        service.get("/healthz", connection=connection)
        used = connection.sock
        equal(service.post({"author": "a", "message": "m"}, connection=connection).status, 201)
        equal(service.get("/nothing", connection=connection).status, 404)
        assert connection.sock is used, "the connection was not kept"
    pipelined = service.raw(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n" * 3 +
                            b"GET /version HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    equal((pipelined.count(b"HTTP/1.1 200 OK"), pipelined.count(b"guestbookd")), (4, 1))
    old = service.raw(b"GET /healthz HTTP/1.0\r\n\r\n")
    assert old.startswith(b"HTTP/1.0 200 OK") and old.endswith(b"\r\n\r\nok"), old


@test
def expectation_is_met_before_the_body(world):
    service = world.ready_guestbook()
    body = b'{"author":"a","message":"expected"}'
    head = b"POST /entries HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: application/json\r\n"
    with service.connect() as client:
        client.sendall(head + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
        equal(client.recv(1000), b"HTTP/1.1 100 Continue\r\n\r\n")
        client.sendall(body)
        assert read_to_end(client).startswith(b"HTTP/1.1 201 Created")
    with service.connect() as client:
        client.sendall(head + b"Expect: 100-continue\r\nContent-Length: 999999999\r\n\r\n")
        assert read_to_end(client).startswith(b"HTTP/1.1 413 ")


@test
def malformed_requests_are_refused(world):
    service = world.ready_guestbook()
    post = b"POST /entries HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
    cases = [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) + b"\r\n\r\n", b"400"),
        (b"GET\r\n\r\n", b"400"), (b"GET / HTTP/9.9\r\n\r\n", b"400"), (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"GET /\x00 HTTP/1.1\r\nHost: h\r\n\r\n", b"400"),
        (post + b"Content-Length: x\r\n\r\n", b"400"), (post + b"Content-Length: -1\r\n\r\n", b"400"),
        (post + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}", b"400"),
        (post + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (post + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 20000 + b"\r\n\r\n", b"431"),
        (b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\n\r\n", b"431"),
        (post + b"Content-Length: 65537\r\n\r\n" + b" " * 65537, b"413"),
        (post + b"Content-Length: 99999999999999999999999\r\n\r\n", b"400"),
        (post + b"Transfer-Encoding: chunked\r\n\r\n" + (b"1000\r\n" + b" " * 4096 + b"\r\n") * 40, b"413"),
    ]
    for request, status in cases:
        answer = service.raw(request)
        assert answer.startswith(b"HTTP/1.1 " + status), (request[:120], answer[:200])
        assert b"Connection: close" in answer and b'{"error":' in answer, (request[:120], answer)
    with service.connect() as client:
        client.sendall(post + b"Content-Length: 10\r\n\r\n{")
        client.shutdown(socket.SHUT_WR)
        equal(read_to_end(client), b"")
    largest = b'{"author":"a","message":"m"}'.ljust(65536)
    equal(service.post(largest).status, 201)
    equal(service.get("/healthz").status, 200)


@test
def slow_clients_are_cut_off(world):
    """Headers, bodies and nothing at all, a byte at a time: each ends by itself, and nobody else waits meanwhile."""
    service = world.ready_guestbook()
    starts = [b"GET / HTTP/1.1\r\nX: ", b"POST /entries HTTP/1.1\r\nContent-Type: application/json\r\n"
              b"Content-Length: 1000\r\n\r\n"]
    clients = [service.connect() for _ in range(40)]
    for number, client in enumerate(clients):
        client.sendall(starts[number % 2])
        client.setblocking(False)

    def trickle():
        equal(service.get("/healthz", timeout=5).status, 200)
        for client in list(clients):
            try:
                client.send(b" ")
                if client.recv(1) == b"":
                    raise ConnectionResetError
            except BlockingIOError:
                continue
            except OSError:
                client.close()
                clients.remove(client)
        return not clients

    try:
        eventually("slow clients are cut off", trickle)
    finally:
        for client in clients:
            client.close()
    eventually("their connections are gone", lambda: service.metric("guestbook_http_connections") == 1)


@test
def many_connections_are_bounded(world):
    service = world.ready_guestbook()
    clients = [service.connect() for _ in range(600)]
    try:
        eventually("the limit is reached", lambda: len(os.listdir(f"/proc/{service.process.pid}/fd")) > 512)
        assert len(os.listdir(f"/proc/{service.process.pid}/fd")) < 512 + 60
    finally:
        for client in clients:
            client.close()
    equal(service.get("/healthz").status, 200)


@test
def many_clients_at_once(world):
    settings = world.settings()
    service = world.ready_guestbook(settings)

    def visit(number):
        created = world.create(service, f"visit {number}")
        assert service.get("/entries?limit=5").status == 200
        return service.delete(created["id"], created["delete_token"]).status if number % 2 else 204

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        equal(set(pool.map(visit, range(200))), {204})
    equal(len(service.get("/entries?limit=200").json()), 100)
    equal(len(world.announced(settings)), 200)
    connections = int(world.postgres.sql("select count(*) from pg_stat_activity where application_name = 'guestbookd'"
                                         f" and datname = '{database_of(settings)}'"))
    assert 2 <= connections <= 5, connections


@test
def overload_is_refused_quickly(world):
    settings = world.settings()
    service = world.ready_guestbook(settings)
    with concurrent.futures.ThreadPoolExecutor(200) as pool:
        with Lock(world.postgres, database_of(settings)):
            waiting = [pool.submit(service.post, {"author": "a", "message": str(number)}) for number in range(200)]
            eventually("some are refused", lambda: any(future.done() for future in waiting))
            equal(next(future.result() for future in waiting if future.done()).json(), {"error": "overloaded"})
            equal(service.get("/healthz", timeout=2).status, 200)
        statuses = [future.result().status for future in waiting]
    equal(set(statuses), {201, 503})
    stored = int(world.postgres.sql("select count(*) from entries", database_of(settings)))
    equal(stored, statuses.count(201))


@test
def metrics_count_and_stay_bounded(world):
    service = world.ready_guestbook()
    created = world.create(service)
    service.post("{")
    service.delete(created["id"], "no")
    service.delete(created["id"], created["delete_token"])
    for number in range(50):
        service.get(f"/no/such/{number}")
        service.ask(f"METHOD{number}", "/entries")
        service.delete(1000 + number, "x")
    service.raw(b"nonsense\r\n\r\n")
    answer = service.get("/metrics")
    equal(answer.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
    for line, value in {
        'guestbook_http_requests_total{method="POST",route="/entries",status="2xx"}': 1,
        'guestbook_http_requests_total{method="POST",route="/entries",status="4xx"}': 1,
        'guestbook_http_requests_total{method="DELETE",route="/entries/{id}",status="2xx"}': 1,
        'guestbook_http_requests_total{method="DELETE",route="/entries/{id}",status="4xx"}': 51,
        'guestbook_http_requests_total{method="GET",route="(none)",status="4xx"}': 50,
        'guestbook_http_requests_total{method="other",route="/entries",status="4xx"}': 50,
        'guestbook_http_requests_total{method="other",route="(malformed)",status="4xx"}': 1,
        'guestbook_http_request_duration_seconds_count{method="POST",route="/entries"}': 2,
        'guestbook_http_request_duration_seconds_bucket{method="POST",route="/entries",le="+Inf"}': 2,
        "guestbook_entries_stored_total": 1,
        "guestbook_entries_removed_total": 1,
        'guestbook_announcements_total{result="acknowledged"}': 1,
        'guestbook_announcements_total{result="failed"}': 0,
        "guestbook_database_up": 1,
        "guestbook_broker_up": 1,
        'guestbook_build_info{version="1.4.0"}': 1,
    }.items():
        equal((line, service.metric(line)), (line, value))
    sample = re.compile(r'[a-z_]+(\{[a-z]+="[^"\n]*"(,[a-z]+="[^"\n]*")*\})? \S+')
    lines = answer.text.splitlines()
    for line in lines:
        assert re.match(r"# (HELP|TYPE) guestbook_[a-z_]+ \S", line) or sample.fullmatch(line), line
    assert len(lines) < 400, len(lines)


# ---------------------------------------------------------------- the schema


@test
def service_starts_before_its_servers(world):
    settings = world.settings()
    world.postgres.stop()
    world.nats.end(signal.SIGTERM)
    try:
        service = world.guestbook(settings)
        equal(service.get("/healthz").text, "ok")
        reason = service.wait_unready("database: connection refused")
        assert "\n" not in reason, reason
        reason = service.wait_unready("broker: not connected (no server available for connection)")
        equal(reason, "database: connection refused; broker: not connected (no server available for connection)")
        equal(service.get("/").status, 200)
        for answer in (service.get("/entries"), service.post({"author": "a", "message": "m"}), service.delete(1, "x")):
            equal((answer.status, answer.json()), (503, {"error": "database: connection refused"}))
            equal(answer.headers["Retry-After"], "1")
        equal((service.metric("guestbook_database_up"), service.metric("guestbook_broker_up")), (0, 0))
    finally:
        world.postgres.start()
        world.nats.start()
    service.wait_ready()
    world.create(service)


@test
def migrations_wait_and_say_so(world):
    settings = world.settings()
    database = database_of(settings)
    world.postgres.sql(
        f"set role {database};"
        "create table schema_migrations (version integer primary key, applied_at timestamptz not null default now());"
        "insert into schema_migrations (version) values (1);"
        "create table entries (id bigint generated always as identity primary key, author text not null,"
        " message text not null, created_at timestamptz not null default now());"
        "insert into entries (author, message) values ('Old', 'from the first release')", database)
    with Lock(world.postgres, database):
        service = world.guestbook(settings)
        reason = service.wait_unready("migration 2 of 3")
        assert reason.startswith("migration 2 of 3"), reason
        assert service.get("/entries").json()["error"].startswith("migration 2 of 3")
        service.wait_unready("migration 2 of 3: canceling statement due to lock timeout")
        equal(world.postgres.sql("select max(version) from schema_migrations", database), "1")
    service.wait_ready()
    equal(world.postgres.sql("select string_agg(version::text, ',' order by version) from schema_migrations", database),
          "1,2,3")
    equal(messages_of(service), ["from the first release"])
    old = service.get("/entries").json()[0]["id"]
    equal(service.delete(old, "0" * 64).status, 403)
    equal(world.postgres.sql("select count(*) from pg_indexes where indexname = 'entries_marker'"
                             " and indexdef like '%WHERE (marker IS NOT NULL)'", database), "1")


@test
def instances_that_start_at_once_migrate_once(world):
    settings = world.settings()
    waiting = (f"select count(*) from pg_stat_activity where datname = '{database_of(settings)}'"
               " and wait_event = 'advisory'")
    with Lock(world.postgres, database_of(settings),
              "select pg_advisory_xact_lock(hashtextextended('guestbookd.schema_migrations', 0))"):
        services = [world.guestbook(settings) for _ in range(5)]
        eventually("all of them wait for their turn", lambda: world.postgres.sql(waiting) == "5")
        for service in services:
            service.wait_unready("migration 1 of 3")
        equal(world.postgres.sql("select to_regclass('entries') is null", database_of(settings)), "t")
    for service in services:
        service.wait_ready()
        assert "already exists" not in service.lines() and "duplicate" not in service.lines(), service.lines()
    equal(world.postgres.sql("select count(*), min(version), max(version) from schema_migrations",
                             database_of(settings)), "3|1|3")
    world.create(services[0], "seen by all")
    for service in services:
        equal(messages_of(service), ["seen by all"])


@test
def old_release_runs_on_while_the_next_starts(world):
    settings = world.settings()
    old = world.ready_guestbook(settings)
    created = world.create(old, "by the old")
    new = world.ready_guestbook(settings, world.next_binary)
    equal((old.get("/version").json()["version"], new.get("/version").json()["version"]), ("1.4.0", "1.5.0"))
    world.create(new, "by the new")
    equal((messages_of(old), messages_of(new)), (["by the new", "by the old"],) * 2)
    equal(new.delete(created["id"], created["delete_token"]).status, 204)
    equal(old.terminate(), 0)
    equal(messages_of(new), ["by the new"])


@test
def schema_of_a_later_release_is_left_alone(world):
    settings = world.settings()
    world.ready_guestbook(settings).terminate()
    database = database_of(settings)
    world.postgres.sql("alter table entries add column mood text; insert into schema_migrations (version) values (4)",
                       database)
    service = world.ready_guestbook(settings)
    world.create(service, "still works")
    equal(messages_of(service), ["still works"])
    equal(world.postgres.sql("select max(version) from schema_migrations", database), "4")


# ---------------------------------------------------------------- when the database fails


@test
def wrong_database_password_is_named(world):
    settings = world.settings()
    database = database_of(settings)
    world.postgres.sql(f"alter role {database} password 'another'")
    service = world.guestbook(settings)
    service.wait_unready(f'database: password authentication failed for user "{database}"')
    equal(service.get("/healthz").status, 200)
    world.postgres.sql(f"alter role {database} password '{DATABASE_PASSWORD}'")
    service.wait_ready()


@test
def database_goes_away_and_comes_back(world):
    settings = world.settings()
    service = world.ready_guestbook(settings)
    for way in (world.postgres.stop, world.postgres.kill):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:  # so that several connections are pooled
            assert all(answer.status == 200 for answer in pool.map(service.get, ["/entries"] * 32))
        world.create(service, f"before {way.__name__}")
        known = messages_of(service)
        way()
        try:
            service.wait_unready("database: ")
            answer = service.get("/entries")
            equal(answer.status, 503)
            assert answer.json()["error"].startswith("database: "), answer
            equal(service.post({"author": "a", "message": "m"}).status, 503)
            equal(service.get("/healthz").status, 200)
            equal((service.metric("guestbook_database_up"), service.metric("guestbook_broker_up")), (0, 1))
            service.wait_unready("database: connection refused")
        finally:
            world.postgres.start()
        service.wait_ready()
        for _ in range(8):
            equal(messages_of(service), known)
        world.create(service, f"after {way.__name__}")


@test
def restarted_database_costs_no_request(world):
    """The pooled connections are dead, and the watch may not have noticed anything yet."""
    service = world.ready_guestbook()
    world.create(service, "kept")
    world.postgres.stop()
    world.postgres.start()
    service.wait_ready()
    equal(messages_of(service), ["kept"])


@test
def silent_database_is_not_waited_for_forever(world):
    settings = world.settings()
    service = world.ready_guestbook(settings)
    world.create(service, "before")
    world.postgres.freeze()
    try:
        first = service.get("/entries", timeout=PATIENCE)
        equal(first.status, 503)
        service.wait_unready("database: no answer in time")
        equal(service.get("/entries").status, 503)
        equal(service.get("/healthz").status, 200)
    finally:
        world.postgres.thaw()
    service.wait_ready()
    equal(messages_of(service), ["before"])


@test
def lost_tables_are_made_again(world):
    """The database comes back, but empty."""
    settings = world.settings()
    database = database_of(settings)
    service = world.ready_guestbook(settings)
    world.create(service)
    world.postgres.sql(f"drop owned by {database}; grant create on schema public to {database}", database)
    equal(service.get("/entries").status, 503)
    world.postgres.sql(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database}'")
    eventually("it works again", lambda: service.get("/entries").status == 200)
    equal(messages_of(service), [])


# ---------------------------------------------------------------- when the broker fails


@test
def wrong_broker_password_is_named(world):
    nats = Nats(world.folder)
    world.started.append(nats)
    nats.start()
    service = world.guestbook(world.settings(NATS_URL=nats.url("another")))
    service.wait_unready("broker: not connected (")
    attempts = service.lines().count("dependency=broker")
    nats.configure('user: guestbook, password: "another"')
    nats.reload()
    service.wait_ready()
    assert attempts < 5, "every attempt is logged"


@test
def broker_token_is_used(world):
    nats = Nats(world.folder)
    world.started.append(nats)
    nats.configure('token: "a-S3cret token"')
    nats.start()
    with contextlib.closing(nats.client(auth_token="a-S3cret token")) as client:
        client.add_stream("entries", ["entries.>"])
    service = world.ready_guestbook(world.settings(NATS_URL=f"nats://a-S3cret%20token@127.0.0.1:{nats.port}"))
    world.create(service)


@test
def broker_goes_away_and_comes_back(world):
    settings = world.settings()
    service = world.ready_guestbook(settings)
    world.create(service, "before")
    for how in (signal.SIGTERM, signal.SIGKILL):
        world.nats.end(how)
        try:
            equal(service.wait_unready("broker: not connected").count("database"), 0)
            answer = service.post({"author": "a", "message": "must not stay"})
            equal(answer.status, 503)
            assert answer.json()["error"].startswith("broker: not connected"), answer
            equal(messages_of(service), ["before"])
            equal((service.metric("guestbook_database_up"), service.metric("guestbook_broker_up")), (1, 0))
        finally:
            world.nats.start()
        service.wait_ready()
        created = world.create(service, "between")
        equal(service.delete(created["id"], created["delete_token"]).status, 204)
    world.create(service, "after")
    equal([message["message"] for message in world.announced(settings)], ["before", "between", "between", "after"])


@test
def silent_broker_leaves_nothing_behind(world):
    settings = world.settings()
    service = world.ready_guestbook(settings)
    world.nats.freeze()
    try:
        answer = service.post({"author": "a", "message": "must not stay"})
        equal((answer.status, answer.json()["error"]), (503, "broker: no acknowledgement in time"))
        equal(world.postgres.sql("select count(*) from entries", database_of(settings)), "0")
        equal(service.metric('guestbook_announcements_total{result="failed"}'), 1)
        service.wait_unready("broker: not connected")
    finally:
        world.nats.thaw()
    service.wait_ready()
    world.create(service, "after")


@test
def unacknowledged_announcement_leaves_nothing_behind(world):
    settings = world.settings(NATS_SUBJECT="nobody.listens")
    service = world.ready_guestbook(settings)
    answer = service.post({"author": "a", "message": "must not stay"})
    equal((answer.status, answer.json()["error"]), (503, "broker: no stream takes `nobody.listens`"))
    with contextlib.closing(world.nats.client()) as client:
        client.add_stream("full", ["nobody.listens"], max_msgs=1, discard="new")
        try:
            world.create(service, "the only one")
            answer = service.post({"author": "a", "message": "must not stay"})
            equal(answer.status, 503)
            assert answer.json()["error"].startswith("broker: the stream refused with code "), answer
        finally:
            client.js("STREAM.DELETE.full")
    equal(messages_of(service), ["the only one"])
    equal(world.postgres.sql("select count(*) from entries", database_of(settings)), "1")
    equal(service.get("/readyz").status, 200)


# ---------------------------------------------------------------- the end


@test
def termination_under_load_loses_nothing(world):
    """What was stored was confirmed, and what was confirmed is stored; no answer is cut."""
    settings = world.settings()
    service = world.ready_guestbook(settings)
    confirmed, cut = set(), []
    stop = threading.Event()
    enough = threading.Semaphore(0)

    def visit(visitor):
        number = 0
        kept = http.client.HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE) if visitor % 2 else None
        while not stop.is_set():
            number += 1
            message = f"{visitor}-{number}"
            try:
                if service.post({"author": "load", "message": message}, connection=kept).status == 201:
                    confirmed.add(message)
                    enough.release()
            except ConnectionError:
                break  # refused, or closed before it was accepted: checked against what is stored
            except http.client.HTTPException as error:
                cut.append(repr(error))
                break
        if kept:
            kept.close()

    visitors = [threading.Thread(target=visit, args=(number,)) for number in range(16)]
    idle = service.connect()
    for visitor in visitors:
        visitor.start()
    try:
        for _ in range(200):
            assert enough.acquire(timeout=PATIENCE)
        equal(service.terminate(), 0)
    finally:
        stop.set()
        for visitor in visitors:
            visitor.join()
    equal(read_to_end(idle), b"")
    idle.close()
    equal(cut, [])
    stored = set(world.postgres.sql("select message from entries", database_of(settings)).splitlines())
    equal(stored ^ confirmed, set())
    assert "shutdown cut short" not in service.lines()


@test
def termination_waits_for_what_was_begun(world):
    settings = world.settings()
    service = world.ready_guestbook(settings)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        with Lock(world.postgres, database_of(settings)):
            posted = pool.submit(service.post, {"author": "a", "message": "in flight"})
            eventually("the insert waits for the table", lambda: world.postgres.sql(
                f"select 1 from pg_stat_activity where datname = '{database_of(settings)}'"
                " and wait_event_type = 'Lock'"))
            service.process.send_signal(signal.SIGTERM)

            def refused():
                try:
                    service.connect().close()
                except ConnectionRefusedError:
                    return True
                return False

            eventually("no new connection is taken", refused)
            assert not posted.done() and service.process.poll() is None
        answer = posted.result()
    equal((answer.status, answer.headers["Connection"]), (201, "close"))
    equal(service.process.wait(PATIENCE), 0)
    equal(world.postgres.sql("select message from entries", database_of(settings)), "in flight")


@test
def termination_is_bounded(world):
    """A body that never comes and a table that is never free: the end comes all the same."""
    settings = world.settings()
    service = world.ready_guestbook(settings)
    with Lock(world.postgres, database_of(settings)), concurrent.futures.ThreadPoolExecutor(8) as pool:
        posted = [pool.submit(service.post, {"author": "a", "message": "stuck"}) for _ in range(6)]
        eventually("the inserts wait", lambda: world.postgres.sql(
            f"select count(*) from pg_stat_activity where datname = '{database_of(settings)}'"
            " and wait_event_type = 'Lock'") == "4")
        stalled = service.connect()
        stalled.sendall(b"POST /entries HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
        equal(service.terminate(), 0)
        stalled.close()
        equal({future.result().status for future in posted}, {503})
    equal(world.postgres.sql("select count(*) from entries", database_of(settings)), "0")


@test
def termination_before_anything_is_there(world):
    nowhere = free_port()
    settings = world.settings(DATABASE_URL=f"postgresql://u:p@127.0.0.1:{nowhere}/d",
                              NATS_URL=f"nats://u:p@127.0.0.1:{nowhere}")
    service = world.guestbook(settings)
    service.wait_unready("database: connection refused")
    equal(service.terminate(), 0)


@test
def log_lines_are_structured_and_hold_no_secret(world):
    """Looks at all that the tests before it made the service write; a request of its own, so that it can run alone."""
    service = world.ready_guestbook()
    world.create(service)
    service.terminate()
    logs = glob.glob(os.path.join(world.folder, "guestbookd*.log"))
    shape = re.compile(r'time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=(info|warning|error) '
                       r'event=("[^"\n]+"|\w+)( [a-z_]+=("(\\.|[^"\\\n])*"|[\w./:\[\]-]+))*')
    lines = [line for log in logs for line in open(log, encoding="utf-8").read().splitlines()]
    assert len(lines) >= 6, lines
    for line in lines:
        assert shape.fullmatch(line), line
        assert "level=error" not in line, line
        for secret in (DATABASE_PASSWORD, BROKER_PASSWORD, "S3cret", "another", *world.delete_tokens):
            assert secret not in line, line


def run(world, names):
    chosen = [function for function in TESTS if not names or any(name in function.__name__ for name in names)]
    failed = []
    for function in chosen:
        begun = time.monotonic()
        try:
            function(world)
            print(f"ok      {function.__name__} ({time.monotonic() - begun:.1f} s)", flush=True)
        except Exception:
            failed.append(function.__name__)
            print(f"FAILED  {function.__name__}\n{traceback.format_exc()}", flush=True)
            for service in world.started:
                if isinstance(service, Guestbook):
                    print("the service's log:\n" + service.lines(), flush=True)
        finally:
            world.end_started()
    print(f"{len(chosen) - len(failed)} passed, {len(failed)} failed", flush=True)
    return 0 if chosen and not failed else 1


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    binary = os.path.abspath(sys.argv[1])
    next_binary = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else binary + "-next"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = tempfile.mkdtemp(prefix="guestbook-test-")
    os.chmod(folder, 0o711)
    world = None
    try:
        world = World(folder, binary, next_binary)
        world.start()
        status = run(world, sys.argv[3:])
    finally:
        if world is not None:
            world.end()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
