#!/usr/bin/env python3
"""Why it failed: each cause is provoked in a real cluster, and told with its code, its source line and what to do."""
import contextlib
import datetime
import json
import os
import re
import signal
import subprocess
import sys
import tempfile

import guestbook
from guestbook import EVERYTHING, IMAGES, account, api_server, client_context, cluster, kubeconfig, read_until
from harness import wait_for
from relay import HttpRelay, Relay


def told(app, code, *patterns, args=(), exit_code=1):
    """A deploy that fails for this cause, in its Score's line, and says what to do."""
    result = app.harmony("deploy", "--yes", *args).expect(exit_code, rf"error\[{code}\]", r"--> apps/harmony-app/deploy/", "^help: ", *patterns)
    assert "internal" not in result.text, result.text
    return result


def mended(app, *args):
    """The next deploy goes on from what is there."""
    app.deploy(*args).expect(0, "5 checks passed")
    app.plan_is_empty(*args)


def since(app, event, ended):
    """Seconds from when the cluster knew it to the end of the deploy."""
    times = [one.get("firstTimestamp") or one["eventTime"] for one in app.json("get", "events")["items"] if event(one)]
    assert times, "the cluster says nothing of it"
    first = min(datetime.datetime.fromisoformat(time.replace("Z", "+00:00")) for time in times)
    return (ended - first).total_seconds()


def now():
    return datetime.datetime.now(datetime.timezone.utc)


# ---- pods

@contextlib.contextmanager
def empty_registry():
    """Where the nodes look for images of `localhost`: it is there, and has none."""
    script = ("import http.server as h\nclass A(h.BaseHTTPRequestHandler):\n def do_GET(self):\n"
              "  self.send_response(200 if self.path == '/v2/' else 404); self.send_header('Content-Length', '0'); self.end_headers()\n"
              " do_HEAD = do_GET\n def log_message(self, *_): pass\n"
              "s = h.ThreadingHTTPServer(('127.0.0.1', 80), A)\nprint('listening', flush=True)\ns.serve_forever()")
    if not cluster.IS_OURS:
        yield  # the nodes of somebody's cluster reach a registry
        return
    server = subprocess.Popen([os.path.join(cluster.REPOSITORY, "tests/cluster/run"), "enter", sys.executable, "-c", script],
                              stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert server.stdout.readline().strip() == "listening"
        yield
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def test_an_image_that_does_not_exist(app):
    app.deploy()
    with empty_registry():
        an_image_is_missing(app)


def an_image_is_missing(app):
    result = told(app, "H0450", "localhost/harmony/nobody:1", args=["--set", "image=localhost/harmony/nobody:1"])
    took = since(app, lambda one: one["reason"] == "Failed" and "nobody" in one["message"], now())
    print(f"       told {took:.1f} s after the kubelet's first report")
    assert "workload" in result.text
    app.harmony("smoke-test").expect(5)
    assert app.json("get", "deployment/guestbook")["status"]["readyReplicas"] == 1, "the old version does not serve any more"
    mended(app)


def test_a_crash_loop(app):
    told(app, "H0453", "exits with code", args=["--set", f"image={IMAGES['busybox']}"])
    mended(app)


def test_a_readiness_probe_that_fails(app):
    """A server that starts, and serves something else."""
    told(app, "H0456", "pod: guestbook-", "waited: 60", args=["--set", f"image={IMAGES['nats']}"], exit_code=4)
    mended(app)


def test_a_claim_that_gets_no_volume(app):
    app.apply({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "guestbook-db-data"},
               "spec": {"storageClassName": "nowhere", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}})
    told(app, "H0460", "guestbook-db-data", "nowhere", args=["--adopt", "--force-conflicts"])


def test_a_secret_that_is_missing(app):
    """Taken away by somebody between the apply and the start of the pod."""
    app.deploy()
    limited(app)
    started = app.start("deploy", "--yes", "--set", f"image={IMAGES['guestbook-next']}")
    lines = read_until(started, "Insufficient ephemeral-storage")
    app.run("delete", "secret/guestbook-environment")
    schedulable(app)
    text = lines + started.stdout.read()
    assert started.wait(timeout=120) in (1, 4), text
    # As something deleted while it is waited for, or as something that a pod misses: whichever is seen first.
    assert re.search(r"error\[H04(39|59)\]: .*guestbook-environment", text), text
    mended(app, "--set", f"image={IMAGES['guestbook-next']}")


