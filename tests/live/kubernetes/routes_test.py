#!/usr/bin/env python3
"""How requests come into a cluster: a Service alone, an Ingress, a Gateway, a Route of OpenShift. The controller of
Ingresses and Gateways is a real one, and so is its proxy. A router of OpenShift is not to be had here: the definition of
its kind is the real one, and the tests themselves say of a Route what a router would say."""
import json
import os
import subprocess
import tempfile

import guestbook
import traefik
from guestbook import EVERYTHING, IMAGES, account, cluster, writes_to
from harness import Result, wait_for

HOST = "guestbook.example"
NAMED = ["--set", f"host={HOST}"]
GATEWAY_API = {"apiGroups": ["gateway.networking.k8s.io"], "resources": ["httproutes"], "verbs": ["*"]}
controller = None


def ways_in(app):
    """The objects that lead to Services of the namespace, by kind."""
    kinds = "ingress,httproute" + (",route" if "routes.route.openshift.io" in app.run("get", "crd", "-o", "name") else "")
    return sorted(one["kind"] for one in app.json("get", kinds)["items"])


def gone(app):
    app.harmony("destroy", "--yes", "--delete-data").expect(0)
    assert not app.objects() and not ways_in(app), (app.objects().keys(), ways_in(app))


def refused(app, code, *patterns, args=NAMED, exit_code=5):
    """By the rehearsal: nothing is written."""
    app.harmony("plan", *args).expect(exit_code, rf"error\[{code}\]", "^help: ", *patterns)
    app.harmony("deploy", "--yes", *args).expect(exit_code, rf"error\[{code}\]")
    assert not writes_to(app.name), writes_to(app.name)


def planned(app, *patterns, args=NAMED):
    before = writes_to(app.name)
    app.harmony("plan", *args).expect(0, *patterns)
    assert writes_to(app.name) == before, set(writes_to(app.name)) - set(before)


def test_an_ingress(app):
    with controller.ingress_class("web", default=True), controller.ingress_class("other"):
        planned(app, rf"\+ route +guestbook +http://{HOST} \(Ingress, class web\)")
        app.deploy(*NAMED).expect(0, "5 checks passed", rf"open +http://{HOST}")
        assert app.json("get", "ingress/guestbook")["spec"]["ingressClassName"] == "web"
        app.plan_is_empty(*NAMED)
        app.harmony("status").expect(0, "6 of 6 ok")
        assert app.json("get", "ingress/guestbook")["status"]["loadBalancer"]["ingress"] == [{"ip": traefik.ADDRESS}], "it did not wait for its controller"
        controller.answers(HOST, 200, "guestbook")
        controller.answers("other.example", 404)
        app.deploy("--ingress-class", "other", *NAMED).expect(0, "1 changed", "class other", "5 checks passed")
        gone(app)


def test_a_gateway(app):
    with controller.gateway("public", hostname="*.example", **{"from": "All"}) as gateway:
        planned(app, rf"\+ route +guestbook +http://{HOST}:8000 \(Gateway {gateway}\)")
        app.deploy(*NAMED).expect(0, "5 checks passed")
        app.plan_is_empty(*NAMED)
        app.harmony("status").expect(0, "6 of 6 ok")
        controller.answers(HOST, 200, "guestbook")
        controller.answers("other.example", 404)
        gone(app)


def test_from_one_way_in_to_another(app):
    with controller.ingress_class("web"), controller.gateway("public", **{"from": "All"}):
        app.deploy("--route", "ingress", *NAMED).expect(0, r"\(Ingress, class web\)")
        assert ways_in(app) == ["Ingress"], ways_in(app)
        planned(app, "- ingress.networking.k8s.io/guestbook", r"\+ httproute.gateway.networking.k8s.io/guestbook")
        app.deploy(*NAMED).expect(0, "5 checks passed")
        assert ways_in(app) == ["HTTPRoute"], ways_in(app)
        app.plan_is_empty(*NAMED)
        controller.answers(HOST, 200)
        app.deploy("--route", "service", *NAMED).expect(0, r"\(Service\)")
        assert ways_in(app) == [], ways_in(app)
        app.plan_is_empty("--route", "service", *NAMED)
        controller.answers(HOST, 404)


