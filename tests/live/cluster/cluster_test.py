#!/usr/bin/env python3
"""The cluster is a real one: pods, probes, names, volumes, logs, and a log of every request."""
import json
import os
import sys

import cluster
from harness import wait_for

IMAGES = {}


def pod(container, labels, volumes=()):
    """A pod template of one container that may do nothing special."""
    confined = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}}
    return {"metadata": {"labels": labels},
            "spec": {"terminationGracePeriodSeconds": 5, "volumes": list(volumes), "securityContext": {"runAsNonRoot": True},
                     "containers": [{"imagePullPolicy": "IfNotPresent", "securityContext": confined, **container}]}}


def deployment(name, container, replicas=1):
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": pod(container, {"app": name})}}


def service(name, port, target):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": {"app": name}, "ports": [{"port": port, "targetPort": target}]}}


def database():
    container = {"name": "postgresql", "image": IMAGES["postgresql"], "env": [{"name": "POSTGRES_PASSWORD", "value": "secret"}],
                 "ports": [{"containerPort": 5432}], "volumeMounts": [{"name": "data", "mountPath": "/var/lib/postgresql/data"}],
                 "readinessProbe": {"exec": {"command": ["pg_isready", "--host=127.0.0.1"]}, "periodSeconds": 1}}
    template = pod(container, {"app": "database"})
    template["spec"]["securityContext"]["fsGroup"] = 999
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "100Mi"}}}}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "database"},
            "spec": {"serviceName": "database", "replicas": 1, "selector": {"matchLabels": {"app": "database"}},
                     "template": template, "volumeClaimTemplates": [claim]}}


def broker():
    return deployment("broker", {"name": "nats", "image": IMAGES["nats"], "args": ["--jetstream", "--store_dir=/tmp/nats"],
                                 "ports": [{"containerPort": 4222}], "readinessProbe": {"tcpSocket": {"port": 4222}, "periodSeconds": 1}})


def guestbook(image="guestbook"):
    return deployment("guestbook", {
        "name": "guestbookd", "image": IMAGES[image], "ports": [{"containerPort": 8080}],
        "env": [{"name": "DATABASE_URL", "value": "postgresql://postgres:secret@database:5432/postgres"},
                {"name": "NATS_URL", "value": "nats://broker:4222"}],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080}, "periodSeconds": 1},
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}}}, replicas=2)


def test_the_guestbook_runs_on_two_pods(namespace):
    namespace.apply(service("database", 5432, 5432), service("broker", 4222, 4222), service("guestbook", 80, 8080),
                    database(), broker(), guestbook())
    namespace.wait_ready("statefulset/database")
    namespace.wait_ready("deployment/guestbook")
    pods = namespace.json("get", "pods", "-l", "app=guestbook")["items"]
    assert len(pods) == 2 and len({pod["status"]["podIP"] for pod in pods}) == 2, pods
    assert json.loads(namespace.raw("services/guestbook:80/proxy/version")) == {"name": "guestbookd", "version": "1.4.0"}
    assert json.loads(namespace.raw("services/guestbook:80/proxy/entries")) == []
    assert namespace.json("get", "pvc", "data-database-0")["status"]["phase"] == "Bound"
    for pod in pods:
        log = namespace.run("logs", pod["metadata"]["name"])
        assert "listening" in log, log

    namespace.apply(guestbook("guestbook-next"))
    namespace.wait_ready("deployment/guestbook")
    assert json.loads(namespace.raw("services/guestbook:80/proxy/version"))["version"] == "1.5.0"


def test_readiness_is_what_the_probe_says(namespace):
    namespace.apply(guestbook(), service("guestbook", 80, 8080))  # there is no database
    def reason():
        events = namespace.json("get", "events", "--field-selector", "reason=Unhealthy")["items"]
        return [event for event in events if "503" in event["message"]]
    wait_for("a probe that fails with the server's answer", reason, 120)
    assert not namespace.json("get", "deployment", "guestbook")["status"].get("readyReplicas")


