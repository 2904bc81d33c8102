#!/usr/bin/env python3
"""PostgreSQL by the operator CloudNativePG: the real one, in the cluster for as long as a test needs it."""
import contextlib
import functools
import os
import re
import subprocess

import guestbook
import operator_cnpg
from deploy_test import writes_to
from failures_test import EVERYTHING, account, empty_registry
from guestbook import IMAGES, database
from harness import wait_for
from kill_test import KILLS, loop

CLUSTERS = "clusters.postgresql.cnpg.io"


def as_the_cluster_has_it(test):
    """Nobody says what a PostgreSQL server is to be."""
    @functools.wraps(test)
    def unsaid(app):
        app.postgresql = None
        test(app)
    return unsaid


def operated(test):
    """The operator is there for as long as the test takes."""
    @functools.wraps(test)
    @as_the_cluster_has_it
    def with_operator(app):
        with operator():
            test(app)
            app.run("delete", CLUSTERS, "--all", "--wait=true")
    return with_operator


def operator():
    return operator_cnpg.operator(IMAGES["cloudnative-pg"])


def sql(app, statement, instance="guestbook-db", name="guestbook"):
    return app.run("exec", f"{instance}-1", "-c", "postgres", "--", "psql", "-qAtX", "-d", name, "-c", statement).strip()


def of_the_database(app):
    """What is there, of the operator's own making, too."""
    return app.run("get", f"{CLUSTERS},pods,persistentvolumeclaims,statefulsets", "-o", "name").split()


@operated
def test_a_life(app):
    app.harmony("plan").expect(0, r"\+ database server +guestbook-db +CloudNativePG .* at guestbook-db-rw:5432 +server", "Plan: 6 to create")
    app.deploy().expect(0, "6 created. Smoke test: 5 checks passed")
    app.deploy().expect(0, "No changes", "5 checks passed")
    app.plan_is_empty()
    app.harmony("status").expect(0, "6 of 6 ok")
    app.harmony("logs", "guestbook-db").expect(0, "ready to accept connections")
    assert "statefulset.apps/guestbook-db" not in of_the_database(app), of_the_database(app)
    # Nothing but what the Scores ask for is in it, and its password is where all passwords are.
    assert sql(app, "select string_agg(datname, ' ' order by datname) from pg_database where not datistemplate") == "guestbook postgres"
    assert app.json("get", "secret/guestbook-db-superuser")["type"] == "kubernetes.io/basic-auth"
    sql(app, "create table kept as select 42 as answer")

    app.harmony("destroy", "--yes").expect(0, "1 changed", "data of guestbook-db, guestbook-db/guestbook, guestbook-nats")
    assert not [one for one in of_the_database(app) if one.startswith("pod/")], of_the_database(app)
    assert {"cluster.postgresql.cnpg.io/guestbook-db", "persistentvolumeclaim/guestbook-db-1"} <= set(of_the_database(app))
    app.harmony("status").expect(0, "nothing is deployed", "cluster.postgresql.cnpg.io/guestbook-db  of database server guestbook-db")
    app.harmony("destroy", "--yes").expect(0)  # again: nothing to do

    app.harmony("plan").expect(0, "starts its pods again", r'annotations\["cnpg.io/hibernation"\] +on -> off')
    app.deploy().expect(0, "1 changed", "5 checks passed")
    app.plan_is_empty()
    assert sql(app, "select answer from kept") == "42", "the data is another"

    app.harmony("destroy", "--yes", "--delete-data").expect(0, "guestbook-db")
    # What is the operator's own goes with its Cluster in the background; it may have made some of it anew meanwhile.
    wait_for("all of it to be gone", lambda: not of_the_database(app) and not app.objects(), limit=60)


@operated
def test_a_plan_and_a_dry_run_write_nothing(app):
    for words in (["plan"], ["deploy", "--dry-run"]):
        app.harmony(*words).expect(0)
    assert not writes_to(app.name), writes_to(app.name)
    app.deploy()
    before = writes_to(app.name)
    assert any("/clusters/guestbook-db" in one for one in before), "the audit log misses what a deploy writes"
    for words in (["plan"], ["deploy", "--dry-run"], ["status"], ["smoke-test"], ["deploy", "--yes"]):
        app.harmony(*words).expect(0)
    assert writes_to(app.name) == before, set(writes_to(app.name)) - set(before)


