#!/usr/bin/env python3
"""What others do by hand to what a deployment has made: while it is deployed, and between two deploys. No deploy takes it for
its own work."""
import base64
import json
import signal

import guestbook
from guestbook import IMAGES, read_until
from harness import wait_for


def image(app):
    return app.json("get", "deployment/guestbook")["spec"]["template"]["spec"]["containers"][0]["image"]


def while_it_is_deployed(app, wanted, act, *args):
    """What a deploy of this image says when somebody acts as soon as it is written."""
    started = app.start("deploy", "--yes", "--set", f"image={IMAGES[wanted]}", *args)
    wait_for("the new image to be written", lambda: image(app) == IMAGES[wanted], limit=60)
    act()
    text = started.stdout.read()
    return started.wait(timeout=120), text


def test_a_new_version_that_is_rolled_back_by_hand_meanwhile(app):
    """The old version is ready, and passes the smoke test; it is not what was deployed."""
    app.deploy()
    code, text = while_it_is_deployed(app, "busybox", lambda: app.run("rollout", "undo", "deployment/guestbook"))
    assert code == 1 and "error[H0474]: `deployment.apps/guestbook` was changed by somebody else while it was deployed" in text, text
    assert f"is {IMAGES['guestbook']}, was deployed as {IMAGES['busybox']}" in text and "checks passed" not in text, text
    app.deploy("--set", f"image={IMAGES['guestbook-next']}").expect(0, "5 checks passed")


def test_another_version_that_is_set_by_hand_meanwhile(app):
    """Both are good ones."""
    app.deploy()
    code, text = while_it_is_deployed(app, "guestbook-next", lambda: app.run("set", "image", "deployment/guestbook", f"guestbook={IMAGES['guestbook']}"))
    assert code == 1 and "error[H0474]" in text and "`kubectl-set` has changed" in text, text
    app.deploy("--set", f"image={IMAGES['guestbook-next']}").expect(0, "5 checks passed")
    app.plan_is_empty("--set", f"image={IMAGES['guestbook-next']}")


def test_who_only_scales_meanwhile_disturbs_no_deploy(app):
    """As an autoscaler does, whether the Score says how many or not."""
    app.deploy()
    for args in ([], ["--set", "replicas=1"]):
        wanted = "guestbook-next" if not args else "guestbook"
        code, text = while_it_is_deployed(app, wanted, lambda: app.run("scale", "deployment/guestbook", "--replicas=3"), *args)
        assert code == 0 and "5 checks passed" in text, text
        assert app.json("get", "deployment/guestbook")["spec"]["replicas"] == 3


def test_what_others_have_set_that_does_not_go_with_the_score(app):
    """An apply leaves the fields of others where they are; with these no object is valid, though the Score is."""
    app.deploy()
    service = '[{"op":"replace","path":"/spec/ports/0/port","value":81}]'
    app.run("set", "env", "deployment/guestbook", "DATABASE_URL=postgres://elsewhere")
    app.run("patch", "service/guestbook", "--type=json", "-p", service)
    for verb in (["plan"], ["deploy", "--yes"]):
        app.harmony(*verb).expect(5, r"error\[H0475\]: what others have set on `deployment.apps/guestbook` does not go with its Score",
                                  "valueFrom: may not be specified", "others: kubectl-set", "--allow-replace")
    app.deploy("--allow-replace").expect(0, "2 replaced", "5 checks passed")
    app.plan_is_empty()


def test_what_is_scaled_to_none_by_hand(app):
    """Where no Score says how many there are to be, a deploy would leave it there."""
    app.deploy()
    app.run("scale", "deployment/guestbook", "--replicas=0")
    for verb in (["plan"], ["deploy", "--yes"], ["plan", "--set", f"image={IMAGES['guestbook-next']}"]):
        app.harmony(*verb).expect(5, r"error\[H0476\]: `deployment.apps/guestbook` is scaled to none", f"kubectl scale deployment.apps/guestbook -n {app.name} --replicas=1")
    app.deploy("--set", "replicas=1").expect(0, "scales 0 -> 1", "5 checks passed")
    code, text = while_it_is_deployed(app, "guestbook-next", lambda: app.run("scale", "deployment/guestbook", "--replicas=0"))
    assert code == 5 and "error[H0476]" in text, text


