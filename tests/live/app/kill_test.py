"""kill -9 at every numbered write of a cold and of a changing deploy, and of a destroy; then `plan` and `deploy --yes`: the
same end state as an undisturbed run, nothing orphaned, nothing doubled, no hand needed. Or another destroy: nothing is
left. argv[1]: guestbook-killable.

HARMONY_TEST_SIZE=small kills at every fifth point of a deploy and every twentieth of a destroy, from an offset taken from
HARMONY_TEST_SEED.
"""
import collections
import itertools
import json
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from harness import App, main, wait_for  # noqa: E402

SMALL = os.environ.get("HARMONY_TEST_SIZE", "full") == "small"
SEED = int(os.environ.get("HARMONY_TEST_SEED", "0"))
STEP = 5 if SMALL else 1
OFFSET = SEED % STEP
DESTROY_STEP = 20 if SMALL else 1


def end_state(app):
    """What an undisturbed run leaves: entries of the ledger, files, and one process of each command."""
    files = set()
    for folder, _, names in os.walk(app.state):
        where = os.path.relpath(folder, app.state)
        if re.search(r"/data(/|$)|jetstream|supervise|/event|^logs", where):
            continue
        # A definition is named by its fingerprint, which has another key in each deployment.
        where = re.sub(r"definitions/[0-9a-f]{16}", "definitions/ID", where)
        files |= {os.path.join(where, name) for name in names if not re.search(r"\.sock|lock$|\.log|^\d", name)}
    # How often haproxy was told to reload is seen in its arguments, and is no part of where a deploy ends.
    commands = [re.sub(r"-sf [\d ]+-x sockpair@\d+ ", "", command.replace(app.base, "")) for command in app.processes().values()]
    commands = sorted(re.sub(r"\d{4,5}", "PORT", command) for command in commands)
    commands = [c for c in commands if re.search(r"bin/postgres -c|nats-server|guestbookd|haproxy|svscan", c)]
    entries = sorted(re.sub(r"\"identity\": ?\"[^\"]*\"", "", json.dumps(entry, sort_keys=True)) for entry in app.json("status").get("entries", []))
    entries = sorted(re.sub(r"pid \d+|\d+ (s|min|h)\b|since [^\"]*|up [^\"]*", "", e) for e in entries)
    return {"files": sorted(files), "commands": commands, "entries": entries}


def different(found, expected):
    more, less = collections.Counter(found) - collections.Counter(expected), collections.Counter(expected) - collections.Counter(found)
    return {"too many": sorted(more.elements()), "missing": sorted(less.elements())}


def points_of(app, verb, *args):
    events = app.base + "/events.jsonl"
    app.run(verb, "--yes", "--events", events, *args).expect(0)
    return max(json.loads(line).get("number", 0) for line in open(events) if '"write_point"' in line)


def kill_loop(app, prepare, *args):
    prepare(app)
    total = points_of(app, "deploy", *args)
    reference = end_state(app)
    app.close()
    assert total > 20, f"only {total} write points"
    failures = []
    for number in range(1 + OFFSET, total + 1, STEP):
        victim = App(app.binary, app.deployment)
        try:
            prepare(victim)
            killed = victim.run("deploy", "--yes", *args, env={"HARMONY_TEST_KILL_AT": str(number)})
            assert killed.code == -9, f"point {number}: not killed but {killed.code}\n{killed.text}"
            victim.run("plan", *args).expect(0)
            victim.run("deploy", "--yes", *args).expect(0)
            victim.plan_is_empty(*args)
            state = end_state(victim)
            for part in reference:
                assert state[part] == reference[part], f"{part} differ:\n{different(state[part], reference[part])}"
        except AssertionError as error:
            failures.append(f"point {number} of {total}: {error}")
            print(failures[-1], flush=True)
        finally:
            left = victim.close()
            if left:
                failures.append(f"point {number}: processes left: {left}")
    print(f"killed at {len(range(1 + OFFSET, total + 1, STEP))} of {total} points")
    assert not failures, "\n".join(failures)


def kill_destroy_loop(app, prepare, args, then):
    """Kills `destroy ARGS` of what `prepare` made; `then` goes on from there."""
    prepare(app)
    total = points_of(app, "destroy", *args)
    failures, tried = [], range(1 + SEED % DESTROY_STEP, total + 1, DESTROY_STEP)
    for number in tried:
        try:
            prepare(app)
            killed = app.run("destroy", "--yes", *args, env={"HARMONY_TEST_KILL_AT": str(number)})
            assert killed.code == -9, f"not killed but {killed.code}\n{killed.text}"
            app.run("status").expect(0)
            plan = app.run("plan").expect(0)
            assert "fingerprint key is not" not in plan.text and "or somewhere else" not in plan.text, plan.text
            then(app, number)
        except AssertionError as error:
            failures.append(f"point {number} of {total}: {error}")
            print(failures[-1], flush=True)
            left = app.close()
            if left:
                failures.append(f"point {number}: processes left: {left}")
    print(f"killed at {len(tried)} of {total} points")
    assert not failures, "\n".join(failures)


