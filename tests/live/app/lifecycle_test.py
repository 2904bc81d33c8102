"""The life of the guestbook on one machine: deploy, change, prune, reboot, destroy. argv[1]: harmony-app."""
import contextlib
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from harness import App, http_get, main, psql, wait_for  # noqa: E402


def post(url, message):
    status, body = http_get(url, "/entries", "POST", json.dumps({"author": "test", "message": message}), {"Content-Type": "application/json"})
    assert status == 201, (status, body)


def supervised(app, words):
    return [pid for pid, command in app.processes().items() if all(word in command for word in words.split())]


def test_a_second_deploy_changes_nothing(app):
    first = app.deploy()
    assert "smoke test" in first.text.lower(), first.text
    before = app.supervised()
    second = app.deploy()
    assert re.search(r"no changes", second.text, re.I), second.text
    assert before and before == app.supervised(), "a deploy without changes replaced processes"
    app.plan_is_empty()


def test_the_plan_names_what_the_deploy_does(app):
    plan = app.run("plan").expect(0, r"\+ .*database server", r"\+ .*broker", r"\+ .*process", r"\+ .*route", r"smoke test")
    assert not os.path.exists(app.state), "a plan made the state folder"
    assert re.search(r"Plan: \d+ to create, 0 to change, 0 to delete", plan.text), plan.text
    app.deploy()
    app.plan_is_empty()


def test_a_new_version_takes_over_without_a_refused_request(app):
    app.deploy()
    url = app.url()
    assert json.loads(http_get(url, "/version")[1])["version"] == "1.4.0"
    failures, asked, stop = [], [0], threading.Event()

    def ask():
        while not stop.is_set():
            try:
                status, _ = http_get(url, "/version")
                asked[0] += 1
                if status != 200:
                    failures.append(status)
            except OSError as error:
                failures.append(repr(error))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        changed = app.deploy("--set", "binary=guestbookd-next")
    finally:
        stop.set()
        thread.join()
    assert asked[0] > 10 and not failures, (asked, failures[:5])
    assert json.loads(http_get(url, "/version")[1])["version"] == "1.5.0"
    assert re.search(r"1 changed|2 changed", changed.text), changed.text
    app.plan_is_empty("--set", "binary=guestbookd-next")
    assert len(supervised(app, "artefacts guestbookd")) == 1, app.processes()
    # Whoever leaves the settings out is not told to deploy the version of before.
    app.run("smoke-test").expect(5, r"error\[H0305\]", "last deploy: made with binary=guestbookd-next", "give the settings of the last deploy")
    app.run("smoke-test", "--set", "binary=guestbookd-next").expect(0, "5 checks passed")


def test_what_dies_is_started_again(app):
    app.deploy()
    url = app.url()
    (pid,) = supervised(app, "artefacts guestbookd")
    os.kill(pid, signal.SIGKILL)
    wait_for("a new process", lambda: [p for p in supervised(app, "artefacts guestbookd") if p != pid])

    def ready():
        try:
            return http_get(url, "/readyz")[0] == 200
        except OSError:
            return False
    wait_for("it to be ready", ready)
    app.plan_is_empty()
    app.run("status").expect(0, r"degraded .*restarted 1 time")


def test_a_deploy_that_ended_well_has_found_well_what_died_before(app):
    app.deploy()
    (pid,) = supervised(app, "nats-server --config")
    os.kill(pid, signal.SIGKILL)
    died = time.time()
    wait_for("a new process", lambda: [p for p in supervised(app, "nats-server --config") if p != pid])
    assert not app.json("status")["healthy"]
    wait_for("the next second", lambda: time.time() > died + 1)  # as a ledger tells the time
    app.deploy("--set", "binary=guestbookd-next")
    assert app.json("status")["healthy"], app.run("status").text


def test_destroy_keeps_the_data_and_deploy_takes_it_up_again(app):
    app.deploy()
    url = app.url()
    post(url, "kept through a destroy")
    app.run("destroy").expect(5, "H0501")
    app.run("destroy", "-v").expect(5, "H0501", r"^ +tree/services/guestbook-db/data$")
    assert app.processes(), "a destroy that was not approved took something down"
    app.run("destroy", "--yes").expect(0, "kept|data")
    wait_for("everything to be down", lambda: not app.processes())
    app.run("status").expect(0, "kept")
    app.run("plan").expect(0, "data that was kept is taken up again: database server guestbook-db$")
    again = app.deploy().text
    assert "lost" not in again, again
    url = app.url()
    assert "kept through a destroy" in http_get(url, "/entries")[1]
    app.run("destroy", "--yes").expect(0)
    gone = app.run("destroy", "--yes", "--delete-data").expect(0)
    listed = re.findall(r"^  - ", gone.out, re.M)
    counted = re.search(r"Destroyed .*: (\d+) deleted(?:, (\d+) not there)?\.", gone.out)
    assert counted and len(listed) == sum(int(number or 0) for number in counted.groups()), gone.out
    assert not os.path.exists(app.state), os.listdir(app.state)