def test_a_namespace_that_is_made_for_it(app):
    """The plan is made before the namespace is there whose label the Gateway asks for."""
    app.run("delete", "namespace", app.name, "--wait=true")
    selector = {"from": "Selector", "selector": {"matchLabels": {"kubernetes.io/metadata.name": app.name}}}
    with controller.gateway("public", **selector), tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "first.plan")
        app.harmony("plan", "--create-namespace", "--out", file, *NAMED).expect(0, "shadow", f"Gateway {controller.name}/public")
        saved(app, file, 0, "5 checks passed")
        app.plan_is_empty(*NAMED)
        controller.answers(HOST, 200)


def test_a_choice_that_would_be_another_by_now(app):
    with controller.ingress_class("web"), tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "first.plan")
        app.harmony("plan", "--out", file, *NAMED).expect(0, "class web")
        with controller.ingress_class("default", default=True):
            saved(app, file, 8, r"error\[H0303\]")
            assert not app.objects().keys() - {"secret/harmony.guestbook"}, app.objects().keys()
        saved(app, file, 0, "5 checks passed")


def saved(app, file, code, *patterns):
    done = subprocess.run([app.binary, "deploy", "--plan", file], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=app.environment, check=False)
    Result(done.returncode, done.stdout, done.stderr).expect(code, *patterns)


def test_a_gateway_that_refuses(app):
    """Who may not see the Gateway names it; whether it takes the route is then its controller's word alone."""
    app.kubeconfig = account(app, EVERYTHING, GATEWAY_API)
    with controller.gateway("closed", **{"from": "Same"}) as gateway:
        where = ["--gateway", gateway, *NAMED]
        app.harmony("deploy", "--yes", *where).expect(1, r"error\[H0471\]", f"gateway `{gateway}` refuses `httproute/guestbook`",
                                                      "told: NotAllowedByListeners", "^help: ", r"--> apps/harmony-app/deploy/")
        app.harmony("status").expect(0, "NotAllowedByListeners")
        controller.apply({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "closed"},
                          "spec": {"gatewayClassName": "traefik", "listeners": [{"name": "web", "protocol": "HTTP", "port": traefik.PORT,
                                                                                "allowedRoutes": {"namespaces": {"from": "All"}}}]}})
        app.deploy(*where).expect(0, "5 checks passed")
        app.plan_is_empty(*where)


def test_what_the_cluster_does_not_have(app):
    refused(app, "H0266", "no Routes of OpenShift", args=["--route", "openshift", *NAMED])
    refused(app, "H0266", "no IngressClass, so nobody acts upon an Ingress", args=["--route", "ingress", *NAMED])
    refused(app, "H0266", "no IngressClass `web`", args=["--ingress-class", "web", *NAMED])
    refused(app, "H0266", "no Gateway of the cluster takes routes", args=["--route", "gateway", *NAMED])
    refused(app, "H0266", f"no Gateway `{app.name}/public`", args=["--gateway", "public", *NAMED])
    refused(app, "H0268", "no kind of route", args=["--route", "proxy", *NAMED], exit_code=64)
    app.harmony("plan", *NAMED).expect(0, rf"route +guestbook +http://guestbook.{app.name}.svc \(Service\)")
    with controller.gateway("closed", **{"from": "Same"}) as gateway:
        refused(app, "H0266", rf"{gateway}: listener web takes routes of its own namespace only", args=["--gateway", gateway, *NAMED])
    with controller.gateway("elsewhere", hostname="*.example.org", **{"from": "All"}):
        refused(app, "H0266", r"listener web is for the host \*.example.org", args=["--route", "gateway", *NAMED])