def limited(app):
    """Pods ask for more than any node has of what no Score says anything of."""
    app.apply({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "greedy"},
               "spec": {"limits": [{"type": "Container", "defaultRequest": {"ephemeral-storage": "1000Ti"}, "default": {"ephemeral-storage": "1000Ti"}}]}})


def schedulable(app):
    app.run("delete", "limitrange/greedy")
    app.run("delete", "pod", "-l", "app.kubernetes.io/name=guestbook", "--field-selector", "status.phase=Pending")


def test_a_pod_that_fits_on_no_node(app):
    app.deploy()
    limited(app)
    started = app.start("deploy", "--yes", "--set", f"image={IMAGES['guestbook-next']}")
    # It may heal, so that it is waited for; but not without saying why.
    lines = read_until(started, "Insufficient ephemeral-storage")
    assert "waiting" in lines.splitlines()[-1], lines
    schedulable(app)
    text = lines + started.stdout.read()
    assert started.wait(timeout=120) == 0, text
    app.plan_is_empty("--set", f"image={IMAGES['guestbook-next']}")


def test_a_quota_that_is_used_up(app):
    app.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "2"}}})
    told(app, "H0458", "quota: none", "waited: 60", exit_code=4)
    app.run("delete", "resourcequota/none")
    # Its controller tries again only after minutes; who does not want to wait tells it.
    app.run("rollout", "restart", "deployment/guestbook")
    mended(app)


def test_a_quota_that_refuses_an_object(app):
    app.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"persistentvolumeclaims": "0"}}})
    wait_for("the quota to count", lambda: app.json("get", "resourcequota/none").get("status", {}).get("hard"))
    told(app, "H0458", "quota: none", "persistentvolumeclaims=1")
    app.run("delete", "resourcequota/none")
    mended(app)


# ---- refusals

def refused(app, code, *patterns, args=(), kubeconfig=None, exit_code=1):
    """Already by the rehearsal: nothing is written."""
    before = app.objects()
    if kubeconfig:
        app.kubeconfig = kubeconfig
    app.harmony("plan", *args).expect(exit_code, rf"error\[{code}\]", "^help: ", *patterns)
    app.harmony("deploy", "--yes", *args).expect(exit_code, rf"error\[{code}\]")
    app.kubeconfig = cluster.KUBECONFIG
    assert app.objects().keys() == before.keys(), app.objects().keys()


def test_an_immutable_field(app):
    app.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "guestbook"},
               "spec": {"selector": {"matchLabels": {"app": "old"}},
                        "template": {"metadata": {"labels": {"app": "old"}},
                                     "spec": {"containers": [{"name": "old", "image": IMAGES["busybox"]}]}}}})
    take_over = ["--adopt", "--force-conflicts"]
    refused(app, "H0462", "cannot be changed in place", "spec.selector", args=take_over, exit_code=5)
    app.apply({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "low"}, "spec": {"limits": [{"type": "Container", "max": {"memory": "64Mi"}}]}})
    refused(app, "H0463", "the pods of `deployment.apps/guestbook`", "maximum memory usage per Container is 64Mi", args=[*take_over, "--allow-replace"])
    app.run("delete", "limitrange/low")
    before = app.objects()["deployment/guestbook"]["metadata"]["uid"]
    app.harmony("plan", *take_over, "--allow-replace").expect(0, r"guestbook .*deletes it and makes it anew", "`spec.selector` cannot be changed in place", "1 to replace")
    assert app.objects()["deployment/guestbook"]["metadata"]["uid"] == before, "a plan replaced something"
    app.harmony("deploy", "--yes", *take_over, "--allow-replace").expect(0, "5 checks passed")
    assert app.objects()["deployment/guestbook"]["metadata"]["uid"] != before
    app.plan_is_empty()
    restored = app.json("get", "statefulset/guestbook-nats")  # as after a restore: our labels, and fields that moved
    restored["spec"]["serviceName"] = "other"
    for field in ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"):
        restored["metadata"].pop(field, None)
    app.run("replace", "--force", "-f", "-", stdin=json.dumps(restored))
    app.harmony("plan").expect(5, r"error\[H0462\]", "--allow-replace")
    app.harmony("deploy", "--yes", "--allow-replace").expect(0, "5 checks passed")
    app.plan_is_empty()


