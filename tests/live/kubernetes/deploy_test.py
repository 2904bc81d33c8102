#!/usr/bin/env python3
"""The guestbook in a cluster, by the same Scores as on one machine: planned, deployed, changed, pruned, taken down."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading

import guestbook
from guestbook import IMAGES, account, cluster, database, writes_to
from harness import App, wait_for

def test_a_life(app):
    app.harmony("plan").expect(0, r"\+ database server +guestbook-db", "Plan: 6 to create")
    app.harmony("deploy", "--yes").expect(0, "6 created. Smoke test: 5 checks passed")
    app.harmony("deploy", "--yes").expect(0, "No changes", "5 checks passed")
    app.plan_is_empty()
    app.harmony("status").expect(0, "6 of 6 ok")
    app.harmony("smoke-test").expect(0, "5 checks passed")
    app.harmony("logs", "guestbook-db").expect(0, "ready to accept connections")
    following = ["--set", f"image={IMAGES['guestbook-next']}"]
    app.harmony("plan", *following).expect(0, "rolling restart of 1 pod", r"containers\[name=guestbook\].image")
    app.deploy(*following).expect(0, "1 changed. Smoke test: 5 checks passed")
    app.deploy(*following, "--set", "replicas=2").expect(0, "scales 1 -> 2")
    app.harmony("destroy", "--yes").expect(0, "data of guestbook-db, guestbook-db/guestbook, guestbook-nats")
    assert set(app.objects()) == {"persistentvolumeclaim/guestbook-db-data", "persistentvolumeclaim/guestbook-nats-data",
                                  "secret/guestbook-db.guestbook", "secret/guestbook-db-superuser", "secret/guestbook-nats-client",
                                  "secret/harmony.guestbook"}, set(app.objects())
    again = app.deploy().expect(0, "4 created", "5 checks passed").text  # upon its data, which survives the restart of its pod
    assert "lost" not in again, again
    app.harmony("destroy", "--yes", "--delete-data").expect(0)
    assert not app.objects(), app.objects().keys()


def changes(report, sure):
    """What it says becomes of each object, and of which fields. sure: without what is only known after the deploy."""
    return {(change["subject"]["kind"], change["subject"]["name"], change["action"], change["effect"], *sorted(field["path"] for field in change["fields"]))
            for step in report["steps"] for change in step["changes"]
            if change["action"] != "unchanged" and not (sure and change["fidelity"] == "unknown")}


def deploy_as_planned(app, *args):
    planned, report = (json.loads(app.harmony(*verb, *args, "-o", "json").expect(0).out) for verb in (["plan"], ["deploy", "--yes"]))
    done = changes(report, sure=False)
    assert done and changes(planned, sure=True) <= done <= changes(planned, sure=False), (planned, report)
    app.plan_is_empty(*args)


def test_what_a_plan_says_is_what_a_deploy_does(app):
    """Of a cold deploy, of a new version, of more of it, and of what somebody has changed."""
    deploy_as_planned(app)
    deploy_as_planned(app, "--set", f"image={IMAGES['guestbook-next']}")
    deploy_as_planned(app, "--set", "replicas=2")
    app.run("patch", "configmap/guestbook-db-configuration", "-p", '{"data":{"postgresql.conf":"fsync = off\\n"}}')
    deploy_as_planned(app)


def test_a_plan_and_a_dry_run_write_nothing(app):
    for words in (["plan"], ["deploy", "--dry-run"], ["status"], ["graph"]):
        app.harmony(*words).expect(0)
    assert not writes_to(app.name), writes_to(app.name)
    app.deploy()
    assert writes_to(app.name), "the audit log misses what a deploy writes"
    before = writes_to(app.name)
    moved = ["--set", f"image={IMAGES['guestbook-next']}", "--set", "replicas=2"]
    app.harmony("plan", *moved).expect(0, "1 to change")
    app.harmony("deploy", "--dry-run", *moved).expect(0)
    app.harmony("deploy", "--yes").expect(0, "No changes")
    app.harmony("smoke-test").expect(0)
    assert writes_to(app.name) == before, set(writes_to(app.name)) - set(before)


def test_a_namespace_is_made_only_on_demand(app):
    app.run("delete", "namespace", app.name, "--wait=true")
    app.harmony("plan").expect(5, r"error\[H0433\]", "--create-namespace")
    app.harmony("deploy", "--yes").expect(5, r"error\[H0433\]")
    app.harmony("plan", "--create-namespace").expect(0, rf"\+ namespace +{app.name}", "shadow", "Plan: 7 to create")
    app.deploy("--create-namespace").expect(0, "7 created", "5 checks passed")
    app.harmony("status").expect(0, "7 of 7 ok")
    app.plan_is_empty()
    app.harmony("destroy", "--yes", "--delete-data").expect(0)
    app.run("get", "namespace", app.name)  # others may have put something into it


def test_a_new_version_loses_no_request(app):
    """Pods that end are sent requests for as long as not everybody has heard that they end."""
    app.deploy("--set", "replicas=2")
    address = app.json("get", "service/guestbook")["spec"]["clusterIP"]
    request = f"printf 'GET /version HTTP/1.0\\r\\n\\r\\n' | busybox nc -w 5 {address} 80 | busybox grep -q '200 OK'"
    asking = f"while true; do {request} && echo answered || echo lost; done"
    app.run("run", "visitor", f"--image={IMAGES['busybox']}", "--", "sh", "-c", asking)

    def said():
        return app.run("logs", "visitor").split()

    app.run("wait", "--for=condition=Ready", "pod/visitor", "--timeout=60s")
    wait_for("the first answer", lambda: "answered" in said(), limit=30)
    begun = len(said())
    for image in ("guestbook-next", "guestbook"):
        app.deploy("--set", "replicas=2", "--set", f"image={IMAGES[image]}").expect(0, "5 checks passed")
    wait_for("the last of the old pods to be gone", lambda: len(app.json("get", "pods", "-l", "app.kubernetes.io/name=guestbook")["items"]) == 2, limit=60)
    heard = said()[begun:]
    assert heard.count("answered") > 100 and "lost" not in heard, (heard.count("answered"), heard.count("lost"))


def test_what_moved_is_taken_back(app):
    app.deploy("--set", "replicas=1")
    app.run("scale", "deployment/guestbook", "--replicas=3")
    app.run("patch", "configmap/guestbook-db-configuration", "--type=merge", "-p", '{"data":{"pg_hba.conf":"host all all all trust\\n"}}')
    app.harmony("plan", "--set", "replicas=1").expect(0, "scales 3 -> 1", "because `kubectl` has changed `spec.replicas` since the last deploy", "because `kubectl-patch` has changed",
                              "configmap/guestbook-db-configuration", r"pg_hba.conf")
    app.deploy("--set", "replicas=1").expect(0, "2 changed", "5 checks passed")
    app.plan_is_empty("--set", "replicas=1")
    app.run("scale", "deployment/guestbook", "--replicas=0")
    app.harmony("status").expect(0, r"workload +guestbook +down +scaled to none")
    app.harmony("deploy", "--yes", "--set", "replicas=1").expect(0, "scales 0 -> 1", "5 checks passed")
    app.run("delete", "service/guestbook")
    app.harmony("status").expect(0, r"route +guestbook +missing")
    app.deploy("--set", "replicas=1").expect(0, "1 created")


def test_what_no_score_says_is_left_to_whoever_says_it(app):
    app.deploy()
    app.run("scale", "deployment/guestbook", "--replicas=2")  # as an autoscaler does
    app.plan_is_empty()
    app.deploy("--set", f"image={IMAGES['guestbook-next']}").expect(0, "5 checks passed")
    assert app.json("get", "deployment/guestbook")["spec"]["replicas"] == 2


def test_pods_of_others_are_not_taken_for_ours(app):
    """They have the name, the port and the label that another chart gives them."""
    pod = {"apiVersion": "v1", "kind": "Pod",
           "metadata": {"name": "stranger", "labels": {"app.kubernetes.io/name": "guestbook"}},
           "spec": {"containers": [{"name": "web", "image": IMAGES["busybox"], "command": ["httpd", "-f", "-p", "8080"],
                                    "ports": [{"name": "http", "containerPort": 8080}]}]}}
    app.run("apply", "-f", "-", stdin=json.dumps(pod))
    app.run("wait", "--for=condition=Ready", "pod/stranger", "--timeout=60s")
    app.deploy().expect(0, "5 checks passed")
    slices = app.json("get", "endpointslices", "-l", "kubernetes.io/service-name=guestbook")["items"]
    assert {end["targetRef"]["name"] for one in slices for end in one["endpoints"]} == {
        pod["metadata"]["name"] for pod in app.json("get", "pods", "-l", "harmony.dev/deployment,app.kubernetes.io/name=guestbook")["items"]}
    app.harmony("smoke-test").expect(0, "5 checks passed")


def test_two_parts_of_one_instance_name_are_refused(app):
    database(app, "plan", "--set", "instance=shop", "--set", "broker=shop", code=64).expect(64, r"error\[H0473\]", "first: .*shop, .*database.cpp:", "second: .*shop, .*database.cpp:")
    assert not app.objects(), app.objects()


def test_what_is_somebody_elses_is_left_alone(app):
    app.run("create", "service", "clusterip", "guestbook", "--tcp=80:9999")
    app.harmony("plan").expect(5, r"error\[H0430\]", "service/guestbook", "--adopt")
    app.harmony("plan", "--adopt").expect(5, r"error\[H0470\]", "--force-conflicts")
    app.deploy("--adopt", "--force-conflicts").expect(0, "5 checks passed")
    assert app.json("get", "service/guestbook")["spec"]["ports"][0]["targetPort"] == "http"


def test_a_field_that_was_never_ours_is_a_conflict(app):
    app.deploy()
    app.run("label", "service/guestbook", "team=web")  # a field that no Score sets stays as it is
    app.plan_is_empty()
    app.run("patch", "service/guestbook", "--type=merge", "-p", '{"metadata":{"labels":{"harmony.dev/deployment":"other"}}}')
    app.harmony("plan").expect(5, r"error\[H0430\]")


def test_another_deployments_objects_are_never_taken(app):
    app.deploy()
    app.harmony("plan", "--deployment", "second", "--adopt", "--force-conflicts").expect(5, r"error\[H0430\]", "belongs to deployment `guestbook`")
    app.plan_is_empty()


def test_a_password_outlives_its_label(app):
    app.deploy()
    app.run("label", "secret/guestbook-db-superuser", "harmony.dev/deployment-")
    app.harmony("plan").expect(5, r"error\[H0430\]", "no deployment has marked it", "--adopt")
    app.deploy("--adopt", "--force-conflicts").expect(0, "5 checks passed")
    app.plan_is_empty()


def test_a_password_that_is_gone_is_not_made_anew(app):
    app.deploy()
    app.run("patch", "secret/guestbook-db-superuser", "--type=merge", "-p", '{"stringData":{"password":"another"}}')
    app.harmony("plan").expect(6, r"error\[H0222\]", "password from: secret/guestbook-db-superuser")
    app.run("patch", "secret/guestbook-db-superuser", "--type=merge", "-p", '{"data":{"password":""}}')
    app.harmony("plan").expect(5, r"error\[H0438\]")
    app.run("delete", "secret/guestbook-db-superuser")
    app.harmony("plan").expect(5, r"error\[H0438\]", "guestbook-db-data", "destroy --delete-data")
    app.harmony("destroy", "--yes", "--delete-data").expect(0)
    app.deploy().expect(0, "5 checks passed")


def test_a_lost_ledger_takes_nothing_down(app):
    app.deploy()
    app.run("delete", "secret/harmony.guestbook")
    app.harmony("status").expect(0, "without a ledger", "statefulset.apps/guestbook-db")
    app.harmony("plan").expect(0, "warning: deployment `guestbook` is there, but its ledger is gone", "statefulset.apps/guestbook-db")
    app.harmony("destroy", "--yes", "--delete-data").expect(5, r"error\[H0208\]", "statefulset.apps/guestbook-db")
    app.harmony("logs").expect(5, r"error\[H0208\]", "statefulset.apps/guestbook-db")
    app.harmony("logs", "guestbook").expect(5, r"error\[H0208\]")
    app.deploy().expect(0, "5 checks passed")
    app.harmony("destroy", "--yes", "--delete-data").expect(0)
    assert not app.objects(), app.objects().keys()


def test_a_lock_that_is_taken_away_stops_the_writing(app):
    started = app.start("deploy", "--yes")
    wait_for("the server to be there", lambda: "statefulset/guestbook-db" in app.objects(), limit=60)
    app.run("patch", "lease/harmony.guestbook", "--type=merge", "-p", '{"spec":{"holderIdentity":"somebody else"}}')
    text, _ = started.communicate(timeout=120)
    assert started.returncode == 7 and "H0434" in text, text
    assert "deployment/guestbook" not in app.objects(), "it went on writing"
    assert app.json("get", "lease/harmony.guestbook")["spec"]["holderIdentity"] == "somebody else", "the lock of somebody else was taken away"
    app.deploy().expect(0, "5 checks passed")  # nobody renews it


def test_names_of_images_that_no_kubelet_reads(app):
    app.harmony("plan", "--nats-image", "https://registry.example/nats").expect(64, r"error\[H0408\]", "--nats-image")
    app.harmony("plan", "--set", "image=Guestbook:1.4").expect(64, r"error\[H0252\]: `Guestbook:1.4` is no name of an image")


def test_names_that_a_cluster_does_not_take(app):
    app.harmony("plan", "--deployment", "foo_bar").expect(64, r"error\[H0407\]", "foo_bar")
    app.name, name = "Not_A_Name", app.name
    try:
        app.harmony("plan", "--create-namespace").expect(64, r"error\[H0407\]", "Not_A_Name")
    finally:
        app.name = name


def test_kubectl_reads_the_apply_set(app):
    app.deploy()
    parent = app.json("get", "secret/harmony.guestbook")["metadata"]
    identity = parent["labels"]["applyset.kubernetes.io/id"]
    members = {f"{one['kind']}/{one['metadata']['name']}"
               for one in app.json("get", "configmap,secret,persistentvolumeclaim,service,statefulset,deployment", "-l",
                                   f"applyset.kubernetes.io/part-of={identity}")["items"]}
    assert {"Deployment/guestbook", "StatefulSet/guestbook-db", "Secret/guestbook-environment"} <= members, members
    kinds = set(parent["annotations"]["applyset.kubernetes.io/contains-group-kinds"].split(","))
    assert {"Deployment.apps", "StatefulSet.apps", "Secret", "Service", "ConfigMap", "PersistentVolumeClaim"} <= kinds, kinds


def test_a_saved_plan_goes_where_it_was_made_for(app):
    file = os.path.join(tempfile.mkdtemp(prefix="harmony-test-"), "next.plan")
    app.harmony("plan", "--out", file).expect(0)
    assert os.path.exists(file)
    bare = [app.binary, "deploy", "--plan", file]
    other = app.harmony("deploy", "--plan", file, "--adopt").expect(64, r"error\[H0523\]", "without `--adopt`")
    assert "nothing" not in other.out
    done = subprocess.run(bare, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=app.environment, check=False)
    assert done.returncode == 0 and "5 checks passed" in done.stdout, done.stdout + done.stderr
    app.plan_is_empty()
    app.harmony("plan", "--out", file, "--set", f"image={IMAGES['guestbook-next']}", "--set", "replicas=1").expect(0)
    app.run("scale", "deployment/guestbook", "--replicas=2")
    done = subprocess.run(bare, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=app.environment, check=False)
    assert done.returncode == 8 and "H0303" in done.stderr, done.stdout + done.stderr


def test_two_deploys_at_once(app):
    app.deploy()
    first = app.start("deploy", "--yes", "--set", "image=localhost/harmony/slow:1")
    wait_for("the first to hold the lock", lambda: "lease/harmony.guestbook" in app.objects(), limit=60)
    app.harmony("deploy", "--yes", "--set", "replicas=2", "--lock-timeout", "1s").expect(7, r"error\[H0201\]", "held by", "deploy by ")
    app.harmony("status").expect(0, r"a deploy \(.*\) is running")
    first.kill()
    first.communicate()
    # The dead holder is of this machine: nobody has to wait for its Lease to run out.
    app.deploy("--set", "replicas=2").expect(0, "5 checks passed")


def test_a_deploy_that_died_elsewhere_is_not_taken_for_one_at_work(app):
    app.deploy()
    first = app.start("deploy", "--yes", "--set", "image=localhost/harmony/slow:1")
    wait_for("the first to be at work", lambda: " is running, at change " in app.harmony("status").text, limit=60)
    first.kill()
    first.communicate()
    holder = json.loads(app.json("get", "lease/harmony.guestbook")["metadata"]["annotations"]["harmony.dev/holder"])
    elsewhere = json.dumps({**holder, "processes": "another machine's"})
    app.run("annotate", "lease/harmony.guestbook", f"harmony.dev/holder={elsewhere}", "--overwrite")
    app.run("patch", "lease/harmony.guestbook", "--type=merge", "-p", '{"spec":{"renewTime":"2020-01-01T00:00:00.000000Z"}}')
    status = app.harmony("status")
    assert "is running" not in status.text, status.text
    app.deploy().expect(0, "5 checks passed")  # its Lease runs out


def test_an_interrupt_stops_after_the_current_step(app):
    started = app.start("deploy", "--yes", "--set", "image=localhost/harmony/slow:1")
    wait_for("the deployment to be there", lambda: "deployment/guestbook" in app.objects(), limit=60)
    started.send_signal(signal.SIGINT)
    text, _ = started.communicate(timeout=30)
    assert started.returncode == 130, text
    assert "lease/harmony.guestbook" not in app.objects()
    app.deploy().expect(0, "5 checks passed")


def test_logs_follow_every_pod(app):
    def pods():
        return {pod["metadata"]["name"] for pod in app.json("get", "pods", "-l", "app.kubernetes.io/name=guestbook")["items"]}

    app.deploy("--set", "replicas=2")
    first = pods()
    assert len(first) == 2, first
    following = app.start("logs", "guestbook", "--follow")
    heard = set()

    def listen():
        for line in following.stdout:
            heard.add(line.split(" | ")[0].strip())

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        wait_for("both to be heard", lambda: first <= heard)
        app.deploy("--set", "replicas=2", "--set", f"image={IMAGES['guestbook-next']}")
        wait_for("those that took over to be heard", lambda: len(pods() - first) == 2 and pods() - first <= heard)
    finally:
        following.send_signal(signal.SIGINT)
        following.wait(timeout=30)
        listener.join()
    assert following.returncode == 130, following.returncode


def test_every_pod_keeps_to_the_policy_restricted(app):
    for level in ("enforce", "warn"):
        app.run("label", "namespace", app.name, f"pod-security.kubernetes.io/{level}=restricted")
    assert "warning" not in app.harmony("plan").expect(0).text
    app.deploy().expect(0, "5 checks passed")


def test_volumes_have_the_size_that_was_asked_for(app):
    def size(name="guestbook-db-data"):
        return app.json("get", f"persistentvolumeclaim/{name}")["spec"]["resources"]["requests"]["storage"]

    app.harmony("plan", "--volume-size", "10GB").expect(64, r"error\[H0408\]", "10GB", "10Gi")
    app.deploy("--volume-size", "2Gi").expect(0, "5 checks passed")
    assert (size(), size("guestbook-nats-data")) == ("2Gi", "2Gi")
    app.plan_is_empty()  # none shrinks
    app.harmony("plan", "--volume-size", "1Gi").expect(0, "No changes", "warning: persistentvolumeclaim/guestbook-db-data keeps its size `2Gi`: a volume never shrinks")
    # This cluster's class cannot grow: the server says so before anything is written.
    app.harmony("plan", "--volume-size", "3Gi").expect(1, r"error\[H0463\]: the StorageClass of", "allowVolumeExpansion")
    assert size() == "2Gi"


def test_volumes_are_of_the_class_that_was_asked_for(app):
    def classes():
        return {app.json("get", f"persistentvolumeclaim/guestbook-{name}-data")["spec"]["storageClassName"] for name in ("db", "nats")}

    name = app.name + ".fast"  # others' tests have the same cluster
    app.harmony("plan", "--storage-class", "No_Class").expect(64, r"error\[H0407\]", "No_Class")
    app.harmony("plan", "--storage-class", name).expect(5, r"error\[H0437\]: the cluster has no StorageClass", name, "there are: ", "--storage-class NAME")
    default = next(one for one in app.json("get", "storageclass")["items"] if one["metadata"].get("annotations", {}).get("storageclass.kubernetes.io/is-default-class") == "true")
    app.apply({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
               **{field: default[field] for field in ("provisioner", "volumeBindingMode", "parameters") if field in default}})
    try:
        app.deploy("--storage-class", name).expect(0, "5 checks passed")
        assert classes() == {name}, classes()
        app.plan_is_empty("--storage-class", name)
        app.plan_is_empty()  # what is there keeps its own
        app.harmony("plan", "--storage-class", default["metadata"]["name"]).expect(0, "No changes", f"warning: persistentvolumeclaim/guestbook-db-data keeps its StorageClass `{name}`")
        app.harmony("destroy", "--yes", "--delete-data").expect(0)
        app.deploy().expect(0)
        assert classes() == {default["metadata"]["name"]}, classes()
        app.plan_is_empty("--storage-class", name)
    finally:
        app.run("delete", "storageclass", name)


def test_each_pod_gets_what_its_score_says(app):
    app.deploy()
    container = app.json("get", "deployment/guestbook")["spec"]["template"]["spec"]["containers"][0]
    assert container["resources"] == {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "128Mi"}}, container["resources"]


def test_rules_on_pods_are_told_by_the_plan(app):
    """No Deployment and no StatefulSet breaks them: their controllers would be refused, after the deploy."""
    app.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "counted"}, "spec": {"hard": {"requests.memory": "4Gi"}}})
    wait_for("the quota to count", lambda: app.json("get", "resourcequota/counted").get("status", {}).get("hard"))
    before = set(app.objects())
    app.harmony("plan").expect(1, r"error\[H0463\]: an admission rule of the cluster refuses the pods of `statefulset.apps/guestbook-", "must specify requests.memory", ".mebibytes")
    assert set(app.objects()) == before, set(app.objects()) - before
    app.apply({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "usual"},
               "spec": {"limits": [{"type": "Container", "defaultRequest": {"memory": "64Mi"}, "max": {"memory": "512Mi"}}]}})
    app.deploy().expect(0, "5 checks passed")
    app.apply({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "usual"},
               "spec": {"limits": [{"type": "Container", "max": {"memory": "100Mi"}}]}})
    app.plan_is_empty()  # what runs is not asked about
    app.harmony("plan", "--set", f"image={IMAGES['guestbook-next']}").expect(1, r"error\[H0463\].*`deployment.apps/guestbook`", "maximum memory usage per Container is 100Mi")


def policy_on(resource, expression, app, name):
    """A ValidatingAdmissionPolicy of this namespace, or of a new one whose name begins alike."""
    selector = {"matchLabels": {"kubernetes.io/metadata.name": app.name}} if resource == "pods" else {}
    return ({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name},
             "spec": {"failurePolicy": "Fail",
                      "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": [resource]}]},
                      "validations": [{"expression": expression, "message": "not here, not so"}]}},
            {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
             "spec": {"policyName": name, "validationActions": ["Deny"], "matchResources": {"namespaceSelector": selector}}})


def test_a_policy_may_look_at_who_makes_pods(app):
    """A pod that has no owner, or comes from a person, is refused; those of controllers are not."""
    name = f"made-by-controllers-{app.name}"
    app.apply(*policy_on("pods", "has(object.metadata.ownerReferences) && request.userInfo.username.startsWith('system:serviceaccount:kube-system:')", app, name))
    try:
        wait_for("the policy to be heeded", lambda: "warning" in app.harmony("plan").text)
        app.harmony("plan").expect(0, "warning: an admission rule of the cluster refuses the pods of `deployment.apps/guestbook`", "not here, not so", "Plan: 6 to create")
        app.deploy().expect(0, "5 checks passed")
    finally:
        app.run("delete", "validatingadmissionpolicybinding,validatingadmissionpolicy", name)


def test_a_policy_on_namespaces_is_asked_by_the_plan(app):
    fresh = app.name + "-new"
    name = f"labelled-{app.name}"
    app.apply(*policy_on("namespaces", f"object.metadata.name != '{fresh}'", app, name))
    app.name, ours = fresh, app.name
    try:
        wait_for("the policy to be heeded", lambda: app.harmony("plan", "--create-namespace").code != 0)
        app.harmony("plan", "--create-namespace").expect(1, r"error\[H0463\].*`namespace/", "not here, not so")
    finally:
        app.name = ours
        app.run("delete", "validatingadmissionpolicybinding,validatingadmissionpolicy", name)


def test_pods_that_nobody_may_make(app):
    """By what the namespace adds to them, by a quota that is too small, by a name that is too long."""
    app.apply({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "usual"},
               "spec": {"limits": [{"type": "Container", "default": {"cpu": "20m"}, "defaultRequest": {"cpu": "1m"}}]}})
    app.harmony("plan").expect(64, r"error\[H0466\].* the pods of `deployment.apps/guestbook`", "must be less than or equal to cpu limit of 20m")
    app.run("delete", "limitrange/usual")
    app.apply({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "usual"}, "spec": {"limits": [{"type": "Container", "defaultRequest": {"memory": "1Mi"}}]}},
              {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"}, "spec": {"hard": {"requests.memory": "64Mi"}}})
    wait_for("the quota to count", lambda: app.json("get", "resourcequota/small").get("status", {}).get("hard"))
    app.harmony("plan").expect(1, r"error\[H0458\].* the pods of `deployment.apps/guestbook`", "limited: requests.memory=64Mi")
    app.run("delete", "resourcequota/small", "limitrange/usual")
    database(app, "plan", "--set", "instance=" + "a" * 55, code=64).expect(64, r"error\[H0466\].* the pods of `statefulset.apps/aaa", "must be no more than 63")
    database(app, "deploy", "--yes", "--set", "memory=1", code=1).expect(1, r"error\[H0454\]", "mebibytes")


def test_a_rule_that_only_a_controller_meets(app):
    """Who may not make pods does not learn of it from the plan."""
    app.apply({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "low"}, "spec": {"limits": [{"type": "Container", "max": {"memory": "64Mi"}}]}})
    rules = [{"apiGroups": ["apps", "coordination.k8s.io", "discovery.k8s.io"], "resources": ["*"], "verbs": ["*"]},
             {"apiGroups": [""], "resources": ["secrets", "configmaps", "persistentvolumeclaims", "services"], "verbs": ["*"]},
             {"apiGroups": [""], "resources": ["pods", "pods/log", "events"], "verbs": ["get", "list", "watch"]},
             {"apiGroups": [""], "resources": ["pods/portforward"], "verbs": ["get", "create"]}]
    app.kubeconfig = account(app, *rules)
    app.harmony("plan").expect(0, "Plan: 6 to create")
    app.deploy(code=1).expect(1, r"error\[H0463\].*deployment/guestbook", "maximum memory usage per Container is 64Mi", "given up: it was refused")


def test_images_are_pulled_with_a_secret(app):
    app.name, name = "no-such-namespace", app.name
    try:
        app.harmony("plan", "--pull-secret", "registry").expect(5, r"error\[H0433\]")
    finally:
        app.name = name
    app.harmony("plan", "--pull-secret", "registry").expect(5, r"error\[H0409\]", "registry", "kubectl create secret docker-registry")
    app.run("create", "secret", "docker-registry", "registry", "--docker-server=registry.example", "--docker-username=deploy", "--docker-password=none")
    app.deploy("--pull-secret", "registry").expect(0, "5 checks passed")
    for workload in app.json("get", "deployments,statefulsets")["items"]:
        assert workload["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "registry"}], workload["metadata"]["name"]
    app.plan_is_empty("--pull-secret", "registry")
    # Who leaves it out is told what the last deploy had.
    app.harmony("plan").expect(0, "note: the last deploy was made with image=.*, --pull-secret=registry")
    app.harmony("smoke-test").expect(5, r"error\[H0305\]", "--pull-secret=registry", "help: give the settings of the last deploy, .* and its options")
    app.harmony("status").expect(0, "6 of 6 ok", "--pull-secret=registry")
    app.harmony("destroy", "--yes", "--delete-data").expect(0)
    app.run("get", "secret/registry")  # it is somebody's


def test_one_binary_deploys_to_both(app):
    local = App(app.binary)
    try:
        here = local.deploy().expect(0, "guestbook on local", "5 checks passed")
        there = app.deploy().expect(0, "guestbook on k8s", "5 checks passed")
        assert here.out != there.out
        local_tree = local.run("graph").expect(0).out.replace("process guestbook", "workload guestbook")
        assert app.harmony("graph").expect(0).out == local_tree
    finally:
        assert not local.close()


def test_no_secret_in_any_output(app):
    told = app.deploy().text + app.harmony("status", "-v").text + app.harmony("plan", "-v", "-o", "json").text
    import base64
    for secret in app.json("get", "secret")["items"]:
        if secret["metadata"]["name"].startswith("harmony."):
            continue
        for value in secret["data"].values():
            plain = base64.b64decode(value).decode()
            assert value not in told and (len(plain) < 8 or plain not in told), secret["metadata"]["name"]


def test_a_password_that_a_program_logs_is_not_shown(app):
    app.deploy()
    import base64
    password = base64.b64decode(app.json("get", "secret/guestbook-db.guestbook")["data"]["password"]).decode()
    app.run("exec", "guestbook-db-0", "--", "env", "PGPASSWORD=wrong", "psql", "-h", "127.0.0.1", "-U", password, "postgres", code=2)
    told = app.harmony("logs", "guestbook-db").expect(0, r'failed for user "\(secret [0-9a-f]+\)"').text
    assert password not in told


def test_a_database_that_was_dropped_is_made_anew_for_pods_that_start_again(app):
    app.deploy()
    import base64
    password = base64.b64decode(app.json("get", "secret/guestbook-db-superuser")["data"]["password"]).decode()
    app.run("exec", "guestbook-db-0", "--", "env", "PGPASSWORD=" + password, "psql", "-h", "127.0.0.1", "-U", "postgres", "postgres", "-c", "drop database guestbook with (force)")
    app.harmony("plan").expect(0, r"\+ database +guestbook-db/guestbook", r"workload +guestbook .*rolling restart")
    app.deploy().expect(0, "5 checks passed")
    app.harmony("plan").expect(0, "No changes")


def test_a_plan_that_cannot_ask_the_database_is_kept_to(app):
    app.deploy()
    app.run("delete", "pod/guestbook-db-0", "--wait=false")
    wait_for("the database to be away", lambda: not app.json("get", "statefulset/guestbook-db")["status"].get("readyReplicas"), limit=60)
    app.deploy("--set", f"image={IMAGES['guestbook-next']}").expect(0, "5 checks passed")
    app.plan_is_empty("--set", f"image={IMAGES['guestbook-next']}")


def test_an_injected_sidecar_is_left_alone(app):
    app.deploy()
    sidecar = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": IMAGES["busybox"], "command": ["sleep", "1000"]}]}}}}
    app.run("patch", "deployment/guestbook", "--type=strategic", "-p", json.dumps(sidecar))
    app.run("rollout", "status", "deployment/guestbook", "--timeout=60s")
    app.deploy().expect(0, "No changes", "5 checks passed")
    assert {container["name"] for container in app.json("get", "deployment/guestbook")["spec"]["template"]["spec"]["containers"]} == {"guestbook", "side"}


def test_a_secret_that_lost_its_label_only_gets_it_back(app):
    app.deploy()
    app.run("label", "secret/guestbook-db-superuser", "harmony.dev/deployment-")
    app.harmony("plan", "--adopt").expect(0, "Plan: 0 to create, 1 to change, 0 to delete.")
    app.deploy("--adopt").expect(0, "1 changed", "5 checks passed")


def test_data_that_is_being_deleted_while_it_is_served(app):
    app.deploy()
    app.run("delete", "persistentvolumeclaim/guestbook-nats-data", "--wait=false")
    for verb in (["plan"], ["deploy", "--yes"]):
        app.harmony(*verb).expect(5, r"error\[H0472\]: `persistentvolumeclaim/guestbook-nats-data` is being deleted, with the data that pod `guestbook-nats-0` still serves",
                                  f"kubectl delete pod guestbook-nats-0 -n {app.name}")
    app.run("delete", "pod/guestbook-nats-0")
    app.deploy().expect(0, "5 checks passed")


def test_a_saved_plan_for_a_namespace_that_somebody_made_meanwhile(app):
    app.run("delete", "namespace", app.name)
    with tempfile.TemporaryDirectory() as folder:
        saved = folder + "/saved"
        app.harmony("plan", "--create-namespace", "--out", saved).expect(0, "Plan: 7 to create")
        app.run("create", "namespace", app.name)
        app.run("create", "configmap", "guestbook-db-configuration", "--from-literal=a=b")
        app.result([app.binary, "deploy", "--plan", saved, "--kubeconfig", app.kubeconfig]).expect(5, r"error\[H0430\]")
        app.run("delete", "configmap/guestbook-db-configuration")
        app.result([app.binary, "deploy", "--plan", saved, "--kubeconfig", app.kubeconfig]).expect(8, r"error\[H0303\]", f"namespace/{app.name}: was planned to be created, and need not be any more")
        assert set(app.objects()) <= {"secret/harmony.guestbook"}, app.objects().keys()


def test_rules_of_the_namespace_where_a_new_one_is_tried(app):
    """What `default` refuses says nothing of the namespace that is to be made."""
    app.run("delete", "namespace", app.name)
    policy = f"not-in-default-{app.name}"
    app.apply({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": policy},
               "spec": {"failurePolicy": "Fail",
                        "matchConstraints": {"resourceRules": [{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["*"]}]},
                        "validations": [{"expression": f"!object.metadata.name.endsWith('-of-{app.name}')", "message": "nothing works in default"}]}},
              {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": policy},
               "spec": {"policyName": policy, "validationActions": ["Deny"],
                        "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}}}}})
    try:
        wait_for("the policy to be heeded", lambda: "may have rules of its own" in app.harmony("plan", "--create-namespace").text)
        app.harmony("plan", "--create-namespace").expect(0, "schema", r"`default`, where it was tried, may have rules of its own: .*(nothing works in default|refuses)", "Plan: 7 to create")
        app.deploy("--create-namespace").expect(0, "5 checks passed")
    finally:
        app.run("delete", "validatingadmissionpolicybinding,validatingadmissionpolicy", policy)


def test_the_plan_is_data_too(app):
    plan = json.loads(app.harmony("plan", "-o", "json").expect(0).out)
    assert {change["fidelity"] for step in plan["steps"] for change in step["changes"] if change["subject"]["primitive"] == "k8s"} == {"server"}


if __name__ == "__main__":
    guestbook.main(globals())
