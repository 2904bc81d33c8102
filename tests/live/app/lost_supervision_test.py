"""What runs is known again, and ended, when what was written about it is gone. argv[1]: harmony-app."""
import os
import re
import shutil
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from harness import http_get, main, wait_for  # noqa: E402
from lifecycle_test import post  # noqa: E402


def lose(app, *parts):
    shutil.rmtree(os.path.join(app.state, "supervisor", *parts))


def running(app, words):
    return sorted(pid for pid, command in app.processes().items() if all(word in command for word in words.split()))


def keeper(app, name):
    (pid,) = [pid for pid, command in app.processes().items() if command.strip() == f"s6-supervise {name}"]
    return pid


def test_destroy_ends_what_runs_though_the_supervisor_folder_is_gone(app):
    app.deploy()
    lose(app)
    assert app.processes(), "nothing was left to be ended"
    app.run("destroy", "--yes", "--delete-data").expect(0, "Destroyed")
    assert not app.processes(), app.processes()
    assert not os.path.exists(app.state), os.listdir(app.state)


def test_deploy_takes_over_what_runs_though_the_supervisor_folder_is_gone(app):
    app.deploy()
    post(app.url(), "kept though its supervisor was lost")
    before = app.servers()
    lose(app)
    app.run("plan").expect(0, "ends what runs without supervisor")
    assert before == app.servers(), "a plan ended something"
    app.deploy()
    assert not set(before) & set(app.processes()), "something of before still runs"
    assert "kept though its supervisor was lost" in http_get(app.url(), "/entries")[1]
    app.plan_is_empty()


def test_deploy_takes_over_one_whose_folder_is_gone(app):
    app.deploy()
    (name,) = [name for name in app.supervised() if name.endswith("-db")]
    before = running(app, "bin/postgres -D")
    lose(app, name)
    app.run("status").expect(0, r"degraded +pid \d+ runs without supervisor")
    app.deploy()
    assert not set(before) & set(app.processes()), "the one of before still runs"
    app.plan_is_empty()


def test_one_that_runs_beside_the_supervised_one_is_ended(app):
    app.deploy()
    (name,) = [name for name in app.supervised() if name.endswith("-db")]
    orphan = int(app.supervised()[name])
    os.kill(keeper(app, name), signal.SIGKILL)  # the next one starts a second server, which finds the data in use, and ends
    wait_for("the plan to see it", lambda: "without supervisor" in app.run("plan").text)
    app.deploy()
    assert orphan not in app.processes(), "the one of before still runs"
    app.plan_is_empty()
    os.kill(keeper(app, name), signal.SIGKILL)
    app.run("destroy", "--yes").expect(0)
    assert not app.processes(), app.processes()


def test_one_that_shares_the_port_of_the_supervised_one_is_ended(app):
    app.deploy()
    for settings, words in (((), "without supervisor"), (("--set", "replicas=2"), "restarts")):
        orphan = int(app.supervised()["guestbook.route"])
        os.kill(keeper(app, "guestbook.route"), signal.SIGKILL)  # the next proxy opens the same port: that is how it reloads
        wait_for("status to see both", lambda: re.search(fr"route +guestbook +degraded .*pid {orphan} runs without supervisor", app.run("status").text))
        app.run("plan", *settings).expect(0, words)
        app.deploy(*settings).expect(0, "5 checks passed")
        assert orphan not in app.processes(), "the one of before still runs"
        app.plan_is_empty(*settings)


def test_the_whole_folder_is_deleted(app):
    app.deploy()
    before = app.servers()
    wait_for("the folder to be gone", lambda: shutil.rmtree(app.state, ignore_errors=True) or not os.path.exists(app.state))
    app.run("status").expect(0, "nothing is deployed", r"without a ledger +process guestbook.* \(pid \d+\)")
    app.run("destroy", "--yes").expect(5, r"error\[H0208\]", r"process guestbook.* \(pid \d+\)")
    assert set(before) <= set(app.processes()), "something was ended that nobody had asked for"
    app.deploy()
    assert not set(before) & set(app.processes()), {pid: command for pid, command in app.processes().items() if pid in before}
    app.plan_is_empty()


if __name__ == "__main__":
    main(globals(), sys.argv[1])
