"""What the tests of the guestbook in a cluster share: a deployment in a namespace of its own."""
import base64
import contextlib
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "cluster"))
import cluster
import harness

IMAGES = {}
WRITES = {"create", "update", "patch", "delete", "deletecollection"}
# Of one namespace.
EVERYTHING = {"apiGroups": ["", "apps", "coordination.k8s.io", "discovery.k8s.io", "networking.k8s.io"], "resources": ["*"], "verbs": ["*"]}


class Guestbook(cluster.Namespace):
    """A namespace, and the deploy binary pointed at it."""

    def __init__(self, binary):
        super().__init__()
        self.binary = os.path.abspath(binary)
        self.home = tempfile.mkdtemp(prefix="harmony-test-")
        self.kubeconfig = cluster.KUBECONFIG
        # Whatever operator another test has deployed meanwhile; None: as the cluster has it.
        self.postgresql = "statefulset"
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("HARMONY_", "XDG_", "KUBE"))}
        self.environment.update(NO_COLOR="1", HOME=self.home)

    def where(self):
        return ["--kubeconfig", self.kubeconfig, "--namespace", self.name]

    def arguments(self, verb, *args):
        """With the images of this cluster, unless the test names another."""
        images = []
        for key in ("postgresql", "nats"):
            images += [] if f"--{key}-image" in args else [f"--{key}-image", IMAGES[key]]
        given = [word for word in args if word.startswith("image=")]
        if verb in ("plan", "deploy", "smoke-test", "graph"):
            images += [] if given else ["--set", f"image={IMAGES['guestbook']}"]
        if self.postgresql and "--postgresql" not in args:
            images += ["--postgresql", self.postgresql]
        return [self.binary, verb, *args, *self.where(), *(images if verb in ("plan", "deploy", "smoke-test") else [])]

    def harmony(self, *args, timeout=240, env=None):
        return self.result(self.arguments(*args), timeout, env)

    def result(self, command, timeout=240, env=None):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout,
                              env={**self.environment, **(env or {})})
        return harness.Result(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))

    def start(self, *args, env=None):
        return subprocess.Popen(self.arguments(*args), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                env={**self.environment, **(env or {})}, text=True)

    @contextlib.contextmanager
    def through(self, relay):
        """Everything goes through this relay of plain HTTP."""
        with relay:
            self.kubeconfig = kubeconfig(server=f"http://127.0.0.1:{relay.port}")
            try:
                yield relay
            finally:
                os.unlink(self.kubeconfig)
                self.kubeconfig = cluster.KUBECONFIG

    def deploy(self, *args, code=0):
        return self.harmony("deploy", "--yes", *args).expect(code)

    def plan_is_empty(self, *args):
        result = self.harmony("plan", "--detailed-exitcode", *args)
        assert result.code == 0, f"the plan is not empty:\n{result.text}"

    def objects(self):
        """Everything that the namespace has of the kinds a deployment makes, by kind and name, as far as it is wanted."""
        kinds = "configmap,secret,persistentvolumeclaim,service,statefulset,deployment,ingress,lease"
        found = {}
        for one in self.json("get", kinds)["items"]:
            name = f"{one['kind'].lower()}/{one['metadata']['name']}"
            if name != "configmap/kube-root-ca.crt":
                found[name] = one
        return found

    def close(self):
        super().close()
        with contextlib.suppress(OSError):
            os.rmdir(self.home)


def database(app, verb, *args, code=0):
    """The deploy of one database, with one setting."""
    binary = os.path.join(os.path.dirname(app.binary), "../../../tests/live/kubernetes/database-app")
    if verb in ("plan", "deploy"):
        args += ("--postgresql-image", IMAGES["postgresql"], *(("--postgresql", app.postgresql) if app.postgresql else ()))
    return app.result([binary, verb, *args, *app.where()]).expect(code)


def _view(*options):
    """The test cluster's own kubeconfig, as kubectl reads it."""
    return subprocess.run([cluster.kubectl(), "--kubeconfig", cluster.KUBECONFIG, "config", "view", "--raw", "-o", *options],
                          capture_output=True, text=True, check=True).stdout


def kubeconfig(user=None, **changes):
    """A file like the cluster's own, with other credentials, or with other fields of the cluster."""
    whole = json.loads(_view("json"))
    if user:
        whole["users"][0]["user"] = user
    whole["clusters"][0]["cluster"].update(changes)
    handle, path = tempfile.mkstemp(prefix="harmony-test-", suffix=".json")
    with os.fdopen(handle, "w") as file:
        json.dump(whole, file)
    return path


def account(app, *rules):
    """A kubeconfig of a service account that may do only this."""
    app.run("create", "serviceaccount", "deployer")
    app.apply({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "deployer"}, "rules": list(rules)},
              {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "deployer"},
               "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "deployer"},
               "subjects": [{"kind": "ServiceAccount", "name": "deployer", "namespace": app.name}]})
    return kubeconfig(user={"token": app.run("create", "token", "deployer").strip()})


def api_server():
    """Host and port of the API server."""
    found = re.match(r"https://([^:/]+)(?::(\d+))?", _view("jsonpath={.clusters[0].cluster.server}"))
    return found.group(1), int(found.group(2) or 443)


def client_context():
    """TLS as the test cluster's own kubeconfig has it: its certificate authority, and the certificate of its user."""
    whole = json.loads(_view("json"))
    user = whole["users"][0]["user"]
    authority = base64.b64decode(whole["clusters"][0]["cluster"]["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    with tempfile.NamedTemporaryFile(prefix="harmony-test-", suffix=".pem") as file:  # mode 0600
        file.write(base64.b64decode(user["client-certificate-data"]) + b"\n" + base64.b64decode(user["client-key-data"]))
        file.flush()
        context.load_cert_chain(file.name)
    return context


def writes_to(namespace):
    """Requests that changed something, as the server's own log has them."""
    def is_write(entry):
        return (entry["verb"] in WRITES and "dryRun=All" not in entry["requestURI"]
                and entry.get("userAgent", "").startswith("harmony")
                and (entry.get("objectRef", {}).get("namespace") == namespace or entry.get("objectRef", {}).get("name") == namespace))
    return [f"{entry['verb']} {entry['requestURI']}" for entry in cluster.audited(is_write)]


def read_until(started, words):
    """What a deploy says, up to the line with these words."""
    lines = []
    for line in started.stdout:
        lines.append(line)
        if words in line:
            return "".join(lines)
    raise AssertionError(f"it ended without saying {words!r}:\n" + "".join(lines))


def main(tests):
    """usage: …_test.py BINARY [WORD]... (the words choose tests by substring)"""
    cluster.need_cluster()
    IMAGES.update(cluster.images())
    harness.run(tests, lambda: Guestbook(sys.argv[1]), sys.argv[2:])