@operated
def test_a_namespace_that_is_yet_to_be_made(app):
    """Its webhooks are asked about a stand-in, whose name they take, however long the namespace's is."""
    app.name, name = app.name + "-" + "long" * 12, app.name
    try:
        app.harmony("plan", "--create-namespace").expect(0, r"\+ database server +guestbook-db +CloudNativePG .* shadow", "Plan: 7 to create")
    finally:
        app.name = name


@operated
def test_a_setting(app):
    database(app, "deploy", "--yes").expect(0, "2 created")
    # One that is loaded, one that needs a restart, one that the operator keeps to itself, a list of libraries.
    for setting, value in (("work_mem", "9MB"), ("max_connections", "77"), ("shared_preload_libraries", "auto_explain")):
        change = ["--set", f"setting={setting}", "--set", f"value={value}"]
        database(app, "plan", *change).expect(0, "reloads, or restarts 1 pod where a setting needs it", setting, "1 to change")
        database(app, "deploy", "--yes", *change).expect(0, "1 changed")
        database(app, "plan", "--detailed-exitcode", *change)
        if setting != "shared_preload_libraries":
            assert sql(app, f"show {setting}", "db", "app") == value, "exit code 0 came before the setting"
    before = app.json("get", CLUSTERS, "db")["metadata"]["generation"]
    database(app, "deploy", "--yes", "--set", "setting=archive_command", "--set", "value=true", code=1).expect(
        1, r"error\[H0463\]", "archive_command", "fixed configuration parameter")
    assert app.json("get", CLUSTERS, "db")["metadata"]["generation"] == before


@operated
def test_memory(app):
    def given():
        return app.json("get", "pod/db-1")["spec"]["containers"][0]["resources"]["limits"]["memory"]

    database(app, "deploy", "--yes", "--set", "memory=256").expect(0, "2 created")
    assert given() == "256Mi"
    more = ["--set", "memory=320"]
    database(app, "plan", *more).expect(0, "interrupts service: restarts 1 pod", "256Mi -> 320Mi")
    database(app, "deploy", "--yes", *more).expect(0, "1 changed")
    assert given() == "320Mi", "exit code 0 came before the restart"
    database(app, "plan", "--detailed-exitcode", *more)


@operated
def test_a_database_that_no_score_names_any_more_is_put_to_rest(app):
    database(app, "deploy", "--yes", "--set", "instance=one").expect(0, "2 created")
    database(app, "plan", "--set", "instance=two").expect(0, r"~ database server +one +.*stops its pods: its data stays")
    database(app, "deploy", "--yes", "--set", "instance=two").expect(0, "2 created, 1 changed")
    assert "pod/one-1" not in of_the_database(app) and "persistentvolumeclaim/one-1" in of_the_database(app), of_the_database(app)
    database(app, "plan", "--detailed-exitcode", "--set", "instance=two")


