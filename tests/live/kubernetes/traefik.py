"""A real Ingress controller and controller of the Gateway API, Traefik, in a namespace of its own.

It runs from a folder of this machine, not from an image, so that only the tests of routes have to do with it. What it
needs belongs to the whole cluster (kinds, classes, roles): nobody else may use the cluster meanwhile."""
import contextlib
import os
import re
import select
import subprocess
import urllib.error
import urllib.request

import guestbook
from guestbook import cluster
from harness import wait_for

LABELS = {"harmony.dev/test": "routes"}
INGRESS_CONTROLLER, GATEWAY_CONTROLLER = "traefik.io/ingress-controller", "traefik.io/gateway-controller"
ADDRESS = "192.0.2.1"  # what it says of itself; nobody is there
PORT = 8000
OF_THE_CLUSTER = "ingressclass,clusterrolebinding,clusterrole"
ARGUMENTS = [f"--entryPoints.web.address=:{PORT}", "--ping", "--ping.entryPoint=web", "--log.level=INFO",
             "--global.checkNewVersion=false", "--global.sendAnonymousUsage=false", "--providers.providersThrottleDuration=100ms",
             "--providers.kubernetesIngress", f"--providers.kubernetesIngress.ingressEndpoint.ip={ADDRESS}",
             "--providers.kubernetesGateway", f"--providers.kubernetesGateway.statusAddress.ip={ADDRESS}"]
ROUTING = ["ingresses", "ingressclasses", "gatewayclasses", "gateways", "httproutes", "grpcroutes", "referencegrants", "backendtlspolicies"]
RULES = [{"apiGroups": [""], "resources": ["namespaces", "services", "secrets", "configmaps", "nodes", "pods"], "verbs": ["get", "list", "watch"]},
         {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
         {"apiGroups": ["networking.k8s.io", "gateway.networking.k8s.io"], "resources": ROUTING, "verbs": ["get", "list", "watch"]},
         {"apiGroups": ["networking.k8s.io", "gateway.networking.k8s.io"], "resources": [f"{one}/status" for one in ROUTING], "verbs": ["update"]}]


def programs():
    """The folder of Traefik and of the definitions of kinds; built where it is not there yet."""
    done = subprocess.run([os.path.join(cluster.REPOSITORY, "tests/cluster/run"), "routes"], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


class Traefik(cluster.Namespace):
    def __init__(self):
        self.folder = programs()
        super().__init__()

    def __enter__(self):
        self.clear()  # what a killed run has left
        self.run("apply", "--server-side", "-f", os.path.join(self.folder, "gateway-api.yaml"))
        self.run("wait", "--for=condition=Established", "crd/gateways.gateway.networking.k8s.io", "crd/httproutes.gateway.networking.k8s.io")
        name = f"harmony-{self.name}"
        self.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "traefik"}},
                   {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name, "labels": LABELS}, "rules": RULES},
                   {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name, "labels": LABELS},
                    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
                    "subjects": [{"kind": "ServiceAccount", "name": "traefik", "namespace": self.name}]},
                   {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass", "metadata": {"name": "traefik", "labels": LABELS},
                    "spec": {"controllerName": GATEWAY_CONTROLLER}},
                   self.deployment())
        self.wait_ready("deployment/traefik")
        return self

    def deployment(self):
        container = {"name": "traefik", "image": guestbook.IMAGES["busybox"], "command": ["/programs/traefik"], "args": ARGUMENTS,
                     "ports": [{"containerPort": PORT}], "readinessProbe": {"httpGet": {"path": "/ping", "port": PORT}, "periodSeconds": 1},
                     "env": [{"name": "HOME", "value": "/tmp"}],
                     "volumeMounts": [{"name": "programs", "mountPath": "/programs", "readOnly": True}]}
        labels = {"app": "traefik"}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "traefik"},
                "spec": {"selector": {"matchLabels": labels},
                         "template": {"metadata": {"labels": labels},
                                      "spec": {"serviceAccountName": "traefik", "containers": [container],
                                               "volumes": [{"name": "programs", "hostPath": {"path": self.folder, "type": "Directory"}}]}}}}

    def __exit__(self, *_):
        self.clear()
        self.close()

    def clear(self):
        self.run("delete", OF_THE_CLUSTER, "-l", "harmony.dev/test=routes", "--ignore-not-found")
        for file in ("gateway-api.yaml", "openshift-route.yaml"):
            self.run("delete", "-f", os.path.join(self.folder, file), "--ignore-not-found")

    # ---- what a test has in the cluster, for as long as it lasts

    @contextlib.contextmanager
    def ingress_class(self, name, default=False, controller=INGRESS_CONTROLLER):
        annotations = {"ingressclass.kubernetes.io/is-default-class": "true"} if default else {}
        self.apply({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "spec": {"controller": controller},
                    "metadata": {"name": name, "labels": LABELS, "annotations": annotations}})
        try:
            yield
        finally:
            self.run("delete", "ingressclass", name)

    @contextlib.contextmanager
    def gateway(self, name, hostname=None, **namespaces):
        """namespaces: which may attach routes; {"from": "All"}, {"from": "Selector", "selector": …}"""
        listener = {"name": "web", "protocol": "HTTP", "port": PORT, "allowedRoutes": {"namespaces": namespaces}}
        if hostname:
            listener["hostname"] = hostname
        self.apply({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": name},
                    "spec": {"gatewayClassName": "traefik", "listeners": [listener]}})
        try:
            self.run("wait", "--for=condition=Accepted", f"gateway/{name}", "--timeout=60s")
            yield f"{self.name}/{name}"
        finally:
            self.run("delete", "gateway", name)

    @contextlib.contextmanager
    def openshift(self):
        """The kind Route, as a cluster of OpenShift has it."""
        file = os.path.join(self.folder, "openshift-route.yaml")
        self.run("apply", "--server-side", "-f", file)
        self.run("wait", "--for=condition=Established", "crd/routes.route.openshift.io")
        try:
            yield
        finally:
            self.run("delete", "-f", file)

    # ---- requests

    @contextlib.contextmanager
    def port(self):
        """A port of this machine that leads to the proxy."""
        command = [cluster.kubectl(), "--kubeconfig", cluster.KUBECONFIG, "-n", self.name, "port-forward", "deployment/traefik", f":{PORT}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as forward:
            try:
                assert select.select([forward.stdout], [], [], 30)[0], "no port-forward"
                line = forward.stdout.readline()
                found = re.search(r"127\.0\.0\.1:(\d+) ->", line)
                assert found, line
                yield int(found.group(1))
            finally:
                forward.terminate()

    def answers(self, host, status, content=""):
        """As soon as a request for this host is answered so, by way of the proxy."""
        with self.port() as port:
            wait_for(f"{status} of {host} through the proxy", lambda: _get(port, host)[0] == status)
            body = _get(port, host)[1]
            assert content in body, body


def _get(port, host):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