def test_several_would_do(app):
    with controller.ingress_class("one"), controller.ingress_class("two"):
        refused(app, "H0267", "2 IngressClasses", "one, two", "--ingress-class")
        app.harmony("plan", "--ingress-class", "two", *NAMED).expect(0, r"\(Ingress, class two\)")
    selector = {"from": "Selector", "selector": {"matchLabels": {"kubernetes.io/metadata.name": app.name}}}
    with controller.gateway("one", **{"from": "All"}), controller.gateway("two", **selector) as second:
        refused(app, "H0267", "2 Gateways", f"{controller.name}/one, {second}", "--gateway")
        app.harmony("plan", "--gateway", second, *NAMED).expect(0, rf"\(Gateway {second}\)")


def test_a_controller_that_says_nothing(app):
    with controller.ingress_class("mute", controller="harmony.dev/nobody"):
        app.deploy(*NAMED).expect(0, "5 checks passed", r"assumed +ingress.networking.k8s.io/guestbook: no controller has reported an address")
        app.harmony("status").expect(0, "assumed: no controller has reported an address")
        app.plan_is_empty(*NAMED)


def test_who_may_not_see_what_the_cluster_has(app):
    app.kubeconfig = account(app, EVERYTHING)
    with controller.ingress_class("web", default=True), controller.gateway("public", **{"from": "All"}):
        app.harmony("plan", *NAMED).expect(0, r"\(Service; what else there is may not be seen\)")
        app.harmony("plan", "--route", "gateway", *NAMED).expect(5, r"error\[H0266\]", "may not see which Gateways", "--gateway NAMESPACE/NAME")
        app.deploy("--route", "ingress", *NAMED).expect(0, r"\(Ingress, default class\)", "5 checks passed")
        assert app.json("get", "ingress/guestbook")["spec"]["ingressClassName"] == "web"
        app.plan_is_empty("--route", "ingress", *NAMED)


# ---- OpenShift

def say(app, admitted, reason="", message=""):
    """What a router writes into the status of a Route."""
    condition = {"type": "Admitted", "status": "True" if admitted else "False", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    condition.update({"reason": reason, "message": message} if reason else {})
    status = {"ingress": [{"host": HOST, "routerName": "default", "wildcardPolicy": "None", "conditions": [condition]}]}
    app.run("patch", "route/guestbook", "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))


def deployed_with_router(app, *verdict):
    started = app.start("deploy", "--yes", *NAMED)
    wait_for("the Route to be there", lambda: ways_in(app) == ["Route"], limit=120)
    say(app, *verdict)
    text = started.communicate(timeout=120)[0]
    return started.returncode, text


def test_a_route_of_openshift(app):
    with controller.openshift(), controller.ingress_class("web", default=True):
        planned(app, rf"\+ route +guestbook +http://{HOST} \(OpenShift Route\)")
        code, text = deployed_with_router(app, True)
        assert code == 0 and "5 checks passed" in text, text
        app.plan_is_empty(*NAMED)
        app.harmony("status").expect(0, "6 of 6 ok")
        assert app.json("get", "route/guestbook")["spec"]["to"]["name"] == "guestbook"
        gone(app)


def test_a_host_that_another_route_has(app):
    with controller.openshift():
        code, text = deployed_with_router(app, False, "HostAlreadyClaimed", "route web already exposes guestbook.example and is older")
        assert code == 1 and "error[H0471]" in text and "HostAlreadyClaimed: route web already exposes guestbook.example" in text, text
        assert "choose another host name" in text, text
        gone(app)


def main():
    """usage: routes_test.py BINARY [WORD]..."""
    global controller  # noqa: PLW0603: one for all tests
    cluster.need_cluster()
    if not cluster.IS_OURS:
        cluster.skip("with a cluster of your own: the controller runs from a folder of the node, and its kinds belong to all of the cluster")
    IMAGES.update(cluster.images())
    with traefik.Traefik() as controller:
        guestbook.main(globals())


if __name__ == "__main__":
    main()
