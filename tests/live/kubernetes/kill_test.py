#!/usr/bin/env python3
"""kill -9 at every write of a cold, a changing and a destroying run, which the server has while nobody waits for its answer any
more; then `plan` and `deploy --yes`: the same end state as an undisturbed run, nothing orphaned, the dead holder's Lease taken
over without a hand. Reads change nothing: those are all the states that a kill can leave.

Of HARMONY_TEST_SIZE=small three of them, of full twenty at most, of every all; the first by HARMONY_TEST_SEED."""
import os
import threading

import guestbook
from guestbook import IMAGES, api_server, client_context
from harness import Result
from relay import HttpRelay

KILLS = {"small": 3, "full": 20}.get(os.environ.get("HARMONY_TEST_SIZE", "full"))
SEED = int(os.environ.get("HARMONY_TEST_SEED", "0"))


def end_state(app):
    """What is there, and what of it a Score decides."""
    state = {}
    for name, one in app.objects().items():
        if name.startswith("lease/"):
            continue  # of one that was killed before it wrote: the next that writes takes it over, and away
        owned = [fields["fieldsV1"] for fields in one["metadata"].get("managedFields", []) if fields["manager"] == "harmony" and fields["operation"] == "Apply"]
        spec = one.get("spec", {})
        image = [c["image"] for c in spec.get("template", {}).get("spec", {}).get("containers", [])]
        state[name] = (owned, image, spec.get("replicas"), sorted(one.get("data", {})))
    state["pods"] = sorted(pod["spec"]["containers"][0]["image"] for pod in app.json("get", "pods")["items"] if "deletionTimestamp" not in pod["metadata"])
    return state


def run_through(app, words, at=None):
    """@returns the result, and the writes; at the one numbered `at`, from 1, the program is killed."""
    writes, begun = [], threading.Event()

    def written(name):
        writes.append(name)
        if len(writes) == at:
            begun.wait(timeout=60)
            started.kill()
        return True

    with app.through(HttpRelay(api_server(), client_context(), written)):
        started = app.start(*words)
        begun.set()
        text = started.communicate(timeout=240)[0]
        return Result(started.returncode, text, ""), writes


def loop(app, prepare, words, finish=("deploy", "--yes"), kills=KILLS):
    options = list(words[2:]) if words[0] == "deploy" else []  # of a destroy they say nothing to what comes after
    prepare(app)
    undisturbed, writes = run_through(app, words)
    undisturbed.expect(0)
    total = len(writes)
    app.harmony(*finish, *options).expect(0)
    reference = end_state(app)
    step = max(1, total // kills) if kills else 1
    failures, killed = [], 0
    for number in range(1 + SEED % step, total + 1, step):
        victim = guestbook.Guestbook(app.binary)
        victim.postgresql = app.postgresql
        try:
            prepare(victim)
            result, _ = run_through(victim, words, number)
            if result.code == 0:
                continue  # this one was done sooner
            killed += 1
            assert result.code == -9, f"exit code {result.code}\n{result.text}"
            victim.harmony("status").expect(0)
            victim.harmony("plan", *options).expect(0)
            victim.harmony(*finish, *options).expect(0)
            if finish[0] == "deploy":
                victim.plan_is_empty(*options)
            state = end_state(victim)
            assert state == reference, {key: (state.get(key), reference.get(key)) for key in state.keys() | reference.keys() if state.get(key) != reference.get(key)}
        except AssertionError as error:
            failures.append(f"write {number} of {total}: {error}")
            print(failures[-1], flush=True)
        finally:
            victim.close()
    print(f"       killed at {killed} of {total} writes")
    assert killed, "nothing was killed"
    assert not failures, "\n".join(failures)


def test_kill_a_cold_deploy(app):
    loop(app, lambda _: None, ["deploy", "--yes"])


def test_kill_a_changing_deploy(app):
    loop(app, lambda one: one.deploy(), ["deploy", "--yes", "--set", f"image={IMAGES['guestbook-next']}", "--set", "replicas=2"])


def test_kill_a_destroy(app):
    loop(app, lambda one: one.deploy(), ["destroy", "--yes"])


def test_kill_a_destroy_of_all_data(app):
    loop(app, lambda one: one.deploy(), ["destroy", "--yes", "--delete-data"], finish=("destroy", "--yes", "--delete-data"))


if __name__ == "__main__":
    guestbook.main(globals())