@operated
def test_who_has_only_a_namespace_can_deploy_into_it(app):
    app.kubeconfig = account(app, EVERYTHING, {"apiGroups": ["postgresql.cnpg.io"], "resources": ["clusters"], "verbs": ["*"]},
                             {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get", "list", "watch"]})
    app.deploy().expect(0, "5 checks passed")
    app.harmony("destroy", "--yes", "--delete-data").expect(0)


@operated
def test_who_may_make_none_can_have_a_stateful_set(app):
    app.kubeconfig = account(app, EVERYTHING)
    app.harmony("plan").expect(6, r"error\[H0461\]", "postgresql.cnpg.io", "clusters")
    app.deploy("--postgresql", "statefulset").expect(0, "5 checks passed")
    app.plan_is_empty()


@operated
def test_an_image_that_does_not_exist(app):
    """The pod that waits for it belongs to a Job, which belongs to the Cluster."""
    with empty_registry():
        app.deploy("--postgresql-image", "localhost/harmony/nobody:15", code=1).expect(
            1, r"error\[H0450\]", "localhost/harmony/nobody:15", "--> apps/harmony-app/deploy/guestbook.cpp", "^help: ", "begins the first start of a server only once")
    # Its operator does not heed the correction: told at once, with what does.
    told = app.deploy(code=1).expect(1, r"error\[H0443\]", "begun with: localhost/harmony/nobody:15")
    app.run(*re.search(r"`kubectl (delete --cascade=foreground cluster\S* guestbook-db) -n \S+`", told.text).group(1).split())
    app.deploy().expect(0, "5 checks passed")
    app.plan_is_empty()


@as_the_cluster_has_it
def test_what_was_asked_for_and_is_not_there(app):
    app.harmony("plan", "--postgresql", "cloudnative-pg").expect(5, r"error\[H0432\]", "--> apps/harmony-app/deploy/", "--postgresql statefulset")
    app.harmony("deploy", "--yes", "--postgresql", "cloudnative-pg").expect(5, r"error\[H0432\]")
    assert not writes_to(app.name), writes_to(app.name)
    app.harmony("plan", "--postgresql", "oracle").expect(64, r"error\[H0408\]", "oracle", "statefulset")


@as_the_cluster_has_it
def test_data_stays_where_it_is(app):
    app.deploy().expect(0, "5 checks passed")  # a StatefulSet: nobody else is there
    with operator():
        app.plan_is_empty()
        app.deploy().expect(0, "No changes")
        refused = app.harmony("deploy", "--yes", "--postgresql", "cloudnative-pg")
        refused.expect(5, r"error\[H0431\]", "guestbook-db", "StatefulSet", "persistentvolumeclaim/guestbook-db-data", "pg_dump", "--> apps/harmony-app/deploy/")
        app.run("delete", "secret/harmony.guestbook")  # without its ledger by what is there
        app.deploy().expect(0, "5 checks passed")
        app.harmony("destroy", "--yes").expect(0)
        app.deploy().expect(0, "5 checks passed")  # what is kept is data, too
        assert not app.json("get", CLUSTERS)["items"]
        app.harmony("destroy", "--yes", "--delete-data").expect(0)
        app.deploy("--postgresql", "cloudnative-pg").expect(0, "5 checks passed")
        app.harmony("plan", "--postgresql", "statefulset").expect(5, r"error\[H0431\]", "Cluster of CloudNativePG", "cluster.postgresql.cnpg.io/guestbook-db")
        app.harmony("destroy", "--yes", "--delete-data").expect(0)


@operated
def test_an_operator_that_is_away(app):
    database(app, "deploy", "--yes").expect(0)
    operator_cnpg.stop()
    # Its webhooks are asked, and do not answer.
    database(app, "plan", "--set", "value=9MB", code=1).expect(1, r"error\[H0463\]|error\[H0464\]", "cnpg-webhook-service")
    operator_cnpg.without_webhooks()
    database(app, "plan", "--detailed-exitcode")
    other = database(app, "deploy", "--yes", "--set", "instance=other", code=4)
    other.expect(4, r"error\[H0441\]", "nobody acts on .cluster.postgresql.cnpg.io/other", "its controller does not answer")
    database(app, "destroy", "--yes", code=4).expect(4, r"error\[H0442\]", "its data is where it was")
    assert "persistentvolumeclaim/db-1" in of_the_database(app)
    operator_cnpg.start(IMAGES["cloudnative-pg"])
    database(app, "destroy", "--yes").expect(0)
    database(app, "deploy", "--yes").expect(0)


def test_a_kind_that_goes_between_a_plan_and_its_deploy(app):
    """Whoever is asked on a terminal takes so long to answer that the operator and its kinds have gone: no Cluster holds
    the data, as the plan has read."""
    terminal, its_end = os.openpty()
    with operator():
        started = subprocess.Popen(app.arguments("deploy"), stdin=its_end, stdout=its_end, stderr=its_end,
                                   env={name: value for name, value in app.environment.items() if name != "CI"})
        os.close(its_end)
        text = until(terminal, "yes")
    os.write(terminal, b"yes\n")
    text += until(terminal, None)
    os.close(terminal)
    assert started.wait(timeout=60) == 0 and "5 checks passed" in text, text


def until(terminal, word):
    """What is shown up to and with this word; else all, until nobody writes there any more."""
    text = ""
    with contextlib.suppress(OSError):  # how a terminal ends
        while not word or word not in text:
            text += os.read(terminal, 65536).decode(errors="replace")
    return text


# A Cluster takes its time: a third of the kills that a StatefulSet gets.
SOME_KILLS = KILLS and max(1, KILLS // 3)


@operated
def test_a_deploy_that_is_killed(app):
    loop(app, lambda _: None, ["deploy", "--yes"], kills=SOME_KILLS)


@operated
def test_a_destroy_that_is_killed(app):
    """Half hibernated, it is woken by the next deploy."""
    loop(app, lambda one: one.deploy(), ["destroy", "--yes"], kills=SOME_KILLS)


if __name__ == "__main__":
    guestbook.cluster.need_cluster()
    if "cloudnative-pg" not in guestbook.cluster.images():
        guestbook.cluster.skip("the operator CloudNativePG is built for the cluster of `./dev cluster` alone")
    guestbook.main(globals())