def test_an_admission_policy(app):
    policy = f"no-guestbook-{app.name}"
    app.apply({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": policy},
               "spec": {"failurePolicy": "Fail",
                        "matchConstraints": {"resourceRules": [{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["deployments"]}]},
                        "validations": [{"expression": "object.metadata.name != 'guestbook'", "message": "guestbooks are not allowed here"}]}},
              {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": policy},
               "spec": {"policyName": policy, "validationActions": ["Deny"],
                        "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": app.name}}}}})
    try:
        wait_for("the policy to be heeded", lambda: app.harmony("plan").code != 0)
        refused(app, "H0463", "guestbooks are not allowed here")
    finally:
        app.run("delete", "validatingadmissionpolicybinding,validatingadmissionpolicy", policy)


def test_a_namespace_that_is_going(app):
    app.deploy()
    app.run("patch", "configmap/kube-root-ca.crt", "--type=merge", "-p", '{"metadata":{"finalizers":["harmony.dev/held"]}}')
    app.run("delete", "namespace", app.name, "--wait=false")
    try:
        wait_for("its objects to go", lambda: not set(app.objects()), limit=90)
        app.harmony("deploy", "--yes").expect(1, r"error\[H0465\]", app.name)
        app.harmony("status").expect(0, f"namespace +{app.name}, which is being deleted")
    finally:
        app.run("patch", "configmap/kube-root-ca.crt", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')


def test_what_is_forbidden(app):
    rules = [{"apiGroups": ["", "coordination.k8s.io", "discovery.k8s.io"], "resources": ["*"], "verbs": ["*"]},
             {"apiGroups": ["apps"], "resources": ["statefulsets", "replicasets"], "verbs": ["*"]},
             {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list", "watch"]}]
    refused(app, "H0461", "may not patch deployments", "rule: apiGroups: ..apps..", "create", kubeconfig=account(app, *rules), exit_code=6)


OBJECTS = {"apiGroups": [""], "resources": ["secrets", "configmaps", "persistentvolumeclaims", "services"], "verbs": ["*"]}
OTHERS = {"apiGroups": ["apps", "coordination.k8s.io", "discovery.k8s.io", "networking.k8s.io"], "resources": ["*"], "verbs": ["*"]}


def test_a_port_forward_that_is_forbidden(app):
    """No dry run asks for it: whoever may not is told by the plan all the same."""
    rights = account(app, OBJECTS, OTHERS, {"apiGroups": [""], "resources": ["pods", "pods/log", "events"], "verbs": ["*"]})
    refused(app, "H0461", "may not get pods/portforward", "bound to service account `deployer`", kubeconfig=rights, exit_code=6)


def test_a_watch_that_is_forbidden(app):
    """All that is missing is told at once, and before anything is written."""
    rights = account(app, OBJECTS, OTHERS, {"apiGroups": [""], "resources": ["pods", "pods/log", "pods/portforward"], "verbs": ["get", "list", "create"]})
    refused(app, "H0461", "may not watch pods", r'rule: apiGroups: \[""\], resources: \["events"\], verbs: \["list", "watch"\]', kubeconfig=rights, exit_code=6)


def test_a_destroy_that_may_not_delete_all(app):
    """It says so before the first object goes."""
    app.deploy()
    before = app.objects()
    most = [{**rule, "verbs": ["get", "list", "watch", "create", "update", "patch"]} if "services" in rule["resources"] else rule
            for rule in (OBJECTS, OTHERS)]
    rights = account(app, *most)
    app.kubeconfig = rights
    app.harmony("destroy", "--yes").expect(6, r"error\[H0461\]", "may not delete services",
                                             r'rule: apiGroups: \[""\], resources: \["services"\], verbs: \["delete"\]')
    app.kubeconfig = cluster.KUBECONFIG
    assert app.objects().keys() == before.keys(), app.objects().keys()
    app.harmony("destroy", "--yes").expect(0)


def test_an_object_that_somebody_deletes_meanwhile(app):
    started = app.start("deploy", "--yes")
    wait_for("the server to be there", lambda: "statefulset/guestbook-db" in app.objects(), limit=60)
    app.run("delete", "statefulset/guestbook-db")
    text, _ = started.communicate(timeout=120)
    assert started.returncode == 1 and "H0439" in text and "statefulset.apps/guestbook-db" in text, text
    mended(app)


def test_who_has_only_a_namespace_can_deploy_into_it(app):
    app.kubeconfig = account(app, EVERYTHING)
    app.deploy().expect(0, "5 checks passed")
    app.harmony("destroy", "--yes", "--delete-data").expect(0)


# ---- the API server

def test_credentials_that_are_not_taken(app):
    refused(app, "H0412", "Unauthorized", kubeconfig=kubeconfig(user={"token": "nobody"}), exit_code=6)


def test_a_certificate_of_somebody_else(app):
    refused(app, "H0411", "certificate is for other names", kubeconfig=kubeconfig(**{"tls-server-name": "somebody.example"}), exit_code=6)


def test_nobody_listens(app):
    refused(app, "H0410", "nobody listens", kubeconfig=kubeconfig(server="https://127.0.0.1:1"), exit_code=6)


def lease_age(app):
    """Seconds since the lock was last renewed."""
    renewed = app.json("get", "lease/harmony.guestbook")["spec"]["renewTime"]
    return (now() - datetime.datetime.fromisoformat(renewed.replace("Z", "+00:00"))).total_seconds()


def test_an_api_server_that_goes_and_comes_back(app):
    with Relay(api_server()) as relay:
        app.kubeconfig = kubeconfig(server=f"https://127.0.0.1:{relay.port}")
        started = app.start("deploy", "--yes")
        wait_for("objects to be there", lambda: "statefulset/guestbook-db" in app.objects(), limit=60)
        relay.cut()
        lines = []
        for line in started.stdout:
            lines.append(line)
            if "waiting" in line and ("nobody listens" in line or "cannot reach" in line or "connection" in line):
                break
        # Longer than the lock lives without being renewed: nobody else takes it meanwhile. Longer, too, than a controller
        # may be silent, which is none of its fault.
        wait_for("an outage that is long", lambda: lease_age(app) > 50, limit=90)
        relay.mend()
        text = "".join(lines) + started.stdout.read()
        assert started.wait(timeout=120) == 0 and "5 checks passed" in text, text
        app.plan_is_empty()


def gateway_page():
    page = b"<html><title>503 Service Unavailable</title></html>"
    return b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(page), page)


def gateway_that_empties(at):
    """Once `at` says so of a write ("PATCH /api/…"), its answer is lost, and nothing is behind the gateway any more."""
    def answered(write):
        if relay.emptied or not at(write):
            return True
        relay.junk, relay.emptied = gateway_page(), True
        return False

    relay = HttpRelay(api_server(), client_context(), answered)
    relay.emptied = False
    return relay


def test_a_gateway_with_nothing_behind_it_while_it_waits(app):
    """What answers is no API server, and says that it will be one again: a wait goes on."""
    app.deploy()
    limited(app)                             # so that there is something to wait for
    relay = HttpRelay(api_server(), client_context())
    with app.through(relay):
        started = app.start("deploy", "--yes", "--set", f"image={IMAGES['guestbook-next']}")
        lines = read_until(started, "Insufficient ephemeral-storage")
        relay.junk = gateway_page()
        relay.drop()
        lines += read_until(started, "503")
        assert "waiting" in lines.splitlines()[-1], lines
        wait_for("an outage that is long", lambda: lease_age(app) > 15, limit=90)
        relay.junk = None
        schedulable(app)
        text = lines + started.stdout.read()
        assert started.wait(timeout=120) == 0 and "5 checks passed" in text, text
    app.plan_is_empty("--set", f"image={IMAGES['guestbook-next']}")


def test_a_gateway_with_nothing_behind_it_at_a_write(app):
    """Whether it was done is not known, and not for longer than the lock would hold by itself."""
    relay = gateway_that_empties(lambda write: write.endswith("statefulsets/guestbook-db"))
    with app.through(relay):
        started = app.start("deploy", "--yes")
        wait_for("the gateway to be left alone", lambda: relay.junk, limit=60)
        relay.drop()
        wait_for("an outage that is long", lambda: lease_age(app) > 15, limit=90)
        relay.junk = None
        text = started.stdout.read()
        assert started.wait(timeout=120) == 0 and "5 checks passed" in text, text
        assert re.search(r"waiting: .*503", text), text
    app.plan_is_empty()


def test_an_api_server_that_goes_for_good(app):
    """It is waited for once, however many requests there are still to send, and told once."""
    def gone_at_the_database(name):
        if not name.endswith("statefulsets/guestbook-db"):
            return True
        relay.cut()
        return False

    relay = HttpRelay(api_server(), client_context(), gone_at_the_database)
    with app.through(relay):
        text = app.harmony("deploy", "--yes").expect(6, r"error\[H0410\]", "tried: ").text
    assert set(re.findall(r"^error\S*", text, re.M)) == {"error[H0410]:"} and "the ledger does not say how this deploy ended: " in text, text
    app.deploy().expect(0, "5 checks passed")
    app.plan_is_empty()


def test_a_gateway_with_nothing_behind_it_at_a_write_of_the_ledger(app):
    """Nobody sees the ledger; that it is waited for stands where the deploy is."""
    seen = []

    def is_ledger_of_the_database(write):
        seen.append(write.split("/")[-1])
        return seen[-1] == "harmony.guestbook" and "guestbook-db" in seen

    relay = gateway_that_empties(is_ledger_of_the_database)
    with app.through(relay):
        started = app.start("deploy", "--yes")
        lines = read_until(started, "503")
        assert "harmony.guestbook" in lines.splitlines()[-1] or "gateway answers" in lines.splitlines()[-1], lines
        relay.junk = None
        text = lines + started.stdout.read()
        assert started.wait(timeout=120) == 0 and "5 checks passed" in text, text
    app.plan_is_empty()


def test_a_gateway_with_nothing_behind_it_for_good(app):
    """It is waited for as a server that is gone, and what the deploy was at is told."""
    relay = gateway_that_empties(lambda write: write.endswith("statefulsets/guestbook-db"))
    with app.through(relay):
        done = app.harmony("deploy", "--yes")
    text = done.text
    # Either is the first to have no patience left: the write, of which nobody knows, or a read beside it.
    assert done.code in (1, 6) and re.search(r"^error\[H04(18|20)\]: .*503", text, re.M), text
    assert "the ledger does not say how this deploy ended: " in text, text
    app.deploy().expect(0, "5 checks passed")
    app.plan_is_empty()


def test_credentials_that_expire_while_it_deploys(app):
    """An exec plugin hands out a token that the server takes, then one that it does not, then one that it takes again."""
    good = account(app, EVERYTHING)
    with open(good, encoding="utf-8") as file:
        token = json.load(file)["users"][0]["user"]["token"]
    folder = tempfile.mkdtemp(prefix="harmony-test-")
    plugin = os.path.join(folder, "plugin")
    with open(plugin, "w", encoding="utf-8") as file:
        file.write(f'''#!/bin/sh
# Each token is good for five seconds by its own word; the second one is no good at all.
echo x >> {folder}/calls
count=$(wc -l < {folder}/calls)
if [ "$count" = 2 ]; then token=expired; else token='{token}'; fi
expires=$(date -u -d '+1 seconds' +%Y-%m-%dT%H:%M:%SZ)
echo '{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{{"token":"'"$token"'","expirationTimestamp":"'"$expires"'"}}}}'
''')
    os.chmod(plugin, 0o755)
    app.kubeconfig = kubeconfig(user={"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": plugin, "interactiveMode": "Never"}})
    app.deploy().expect(0, "5 checks passed")
    with open(os.path.join(folder, "calls"), encoding="utf-8") as calls:
        assert len(calls.readlines()) > 2, "the credentials never expired"


def test_an_api_server_that_answers_junk(app):
    with Relay(api_server(), junk=b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhola") as relay:
        refused(app, "H0418", "no API server", kubeconfig=kubeconfig(server=f"http://127.0.0.1:{relay.port}"), exit_code=6)


if __name__ == "__main__":
    guestbook.main(globals())