def test_pods_that_are_kept_back_by_hand(app):
    """A canary of somebody else's would end a deploy with the old pods at work."""
    app.deploy()
    app.run("create", "secret", "docker-registry", "registry", "--docker-server=registry.example", "--docker-username=deploy", "--docker-password=none")
    for strategy, args in (('{"rollingUpdate":{"partition":1}}', ["--pull-secret", "registry"]), ('{"type":"OnDelete","rollingUpdate":null}', [])):
        app.run("patch", "statefulset/guestbook-nats", "-p", '{"spec":{"updateStrategy":%s}}' % strategy)
        before = app.json("get", "pod/guestbook-nats-0")["metadata"]["uid"]
        app.deploy(*args).expect(0, "5 checks passed")
        assert app.json("get", "pod/guestbook-nats-0")["metadata"]["uid"] != before, "an old pod is at work"
        app.plan_is_empty(*args)
    app.run("patch", "statefulset/guestbook-nats", "-p", '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":1}}}}')
    app.harmony("plan").expect(0, "because `kubectl-patch` has changed `spec.updateStrategy.rollingUpdate.partition`")


def test_a_configuration_that_pods_were_started_with(app):
    """To put it back does not reach a server that has read it."""
    app.deploy()
    started = {name: app.json("get", f"pod/{name}")["metadata"]["uid"] for name in ("guestbook-db-0", "guestbook-nats-0")}
    configuration = app.json("get", "configmap/guestbook-db-configuration")["data"]["postgresql.conf"]
    app.run("patch", "configmap/guestbook-db-configuration", "-p", json.dumps({"data": {"postgresql.conf": configuration + "fsync = off\n"}}))
    app.run("delete", "pod/guestbook-db-0")
    plan = app.harmony("plan").expect(0, "guestbook-db .*interrupts service: restarts 1 pod", "its pods may have been started with what others had set").text
    assert "guestbook-nats" not in plan, plan
    wait_for("the pod to be another one", lambda: app.json("get", "pods", "-l", "app.kubernetes.io/name=guestbook-db")["items"][-1:] and app.json("get", "pod/guestbook-db-0")["metadata"]["uid"] != started["guestbook-db-0"])
    wrong = app.json("get", "pod/guestbook-db-0")["metadata"]["uid"]
    app.deploy().expect(0, "5 checks passed")
    assert app.json("get", "pod/guestbook-db-0")["metadata"]["uid"] != wrong, "the server goes on with what others had set"
    assert app.json("get", "pod/guestbook-nats-0")["metadata"]["uid"] == started["guestbook-nats-0"], "a bystander was restarted"
    app.plan_is_empty()
    right = app.json("get", "pod/guestbook-db-0")["metadata"]["uid"]
    app.deploy().expect(0, "No changes")
    assert app.json("get", "pod/guestbook-db-0")["metadata"]["uid"] == right


def test_an_environment_that_pods_were_started_with(app):
    """A deploy that was killed between the two writes leaves it to the next one."""
    app.deploy()
    nowhere = base64.b64encode(b"nats://u:p@nowhere:4222").decode()
    app.run("patch", "secret/guestbook-environment", "-p", json.dumps({"data": {"NATS_URL": nowhere}}))
    app.run("delete", "pod", "-l", "app.kubernetes.io/name=guestbook")
    app.harmony("plan").expect(0, "rolling restart of 1 pod", "its pods may have been started with what others had set")
    started = app.start("deploy", "--yes")
    wait_for("the environment to be put back", lambda: app.json("get", "secret/guestbook-environment")["data"]["NATS_URL"] != nowhere, limit=60)
    started.kill()
    started.wait(timeout=60)
    app.deploy().expect(0, "5 checks passed")
    app.plan_is_empty()


def test_status_tells_what_moved(app):
    app.deploy()
    app.run("set", "image", "deployment/guestbook", f"guestbook={IMAGES['guestbook-next']}")
    app.run("rollout", "status", "deployment/guestbook", "--timeout=60s")
    app.harmony("status").expect(0, r'workload +guestbook +ok .*; `kubectl-set` has changed `spec.template.spec.containers\[name="guestbook"\].image` since the last deploy')
    app.deploy().expect(0, "1 changed", "5 checks passed")
    assert "has changed" not in app.harmony("status").expect(0, "6 of 6 ok").text