def nothing_is_left(app):
    app.run("destroy", "--yes", "--delete-data").expect(0)
    assert not app.processes(), app.processes()
    assert not os.path.exists(app.state), os.listdir(app.state)


def destroyed_again(app, number):
    """The destroy that follows is killed, too, where it comes that far."""
    killed = app.run("destroy", "--yes", "--delete-data", env={"HARMONY_TEST_KILL_AT": str(1 + number * 7 % 20)})
    assert killed.code in (-9, 0), killed.text
    nothing_is_left(app)


def deployed_again(app):
    """For all points the same deployment: what is made up for after a kill is what the next destroy takes down."""
    app.deploy()
    reference = end_state(app)

    def check(app, _):
        app.run("deploy", "--yes").expect(0, "(?i)smoke test: .*passed")
        app.plan_is_empty()
        state = end_state(app)
        for part in reference:
            assert state[part] == reference[part], f"{part} differ:\n{different(state[part], reference[part])}"
    return check


def deployed(app):
    app.deploy()


def taken_down(app):
    app.deploy()
    app.run("destroy", "--yes").expect(0)


def taken_up_again(app):
    taken_down(app)
    app.deploy()


def test_kill_at_every_write_of_a_destroy_then_deploy(app):
    kill_destroy_loop(app, deployed, [], deployed_again(app))
    nothing_is_left(app)


def test_kill_at_every_write_of_a_destroy_then_destroy(app):
    kill_destroy_loop(app, deployed, [], destroyed_again)


def test_kill_at_every_write_of_a_destroy_with_data_then_deploy(app):
    kill_destroy_loop(app, taken_up_again, ["--delete-data"], deployed_again(app))
    nothing_is_left(app)


def test_kill_at_every_write_of_a_destroy_with_data_then_destroy(app):
    kill_destroy_loop(app, deployed, ["--delete-data"], destroyed_again)


def test_kill_at_every_write_of_a_destroy_of_kept_data_then_deploy(app):
    kill_destroy_loop(app, taken_down, ["--delete-data"], deployed_again(app))
    nothing_is_left(app)


def test_kill_at_every_write_of_a_destroy_of_kept_data_then_destroy(app):
    kill_destroy_loop(app, taken_down, ["--delete-data"], destroyed_again)


def test_kill_while_the_folder_is_taken_away(app):
    """No numbered point lies there, so what a kill leaves is made by hand."""
    deployed(app)
    last = points_of(app, "destroy", "--delete-data")
    deployed(app)
    killed = app.run("destroy", "--yes", "--delete-data", env={"HARMONY_TEST_KILL_AT": str(last)})
    assert killed.code == -9, killed.text
    whole = app.base + "/whole"
    shutil.copytree(app.state, whole)
    above = ["artefacts", "keys", "logs", "services", "supervisor"]
    files = [os.path.join("ledger", name) for name in os.listdir(app.state + "/ledger")]
    assert "ledger/journal" in files, files
    some = [list(chosen) for count in range(len(files) + 1) for chosen in itertools.combinations(files, count)]
    for gone in [above[:count] for count in range(len(above))] + [above + chosen for chosen in some + [["ledger"]]]:
        shutil.rmtree(app.state, ignore_errors=True)
        shutil.copytree(whole, app.state)
        for name in gone:
            path = os.path.join(app.state, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.path.exists(path) and os.remove(path)
        app.run("status").expect(0)
        plan = app.run("plan").expect(0)
        assert "fingerprint key is not" not in plan.text, (gone, plan.text)
        app.run("destroy", "--yes").expect(0)
        assert not os.path.exists(app.state), (gone, os.listdir(app.state))
    app.deploy()
    nothing_is_left(app)


def test_kill_at_every_write_of_a_cold_deploy(app):
    kill_loop(app, lambda _: None)


def test_kill_at_every_write_of_a_changing_deploy(app):
    kill_loop(app, lambda a: a.deploy(), "--set", "binary=guestbookd-next", "--set", "replicas=2")


def test_kill_at_every_write_of_a_changing_deploy_then_back(app):
    """Whoever finds it half changed does not have to go on: the former version is a change like any other."""
    check = deployed_again(app)
    args = ["--set", "binary=guestbookd-next"]
    events = app.base + "/events.jsonl"
    app.run("deploy", "--yes", "--events", events, *args).expect(0)
    points = {line["number"]: line["text"] for line in map(json.loads, open(events)) if line["type"] == "write_point"}
    check(app, 0)
    reloads = [number for number, text in points.items() if "reload" in text]
    assert reloads, points
    failures, tried = [], sorted({*range(1 + OFFSET, len(points) + 1, STEP), *reloads})
    for number in tried:
        try:
            killed = app.run("deploy", "--yes", *args, env={"HARMONY_TEST_KILL_AT": str(number)})
            assert killed.code == -9, f"not killed but {killed.code}\n{killed.text}"
            check(app, number)
        except AssertionError as error:
            failures.append(f"point {number} of {len(points)}, {points[number]}: {error}")
            print(failures[-1], flush=True)
            app.close()
            app.deploy()
    print(f"killed at {len(tried)} of {len(points)} points")
    assert not failures, "\n".join(failures)


if __name__ == "__main__":
    main(globals(), sys.argv[1])
