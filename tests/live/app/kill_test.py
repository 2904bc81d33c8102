"""kill -9 at every numbered write of a cold and of a changing deploy; then `plan` and `deploy --yes`: the same end state
as an undisturbed run, nothing orphaned, nothing doubled, no hand needed. argv[1]: guestbook-killable.

HARMONY_TEST_SIZE=small kills at every fifth point, from an offset taken from HARMONY_TEST_SEED.
"""
import collections
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from harness import App, main, wait_for  # noqa: E402

STEP = 5 if os.environ.get("HARMONY_TEST_SIZE", "full") == "small" else 1
OFFSET = int(os.environ.get("HARMONY_TEST_SEED", "0")) % STEP


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


def points_of(app, *args):
    events = app.base + "/events.jsonl"
    app.run("deploy", "--yes", "--events", events, *args).expect(0)
    return max(json.loads(line).get("number", 0) for line in open(events) if '"write_point"' in line)


def kill_loop(app, prepare, *args):
    prepare(app)
    total = points_of(app, *args)
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


def test_kill_at_every_write_of_a_cold_deploy(app):
    kill_loop(app, lambda _: None)


def test_kill_at_every_write_of_a_changing_deploy(app):
    kill_loop(app, lambda a: a.deploy(), "--set", "binary=guestbookd-next", "--set", "replicas=2")


if __name__ == "__main__":
    main(globals(), sys.argv[1])