def test_an_image_that_is_set_on_a_pod(app):
    """Its controller counts it as its own."""
    app.deploy()
    pod = app.json("get", "pods", "-l", "app.kubernetes.io/name=guestbook")["items"][0]["metadata"]["name"]
    app.run("set", "image", f"pod/{pod}", f"guestbook={IMAGES['guestbook-next']}")
    said = f"pod `{pod}` runs `{IMAGES['guestbook-next']}`, which `kubectl-set` has set"
    app.harmony("plan").expect(0, "warning: deployment.apps/guestbook: " + said)
    app.harmony("deploy", "--yes").expect(3, r"error\[H0265\]", "reason: deployment.apps/guestbook: " + said, "kubectl delete pod")
    app.harmony("deploy", "--yes", "--set", "replicas=1").expect(1, r"error\[H0477\]: " + said, f"kubectl delete pod {pod} -n {app.name}")
    app.harmony("status").expect(0, f"degraded +{said}")
    app.run("delete", f"pod/{pod}")
    app.deploy("--set", "replicas=1").expect(0, "5 checks passed")


def test_a_pod_of_somebody_else_with_our_labels(app):
    """Requests from outside would reach it, too."""
    app.deploy()
    app.run("run", "stranger", f"--image={IMAGES['busybox']}", "--image-pull-policy=Never",
            f"--labels=app.kubernetes.io/name=guestbook,harmony.dev/deployment=guestbook", "--command", "--", "sleep", "1000")
    app.run("wait", "--for=condition=Ready", "pod/stranger", "--timeout=60s")
    leads = "service/guestbook.* leads to pod `stranger`, which no workload controls"
    app.harmony("plan").expect(0, f"warning: {leads}", "No changes")
    app.harmony("status").expect(0, leads)
    app.harmony("deploy", "--yes").expect(3, r"error\[H0265\]", leads)
    app.harmony("deploy", "--yes", "--set", f"image={IMAGES['guestbook-next']}").expect(1, r"error\[H0478\]", "kubectl delete pod stranger")
    app.run("delete", "pod/stranger", "--now")
    app.harmony("deploy", "--yes", "--set", f"image={IMAGES['guestbook-next']}").expect(0, "5 checks passed")


def test_pods_whose_workload_is_gone_find_their_new_one(app):
    """Until its controller has looked at them they are nobody's."""
    app.deploy()
    app.run("delete", "statefulset/guestbook-nats", "--cascade=orphan")
    app.deploy().expect(0, "5 checks passed")


