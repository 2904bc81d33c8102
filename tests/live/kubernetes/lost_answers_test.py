#!/usr/bin/env python3
"""A request that failed may have succeeded: of every write the server has the request, and the client never gets the answer.
What a deploy makes of it is what an undisturbed one makes, at the first try, and its lock is given back."""
import signal

import guestbook
from guestbook import IMAGES, api_server, client_context
from harness import wait_for
from relay import LosingRelay


def losing(app):
    return app.through(LosingRelay(api_server(), client_context()))


def has_lost(relay, method, what):
    assert any(one.startswith(method) and what in one for one in relay.lost), (method, what, relay.lost)


def test_a_life_without_an_answer(app):
    moved = ["--set", f"image={IMAGES['guestbook-next']}", "--set", "replicas=2"]
    with losing(app) as relay:
        app.deploy().expect(0, "6 created", "5 checks passed")
        for what in ("deployments/guestbook", "statefulsets/guestbook-db", "secrets/"):
            has_lost(relay, "PATCH", what)
        has_lost(relay, "POST", "leases")
        has_lost(relay, "DELETE", "leases")
    assert "lease/harmony.guestbook" not in app.objects()
    app.plan_is_empty()
    with losing(app) as relay:
        app.deploy(*moved).expect(0, "1 changed", "5 checks passed")
        has_lost(relay, "PATCH", "deployments/guestbook")
    app.plan_is_empty(*moved)
    with losing(app) as relay:
        app.harmony("destroy", "--yes", "--delete-data").expect(0)
        has_lost(relay, "DELETE", "persistentvolumeclaims")
    assert not app.objects(), app.objects().keys()


def test_the_lock_outlives_a_renewal_without_an_answer(app):
    with losing(app) as relay:
        started = app.start("deploy", "--yes", "--set", "image=localhost/harmony/slow:1")
        wait_for("a renewal to be lost", lambda: any(one.startswith("PUT") and "leases" in one for one in relay.lost), limit=60)
        wait_for("the deployment to be there", lambda: "deployment/guestbook" in app.objects(), limit=60)
        started.send_signal(signal.SIGINT)
        text, _ = started.communicate(timeout=30)
        assert started.returncode == 130, text
    assert "lease/harmony.guestbook" not in app.objects()


if __name__ == "__main__":
    guestbook.main(globals())
