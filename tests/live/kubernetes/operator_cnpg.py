"""The operator CloudNativePG in the test cluster: deployed by what its own module says, and taken away with its kinds."""
import contextlib
import json
import os
import subprocess
import tempfile

import cluster
import harness

SPACE = "cnpg-system"
DEPLOYMENT = "deployment/cnpg-controller-manager"


def kubectl(*arguments, stdin=None, timeout=180, check=True):
    done = subprocess.run([cluster.kubectl(), "--kubeconfig", cluster.KUBECONFIG, "--cache-dir", os.path.join(cluster.FOLDER, "home"), *arguments],
                          input=stdin, stdin=subprocess.DEVNULL if stdin is None else None, capture_output=True, text=True, timeout=timeout)
    assert not check or done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout


def objects(image):
    """As its makers compose them, but for the image, which nobody pulls, and a limit that makes it slow."""
    config = os.path.realpath(os.path.join(cluster.FOLDER, "programs", "cloudnative-pg", "config"))
    name, tag = image.rsplit(":", 1)
    patch = [{"op": "replace", "path": "/spec/template/spec/containers/0/imagePullPolicy", "value": "Never"},
             {"op": "remove", "path": "/spec/template/spec/containers/0/resources"}]
    with tempfile.TemporaryDirectory(prefix="harmony-test-") as folder:
        with open(os.path.join(folder, "kustomization.yaml"), "w", encoding="utf-8") as file:
            json.dump({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
                       "resources": [os.path.relpath(os.path.join(config, "default"), os.path.realpath(folder))],
                       "images": [{"name": "controller", "newName": name, "newTag": tag}],
                       "patches": [{"target": {"kind": "Deployment"}, "patch": json.dumps(patch)}]}, file)
        return kubectl("kustomize", folder)


@contextlib.contextmanager
def operator(image):
    """With it in the cluster, and nothing of it afterwards: with their definitions all objects of its kinds go."""
    try:
        start(image)
        yield
    finally:
        kubectl("delete", "--ignore-not-found", "--wait=true", "-f", "-", stdin=objects(image), check=False)


def is_answering():
    """Its webhooks take a dry run: the API server calls them, and trusts their certificate."""
    probe = {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": {"name": "probe", "namespace": SPACE},
             "spec": {"instances": 1, "storage": {"size": "1Gi"}}}
    return "created" in kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(probe), check=False)


def start(image):
    """It runs, and its webhooks answer."""
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=objects(image))
    kubectl("-n", SPACE, "rollout", "status", DEPLOYMENT, "--timeout=120s")
    harness.wait_for("the operator's webhooks to answer", is_answering, limit=60)


def stop():
    """Its webhooks stay registered, and nobody answers them."""
    kubectl("-n", SPACE, "scale", DEPLOYMENT, "--replicas=0")
    kubectl("-n", SPACE, "wait", "--for=delete", "pod", "-l", "app.kubernetes.io/name=cloudnative-pg", "--timeout=60s")


def without_webhooks():
    """As some install it: nobody looks at a Cluster before it is stored."""
    kubectl("delete", "mutatingwebhookconfiguration/cnpg-mutating-webhook-configuration",
            "validatingwebhookconfiguration/cnpg-validating-webhook-configuration")
