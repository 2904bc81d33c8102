"""What the tests with a Kubernetes cluster share. Python's standard library only."""
import contextlib
import json
import os
import shutil
import subprocess
import sys
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness

REPOSITORY = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
FOLDER = os.environ.get("HARMONY_CLUSTER_FOLDER", "/var/lib/harmony-dev/cluster")
OWN_KUBECONFIG = os.path.join(FOLDER, "kubeconfig")
# `./dev test --kubeconfig FILE` names a cluster that somebody already has.
KUBECONFIG = os.environ.get("HARMONY_TEST_KUBECONFIG", OWN_KUBECONFIG)
IS_OURS = KUBECONFIG == OWN_KUBECONFIG
SKIPPED = 77


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def need_root():
    if os.geteuid() != 0:
        skip("a cluster needs root: it makes namespaces, mounts and control groups")
    if subprocess.run(["unshare", "--mount", "--pid", "--net", "--fork", "true"], capture_output=True, check=False).returncode:
        skip("a cluster needs namespaces of its own, which root may not make here")


def need_cluster():
    if IS_OURS:
        need_root()
        if not os.path.exists(OWN_KUBECONFIG):
            # Named by `./dev test`, which has tried to start it.
            assert "HARMONY_TEST_KUBECONFIG" not in os.environ, "the cluster did not start"
            skip("no cluster runs: ./dev cluster up")
    elif not shutil.which(kubectl()):
        skip("with a cluster of your own, kubectl has to be on PATH")


def kubectl():
    return os.path.join(FOLDER, "kubectl") if IS_OURS else "kubectl"


def images():
    """Names of the images that were built, by key: guestbook, guestbook-next, postgresql, nats, busybox."""
    path = os.environ.get("HARMONY_TEST_IMAGES", os.path.join(FOLDER, "images.json"))
    if not os.path.exists(path):
        skip("the images of the tests are not built: `./dev cluster images` as root, and HARMONY_TEST_IMAGES names its images.json")
    with open(path, encoding="utf-8") as file:
        return {key: image["name"] for key, image in json.load(file).items()}


def audited(condition):
    """The audit log's entries, the witness of every request, for which the condition holds."""
    with open(os.path.join(FOLDER, "audit.log"), encoding="utf-8") as lines:
        # The last line may be half written.
        return [entry for entry in (json.loads(line) for line in lines if line.endswith("\n")) if condition(entry)]


class Namespace:
    """A namespace of a test's own, and kubectl in it."""

    def __init__(self):
        self.name = f"test-{uuid.uuid4().hex[:8]}"
        self.run("create", "namespace", self.name)

    def run(self, *arguments, stdin=None, timeout=120, code=0):
        cache = ["--cache-dir", os.path.join(FOLDER, "home")] if IS_OURS else []
        done = subprocess.run([kubectl(), "--kubeconfig", KUBECONFIG, *cache, "--namespace", self.name, *arguments], input=stdin,
                              stdin=subprocess.DEVNULL if stdin is None else None, capture_output=True, text=True, timeout=timeout)
        assert done.returncode == code, f"kubectl {' '.join(arguments)}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def json(self, *arguments):
        return json.loads(self.run(*arguments, "-o", "json"))

    def apply(self, *objects, options=()):
        return self.run("apply", "--server-side", *options, "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))

    def wait_ready(self, what, limit=180):
        """As soon as every replica of the newest version is ready; otherwise says what the cluster knows."""
        try:
            self.run("rollout", "status", what, f"--timeout={limit}s", timeout=limit + 30)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.run('get', 'all,pvc,events', '-o', 'wide')}") from None

    def raw(self, path):
        return self.run("get", "--raw", f"/api/v1/namespaces/{self.name}/{path}")

    def explain(self):
        """What the cluster knows, printed when a test has failed."""
        for what in (["get", "pods", "-o", "wide"], ["get", "events", "--sort-by=.lastTimestamp"]):
            with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
                print("\n".join(self.run(*what).splitlines()[-25:]), flush=True)

    def close(self):
        with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
            self.run("delete", "namespace", self.name, "--wait=false")


def run(tests):
    harness.run(tests, Namespace, [word for word in sys.argv[1:] if os.sep not in word])