def shell(namespace, name, script, **more):
    """Runs the script in a pod until it has succeeded, and returns what it wrote."""
    container = {"name": "shell", "image": IMAGES["busybox"], "command": ["sh", "-euc", script], **more.pop("container", {})}
    template = pod(container, {"app": name}, **more)
    template["spec"]["restartPolicy"] = "OnFailure"
    namespace.apply({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"template": template}})
    try:
        namespace.run("wait", "--for=condition=Complete", f"job/{name}", "--timeout=120s", timeout=150)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{namespace.run('get', 'pods,events')}\n{namespace.run('logs', f'job/{name}')}") from None
    return namespace.run("logs", f"job/{name}")


def test_a_pod_resolves_and_reaches_a_service(namespace):
    namespace.apply(broker(), service("broker", 4222, 4222))
    namespace.wait_ready("deployment/broker")
    address = namespace.json("get", "service", "broker")["spec"]["clusterIP"]
    output = shell(namespace, "resolve", f"nslookup broker.{namespace.name}.svc.cluster.local; nc broker 4222 < /dev/null | head -n 1")
    assert f"Address: {address}" in output, output
    assert "INFO {" in output, output


def test_a_pod_reaches_the_api_server(namespace):
    output = shell(namespace, "call", "wget -q -O - --no-check-certificate https://kubernetes.default.svc/version")
    assert '"gitVersion"' in output, output


def test_a_claim_is_bound_and_outlives_its_pod(namespace):
    namespace.apply({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
                     "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}})
    mounted = {"container": {"volumeMounts": [{"name": "data", "mountPath": "/data"}]},
               "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}
    shell(namespace, "write", "echo kept > /data/file", **mounted)
    assert shell(namespace, "read", "cat /data/file", **mounted) == "kept\n"
    claim = namespace.json("get", "pvc", "data")
    assert claim["status"]["phase"] == "Bound"
    volume = namespace.json("get", "pv", claim["spec"]["volumeName"])
    namespace.run("delete", "job", "write", "read")
    namespace.run("delete", "pvc", "data")
    wait_for("the volume to be deleted", lambda: not namespace.json(
        "get", "pv", "--field-selector", f"metadata.name={volume['metadata']['name']}")["items"], 60)
    if cluster.IS_OURS:
        assert not os.path.exists(volume["spec"]["local"]["path"])


def test_an_image_that_does_not_exist_says_so(namespace):
    namespace.apply(deployment("missing", {"name": "missing", "image": "localhost/harmony/missing:1"}))
    def waiting():
        pods = namespace.json("get", "pods")["items"]
        states = [status["state"].get("waiting", {}).get("reason") for pod in pods for status in pod["status"].get("containerStatuses", [])]
        return set(states) & {"ErrImagePull", "ImagePullBackOff"}
    wait_for("ErrImagePull", waiting, 60)


def test_a_command_runs_in_a_pod(namespace):
    namespace.apply(broker())
    namespace.wait_ready("deployment/broker")
    assert "nats-server" in namespace.run("exec", "deployment/broker", "--", "nats-server", "--version")


def test_every_request_is_in_the_audit_log(namespace):
    if not cluster.IS_OURS:
        return  # the log of another cluster is not ours to read
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "1"}}
    namespace.apply(settings, options=["--dry-run=server"])
    namespace.apply(settings)
    def writes():
        found = cluster.audited(lambda entry: entry["verb"] == "patch" and entry["objectRef"].get("namespace") == namespace.name)
        return found if len(found) >= 2 else None
    rehearsed, done = wait_for("two entries", writes)
    assert "dryRun=All" in rehearsed["requestURI"] and "dryRun" not in done["requestURI"], (rehearsed, done)
    assert done["user"]["username"] == "admin" and done["objectRef"]["name"] == "settings", done


if __name__ == "__main__":
    cluster.need_cluster()
    IMAGES.update(cluster.images())
    cluster.run(globals())