def test_after_a_reboot_status_says_so_and_deploy_starts_what_is_there(app):
    app.deploy()
    url = app.url()
    post(url, "from before the reboot")
    app.power_cut()
    app.run("status").expect(0, "down")
    app.run("plan", "--detailed-exitcode").expect(2, "start")
    again = app.deploy().text
    assert "lost" not in again, again
    assert "from before the reboot" in http_get(url, "/entries")[1]
    app.plan_is_empty()


def test_deployments_live_side_by_side(app):
    other = App(app.binary, "second")
    try:
        app.deploy()
        other.deploy()
        assert app.url() != other.url()
        typo = subprocess.run([app.binary, "status", "--state-dir", app.base, "--deployment", "gestbook"], env=app.environment, capture_output=True, text=True, timeout=60)
        assert typo.returncode == 0 and re.search(r"nothing is deployed\n(.*\n)* +deployments here +guestbook\n", typo.stdout), typo
        post(app.url(), "only in the first")
        assert "only in the first" not in http_get(other.url(), "/entries")[1]
        other.run("destroy", "--yes", "--delete-data").expect(0)
        assert http_get(app.url(), "/readyz")[0] == 200
    finally:
        other.close()


def test_a_plan_with_a_relative_folder_fits_elsewhere(app):
    def at(folder, *words):
        return subprocess.run([app.binary, *words], cwd=folder, env=app.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    planned = at(app.base, "plan", "--deployment", app.deployment, "--state-dir", ".", "--out", "reviewed")
    assert planned.returncode == 0, planned.stdout + planned.stderr
    done = at("/", "deploy", "--plan", os.path.join(app.base, "reviewed"))
    assert done.returncode == 0, done.stdout + done.stderr
    app.plan_is_empty()


def test_yes_does_not_take_down_another_application(app):
    hello = os.path.join(os.path.dirname(app.binary), "..", "..", "minimal", "hello-app")
    app.deploy()
    before = app.supervised()
    app.run("deploy", "--yes", binary=hello).expect(5, r"warning: nothing of what deployment `guestbook` has is of this application", r"error\[H0306\]: deployment `guestbook` is another application's", "destroy --deployment guestbook")
    app.run("deploy", binary=hello).expect(5, r"error\[H0306\]")  # nobody can be asked
    rehearsed = app.run("deploy", "--dry-run", "--yes", binary=hello).expect(5, r"error\[H0306\]: deployment `guestbook` is another application's")
    assert "go on without asking" not in rehearsed.text
    app.run("deploy", "--dry-run", binary=hello).expect(0, "The deploy would ask before it goes on")
    for words in (["destroy", "--yes"], ["destroy", "--yes", "--delete-data"], ["destroy"]):
        app.run(*words, binary=hello).expect(5, r"error\[H0306\]: deployment `guestbook` is another application's", "nothing was taken down")
    assert before == app.supervised()
    app.plan_is_empty()
    saved = os.path.join(app.base, "reviewed")
    app.run("plan", "--out", saved, binary=hello).expect(0)
    app.run("deploy", "--plan", saved, binary=hello).expect(0)
    assert not set(before) & set(app.supervised())
    app.run("destroy", "--yes", "--delete-data", binary=hello).expect(0)


@contextlib.contextmanager
def paused(*pids):
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_a_paused_process_is_not_ok(app):
    app.deploy()
    (pid,) = supervised(app, "artefacts guestbookd")
    with paused(pid):
        app.run("status").expect(0, f"process +guestbook +degraded .*paused by a signal: kill -CONT {pid}")
        app.run("plan").expect(0, "because /readyz: no answer in time")
    app.run("status").expect(0, "6 of 6 ok")


def test_a_paused_proxy_is_not_ok(app):
    app.deploy()
    with paused(*supervised(app, "haproxy")):
        app.run("status").expect(0, "route +guestbook +degraded .*(a request gets no answer|paused by a signal)")
    master = app.supervised()["guestbook.route"]
    worker = int(open(f"/proc/{master}/task/{master}/children").read().split()[0])
    with paused(worker):  # its master goes on
        app.run("status").expect(0, "route +guestbook +degraded .*a request gets no answer")
    app.run("status").expect(0, "6 of 6 ok")


def test_a_database_server_that_waits_for_its_clients_to_leave_is_started_again(app):
    app.deploy()
    server = int(app.supervised()["guestbook-db"])
    os.kill(server, signal.SIGTERM)  # by hand; the guestbook keeps its connection
    wait_for("it to refuse", lambda: "shutting down" in app.run("status").text)
    app.run("plan").expect(0, "shutting down, for as long as clients stay -> running", "interrupts service")
    app.deploy().expect(0, "5 checks passed")
    assert server not in app.processes()
    app.plan_is_empty()


def test_a_saved_plan_takes_away_what_it_showed(app):
    app.deploy()
    saved = os.path.join(app.base, "reviewed")
    app.run("plan", "--set", "host=mine.localhost", "--out", saved).expect(0)
    app.deploy("--set", "host=colleague.localhost")
    app.run("deploy", "--plan", saved).expect(8, r"error\[H0303\]", "colleague.localhost")
    app.plan_is_empty("--set", "host=colleague.localhost")


def test_a_log_that_was_deleted_is_kept_again(app):
    app.deploy()
    (name,) = [name for name in app.supervised() if re.fullmatch(r"guestbook\.[0-9a-f]+", name)]
    before = app.supervised()
    shutil.rmtree(os.path.join(app.state, "logs", name))
    app.run("plan").expect(0, "log +gone -> kept", "leaves the running process alone")
    app.deploy().expect(0, "1 changed", "5 checks passed")
    assert before == app.supervised()
    app.plan_is_empty()
    os.kill(int(before[name]), signal.SIGTERM)
    wait_for("what it writes at its next start", lambda: app.run("logs", name).out.strip())


def test_two_replicas_share_the_route(app):
    app.deploy("--set", "replicas=2")
    assert len(supervised(app, "artefacts guestbookd")) == 2
    app.plan_is_empty("--set", "replicas=2")
    app.deploy("--set", "replicas=1")
    assert len(supervised(app, "artefacts guestbookd")) == 1
    app.plan_is_empty()


def test_logs_show_every_server(app):
    app.deploy()
    logs = app.run("logs").expect(0).text
    assert "database system is ready" in logs and re.search("listening|ready", logs), logs[-2000:]
    assert "pg_ctl" not in logs, "what initdb advises is no log of a server"
    words = [*app.arguments("__complete"), "logs", "guestbook-"]
    offered = subprocess.run(words, capture_output=True, text=True, timeout=60, env=app.environment, check=True).stdout
    assert "guestbook-db\tdatabase server\n" in offered and "guestbook-nats\tbroker\n" in offered, offered
    only = app.run("logs", "guestbook-nats").expect(0).text
    assert "database system is ready" not in only and only.strip(), only
    with app.start("logs", "--follow") as following:
        try:
            wait_for("a line", lambda: following.stdout.readline())
        finally:
            following.send_signal(signal.SIGINT)
        assert following.wait(10) in (0, 130)


def test_status_tells_what_runs(app):
    app.run("status").expect(0, "(?i)nothing|not deployed|no ")
    app.deploy()
    app.run("status").expect(0, "guestbook-db", "guestbook-nats", "ok")
    assert app.json("status")


def test_as_a_normal_user(app):
    if os.getuid() != 0:
        return app.deploy()
    os.chown(app.base, 65534, 65534)
    become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    environment = {**app.environment, "XDG_STATE_HOME": app.base + "/xdg"}
    app.state = app.base + "/xdg/harmony/guestbook"
    programs = tempfile.mkdtemp(prefix="harmony-programs-", dir=app.base)  # where that user can reach them
    os.chmod(programs, 0o755)
    for name in ("harmony-app", "guestbookd"):
        shutil.copy(os.path.join(os.path.dirname(app.binary), name), programs)

    def run(*args):
        return subprocess.run([*become, programs + "/harmony-app", *args], env=environment, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    try:
        done = run("deploy", "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        assert os.stat(app.state).st_uid == 65534 and os.stat(app.state).st_mode & 0o777 == 0o700
        assert run("plan", "--detailed-exitcode").returncode == 0
    finally:
        done = run("destroy", "--yes", "--delete-data")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not app.processes(), app.processes()


def test_owners_and_modes_of_the_state_folder(app):
    if os.getuid() != 0:
        return
    import grp
    import pwd
    app.deploy()
    folder = os.stat(app.state)
    assert (folder.st_uid, grp.getgrgid(folder.st_gid).gr_name, folder.st_mode & 0o777) == (0, "harmony", 0o710), oct(folder.st_mode)
    for name in ("ledger", "keys"):
        assert os.stat(f"{app.state}/{name}").st_mode & 0o777 == 0o700 and os.stat(f"{app.state}/{name}").st_uid == 0
    harmony = pwd.getpwnam("harmony").pw_uid
    for name in ("guestbook-db", "guestbook-nats"):
        entry = os.stat(f"{app.state}/services/{name}")
        assert entry.st_uid == harmony and entry.st_mode & 0o777 == 0o700
    for pid in supervised(app, "guestbookd") + supervised(app, "postgres config_file"):
        assert os.stat(f"/proc/{pid}").st_uid == harmony


def test_a_password_that_a_program_logs_is_not_shown(app):
    talkative = os.path.join(app.base, "talkative")
    with open(talkative, "w", encoding="utf-8") as file:
        file.write('#!/bin/sh\necho "cannot reach $DATABASE_URL" >&2\nexec sleep 1000\n')
    os.chmod(talkative, 0o755)
    with app.start("deploy", "--yes", "--set", f"binary={talkative}", "--events", "/dev/stdout") as started:
        for line in started.stdout:
            if '"waiting"' in line and re.search(r"`guestbook\.[0-9a-f]+` does not listen", line):
                break
        # The logger of the process writes when it comes to it.
        wait_for("the line in the log", lambda: "cannot reach" in app.run("logs", "guestbook").text)
        started.send_signal(signal.SIGINT)
        started.communicate(timeout=30)
    passwords = [open(path, encoding="utf-8").read() for path in glob.glob(app.state + "/keys/*.*")]
    assert passwords
    for words in (["logs"], ["logs", "-o", "json"], ["logs", "guestbook"]):
        told = app.run(*words).expect(0, r"cannot reach postgresql://guestbook:\(secret [0-9a-f]+\)@").text
        assert not any(password in told for password in passwords)


def test_a_lost_ledger_takes_nothing_down(app):
    app.deploy()
    url = app.url()
    os.rename(os.path.join(app.state, "ledger/journal"), app.base + "/journal")
    running = app.servers()
    app.run("status").expect(0, "nothing is deployed", "without a ledger .*services/guestbook-db")
    app.run("plan").expect(0, "warning: deployment `guestbook` is there, but its ledger is gone", "services/guestbook-db")
    for words in (["destroy"], ["destroy", "--yes"], ["destroy", "--yes", "--delete-data"]):
        app.run(*words).expect(5, r"error\[H0208\]", "services/guestbook-db")
    assert app.servers() == running and os.path.exists(os.path.join(app.state, "services/guestbook-db/data/PG_VERSION"))
    app.deploy().expect(0, "5 checks passed")
    assert app.url() == url and app.servers() == running, "a lost ledger moved what runs"


def test_a_data_folder_that_is_gone_is_not_made_beside_its_server(app):
    app.deploy()
    for server, folder in (("guestbook-db", "data"), ("guestbook-nats", "jetstream")):
        data = os.path.join(app.state, "services", server, folder)
        os.rename(data, app.base + "/data")
        app.run("plan").expect(5, r"error\[H0116\]", server)
        app.run("deploy", "--yes").expect(5, r"error\[H0116\]", server)
        os.rename(app.base + "/data", data)
        app.plan_is_empty()


def broker(app):
    return next(iter(supervised(app, "nats-server --config")), 0)


def test_a_broker_that_started_with_another_configuration_is_put_right(app):
    app.deploy()
    configuration, before = os.path.join(app.state, "services/guestbook-nats/nats.conf"), broker(app)
    with open(configuration) as file:
        text = file.read()
    with open(configuration, "w") as file:
        file.write(re.sub('password: "[^"]*"', 'password: "byhand"', text))
    os.kill(before, signal.SIGKILL)
    wait_for("the broker to start again", lambda: broker(app) not in (0, before))
    wait_for("a broker with another password", lambda: "refuses the login" in app.run("plan").text)
    app.run("plan").expect(0, r"~ broker", "interrupts service")
    app.deploy()
    app.plan_is_empty()
    # As a killed deploy leaves it: the file is right, and what runs has read the other one.
    running = broker(app)
    with open(configuration, "w") as file:
        file.write(re.sub('password: "[^"]*"', 'password: "byhand"', text))
    os.kill(running, signal.SIGKILL)
    wait_for("a broker with another password", lambda: broker(app) not in (0, running) and "refuses the login" in app.run("plan").text)
    with open(configuration, "w") as file:
        file.write(text)
    app.deploy()
    app.plan_is_empty()


def test_a_password_of_a_broker_that_is_gone_is_made_anew(app):
    app.deploy()
    post(app.url(), "kept")
    key = os.path.join(app.state, "keys", "guestbook-nats.client")
    os.remove(key)
    app.run("plan").expect(0, r"~ broker|\? broker")
    app.deploy()
    app.plan_is_empty()
    with open(key, "w") as file:
        file.write("another")
    app.deploy()
    app.plan_is_empty()
    assert "kept" in http_get(app.url(), "/entries")[1]


def test_a_database_that_was_dropped_is_made_anew_for_a_program_that_starts_again(app):
    app.deploy()
    before = supervised(app, "guestbookd")
    psql(app, "drop database guestbook with (force)")
    app.run("plan").expect(0, r"\+ database +guestbook-db/guestbook", r"\? process +guestbook .*restarts", r"data behind DATABASE_URL +\S+ -> \(known after the deploy\)")
    app.deploy().expect(0, "5 checks passed")
    assert before and not set(before) & set(supervised(app, "guestbookd")), "the program that made its tables in the old one runs on"
    app.plan_is_empty()


def test_status_tells_that_a_server_is_not_ready(app):
    app.deploy()
    psql(app, "alter role guestbook nologin")
    psql(app, "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'guestbook'")
    wait_for("a status that says so", lambda: re.search(r"process +guestbook +degraded +pid .*, /readyz answers 503 \(database: ", app.run("status").out))
    assert not json.loads(app.run("status", "-o", "json").out)["healthy"]
    app.deploy()
    assert json.loads(app.run("status", "-o", "json").out)["healthy"]
    app.plan_is_empty()


def test_what_somebody_made_in_a_database_server_holds_up_no_destroy(app):
    app.deploy()
    psql(app, "create database other owner guestbook")
    app.run("destroy", "--yes", "--delete-data").expect(0)
    assert not os.path.exists(app.state)


def test_passwords_that_others_may_read_are_told(app):
    app.deploy()
    keys = os.path.join(app.state, "keys")
    os.chmod(keys, 0o755)
    app.run("plan").expect(5, r"error\[H0102\]", "others may read the passwords", "chmod 700")
    os.chmod(keys, 0o700)
    app.plan_is_empty()


def test_permissions_that_were_taken_away(app):
    app.deploy()
    (artefact,) = glob.glob(app.state + "/artefacts/*/guestbookd")
    os.chmod(artefact, 0o644)
    app.run("plan", "--detailed-exitcode").expect(2, "artefact/guestbookd@")
    app.deploy().expect(0, "5 checks passed")
    app.plan_is_empty()
    elsewhere = [app.binary, "status", "--state-dir", app.state]
    asked = subprocess.run(elsewhere, env=app.environment, capture_output=True, text=True, timeout=60)
    assert asked.returncode == 5 and "it is the folder of one deployment" in asked.stderr and f"--state-dir {app.base} --deployment guestbook" in asked.stderr, asked
    if os.geteuid() == 0:  # services run as another user
        os.chmod(app.state, 0o700)
        app.run("status").expect(5, r"error\[H0103\]", "user `harmony` may not pass it", "chmod 710")
        os.chmod(app.state, 0o710)
    app.plan_is_empty()


def test_a_password_that_is_gone_is_not_made_anew(app):
    app.deploy()
    key = os.path.join(app.state, "keys/guestbook-db.superuser")
    os.rename(key, app.base + "/key")
    app.run("deploy", "--yes").expect(5, r"error\[H0438\]", "destroy --delete-data")
    open(key, "w").close()  # an empty one is none
    app.run("deploy", "--yes").expect(5, r"error\[H0438\]")
    os.rename(app.base + "/key", key)
    app.plan_is_empty()
    client = os.path.join(app.state, "keys/guestbook-nats.client")
    open(client, "w").close()
    app.deploy().expect(0, "5 checks passed")
    assert len(open(client).read().strip()) >= 32
    app.plan_is_empty()
    os.unlink(key)
    app.run("destroy", "--yes", "--delete-data").expect(0)
    app.deploy().expect(0, "5 checks passed")


if __name__ == "__main__":
    main(globals(), sys.argv[1])