def test_a_service_that_leads_elsewhere(app):
    """The pods work, and who asks the Service does not reach them."""
    app.deploy()
    app.run("patch", "service/guestbook", "-p", '{"spec":{"type":"ExternalName","externalName":"example.com"}}')
    app.harmony("plan").expect(0, "has changed `spec.type`", "1 to change")
    app.deploy().expect(0, "5 checks passed")
    app.apply({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
               "metadata": {"name": "by-hand", "labels": {"kubernetes.io/service-name": "guestbook"}},
               "endpoints": [{"addresses": ["203.0.113.9"]}], "ports": [{"name": "http", "port": 9, "protocol": "TCP"}]})
    leads = "service/guestbook.* leads to 203.0.113.9, which is no pod, by EndpointSlice `by-hand`"
    app.harmony("plan").expect(0, f"warning: {leads}")
    app.harmony("deploy", "--yes").expect(3, r"error\[H0265\]", leads)
    app.run("delete", "endpointslice/by-hand")
    headless = app.json("get", "service/guestbook")
    for field in ("uid", "resourceVersion", "creationTimestamp"):
        headless["metadata"].pop(field)
    for field in ("clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        headless["spec"].pop(field)
    headless["spec"]["clusterIP"] = "None"
    app.run("replace", "--force", "-f", "-", stdin=json.dumps(headless))
    app.harmony("plan").expect(5, r"error\[H0462\]", "spec.clusterIP", "--allow-replace")
    app.harmony("deploy", "--yes", "--allow-replace").expect(0, "5 checks passed")
    assert app.json("get", "service/guestbook")["spec"]["clusterIP"] != "None"
    app.plan_is_empty()


def test_a_service_that_is_changed_during_the_smoke_test(app):
    app.deploy()
    deploy = app.start("deploy", "--yes", "--set", f"image={IMAGES['guestbook-next']}")
    read_until(deploy, "smoke test GuestbookWorks: started")
    deploy.send_signal(signal.SIGSTOP)
    app.run("patch", "service/guestbook", "--type=json", "-p", '[{"op":"replace","path":"/spec/ports/0/targetPort","value":9}]')
    deploy.send_signal(signal.SIGCONT)
    text, _ = deploy.communicate(timeout=60)
    assert deploy.returncode == 3 and "H0265" in text and "`service/guestbook` was changed by somebody else" in text, text
    app.harmony("deploy", "--yes", "--set", f"image={IMAGES['guestbook-next']}").expect(0, "5 checks passed")


def test_a_server_of_the_deployment_that_is_led_elsewhere(app):
    """No request of the smoke test need meet it: connections that stand go on."""
    app.deploy()
    for name, port in (("guestbook-db", "postgresql"), ("guestbook-nats", "nats")):
        app.apply({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                   "metadata": {"name": "by-hand", "labels": {"kubernetes.io/service-name": name}},
                   "endpoints": [{"addresses": ["203.0.113.9"]}], "ports": [{"name": port, "port": 9, "protocol": "TCP"}]})
        for verb in (["deploy", "--yes"], ["smoke-test"]):
            app.harmony(*verb).expect(3, rf"error\[H0265\]: `service/{name}` does not work as it was deployed", "leads to 203.0.113.9, which is no pod",
                                      "kubectl delete endpointslice by-hand")
        app.run("delete", "endpointslice/by-hand")
        app.deploy().expect(0, "5 checks passed")


def test_a_second_server_on_the_same_data(app):
    """Both would write to it."""
    app.deploy()
    for name in ("guestbook-db", "guestbook-nats"):
        first = app.json("get", f"pod/{name}-0")
        repelled = first["spec"]["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][0]["labelSelector"]["matchLabels"]
        assert repelled == {"app.kubernetes.io/name": name, "harmony.dev/deployment": "guestbook"}, repelled  # pods of others are welcome
        app.run("scale", f"statefulset/{name}", "--replicas=2")
        app.run("wait", "--for=jsonpath={.status.conditions[0].reason}=Unschedulable", f"pod/{name}-1", "--timeout=60s")
        app.deploy().expect(0, "scales 2 -> 1", "5 checks passed")
        after = app.json("get", f"pod/{name}-0")
        assert after["metadata"]["uid"] == first["metadata"]["uid"] and after["status"]["containerStatuses"][0]["restartCount"] == 0
        app.plan_is_empty()


def test_what_others_have_added_to_pods_that_do_not_work(app):
    """An apply leaves it there, and it may be the cause."""
    app.deploy()
    app.run("set", "env", "deployment/guestbook", "PGOPTIONS=-csearch_path=nowhere")
    app.harmony("deploy", "--yes").expect(3, r"error\[H0265\]: `deployment.apps/guestbook` does not work as it was deployed",
                                          r"others: `kubectl-set` has set `containers\[name=\"guestbook\"\].env\[name=\"PGOPTIONS\"\]`")
    app.run("set", "env", "deployment/guestbook", "PGOPTIONS-")
    app.deploy().expect(0, "5 checks passed")


def test_a_lock_waits_for_no_server(app):
    """Which only the deploy that asks for it can bring up."""
    app.deploy()
    app.run("delete", "persistentvolumeclaim/guestbook-db-data", "--wait=false")
    app.run("delete", "pod/guestbook-db-0", "--now")
    text = app.deploy().expect(0, "its data is lost, or somewhere else", "5 checks passed",
                               "warning +persistentvolumeclaim/guestbook-db-data was gone, and is made anew: what was in it is lost").text
    assert "taking the lock: waiting" not in text, text
    app.plan_is_empty()


def test_a_container_that_has_a_port_of_the_same_name(app):
    """A Service leads to the first one."""
    app.deploy()
    other = {"name": "aaa", "image": IMAGES["busybox"], "imagePullPolicy": "Never", "command": ["sleep", "1000"], "ports": [{"name": "http", "containerPort": 9090}],
             "securityContext": {"runAsUser": 65534}}
    app.run("patch", "deployment/guestbook", "--type=json", "-p", json.dumps([{"op": "add", "path": "/spec/template/spec/containers/0", "value": other}]))
    app.run("rollout", "status", "deployment/guestbook", "--timeout=60s")
    app.harmony("deploy", "--yes").expect(3, r"error\[H0265\]", "leads to the port `http` of container `aaa` of pod `.*`, not to that of `guestbook`")


def test_a_workload_that_somebody_has_paused(app):
    app.deploy()
    app.run("rollout", "pause", "deployment/guestbook")
    refused = app.harmony("plan").expect(5, r"error\[H0476\].*paused", "^help: ")
    app.harmony("deploy", "--yes", "--set", f"image={IMAGES['guestbook-next']}").expect(5, r"error\[H0476\]")
    assert f"kubectl rollout resume deployment.apps/guestbook -n {app.name}" in refused.text, refused.text
    app.run("rollout", "resume", "deployment.apps/guestbook")
    app.deploy().expect(0, "5 checks passed")


def test_a_claim_that_is_another_one(app):
    """It has the name and the marks of the one before, and nothing of its data."""
    app.deploy()
    claim = app.json("get", "persistentvolumeclaim/guestbook-db-data")
    app.run("scale", "statefulset/guestbook-db", "--replicas=0")
    app.run("wait", "--for=delete", "pod/guestbook-db-0", "--timeout=60s")
    for field in ("uid", "resourceVersion", "creationTimestamp"):
        claim["metadata"].pop(field)
    claim["metadata"]["annotations"] = {key: value for key, value in claim["metadata"]["annotations"].items() if key.startswith("harmony.dev/")}
    claim["spec"].pop("volumeName")
    claim.pop("status")
    app.run("replace", "--force", "-f", "-", stdin=json.dumps(claim))
    told = "warning: persistentvolumeclaim/guestbook-db-data is another one than was deployed"
    app.harmony("plan").expect(0, told)
    app.harmony("deploy", "--yes").expect(0, told, "5 checks passed")
    app.plan_is_empty()


def test_a_finalizer_of_somebody_else(app):
    """What was told to go cannot be called back, and is not gone before whoever holds it lets go."""
    hold = "hold.example/test"
    app.deploy()
    app.run("patch", "service/guestbook", "-p", f'{{"metadata":{{"finalizers":["{hold}"]}}}}')
    destroy = app.start("destroy", "--yes")
    lines = read_until(destroy, f"held by finalizer {hold}")
    destroy.send_signal(signal.SIGTERM)
    text = lines + destroy.stdout.read()
    assert destroy.wait(timeout=60) == 143 and "nothing was taken down before the stop; route guestbook may have been told to go" in text, text
    # What others have made of it until then is nobody's word about the one that comes.
    app.run("patch", "service/guestbook", "--type=json", "-p", '[{"op":"replace","path":"/spec/ports/0/targetPort","value":9}]')
    app.harmony("plan").expect(0, f"warning: service/guestbook is being deleted, held by .*{hold}: it is waited for until it is gone, and made anew", "1 to create")
    deploy = app.start("deploy", "--yes")
    lines = read_until(deploy, "`service/guestbook` still ends")
    app.run("patch", "service/guestbook", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    text = lines + deploy.stdout.read()
    assert deploy.wait(timeout=120) == 0 and "5 checks passed" in text, text


def test_a_quota_that_only_the_second_object_exceeds(app):
    """Each dry run alone is within it."""
    app.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"}, "spec": {"hard": {"requests.storage": "1Gi"}}})
    wait_for("the quota to count", lambda: app.json("get", "resourcequota/small").get("status", {}).get("hard"))
    app.harmony("plan").expect(0)
    app.harmony("deploy", "--yes").expect(1, r"error\[H0458\]", "quota: small", "requests.storage=1Gi")
    app.run("delete", "resourcequota/small")
    app.deploy().expect(0, "5 checks passed")


if __name__ == "__main__":
    guestbook.main(globals())
