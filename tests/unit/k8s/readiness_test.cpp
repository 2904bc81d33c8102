#include "k8s/readiness.hpp"

#include "catch.hpp"
#include "recorded.hpp"

using namespace harmony::k8s;
using State = Readiness::State;

namespace {

/// Another value at `pointer`, whose last step need not be there yet; nothing: it is taken away.
struct Edit {
  std::string_view pointer;
  std::string_view value;
};

void edit(boost::json::value& object, const Edit& one) {
  const auto last = one.pointer.rfind('/');
  const boost::json::string_view parent(one.pointer.data(), last);
  auto& fields = object.at_pointer(parent).as_object();
  if (one.value.empty()) fields.erase(one.pointer.substr(last + 1));
  else fields[one.pointer.substr(last + 1)] = recorded::parse(one.value);
}

Readiness of(const recorded::Scene& scene, const Expected& expected = {}) {
  return readiness_of(&scene.object, scene.related, expected);
}
Readiness of(recorded::Scene scene, const std::vector<Edit>& edits, const Expected& expected = {}) {
  for (const Edit& one : edits) edit(scene.object, one);
  return of(scene, expected);
}
Readiness of_text(std::string_view object, const Expected& expected = {}, const Objects& related = {}) {
  const auto value = recorded::parse(object);
  return readiness_of(&value, related, expected);
}

boost::json::value& related(recorded::Scene& scene, const char* kind, std::size_t number = 0) {
  for (auto& one : scene.related)
    if (one.at("kind") == kind && number-- == 0) return one;
  throw std::runtime_error("no such object is related");
}

constexpr StatusContract reported{.subresource = true};

}  // namespace

TEST_CASE("recorded objects are what they were") {
  struct Row {
    const char* scene;
    State state;
    const char* reason;
  };
  const std::vector<Row> rows{
      {"deployment-just-applied", State::in_progress, "its controller has not looked at it yet"},
      {"deployment-ready", State::ready, "3 of 3 pods available"},
      {"deployment-stuck", State::in_progress, "1 of 3 pods of the new version"},
      {"paused", State::in_progress, "is paused: 0 of 1 pods of the new version"},
      {"deadline", State::failed,
       "ProgressDeadlineExceeded: ReplicaSet \"deadline-5c7f5d75b4\" has timed out progressing."},
      {"crash", State::in_progress, "0 of 1 pods available"},
      {"over-quota", State::in_progress,
       "FailedCreate: pods \"over-quota-6b5b66fcd7-g9hrt\" is forbidden: exceeded quota: few, requested: pods=1, used: "
       "pods=0, limited: pods=0"},
      {"statefulset-ready", State::ready, "2 of 2 pods ready"},
      {"statefulset-just-patched", State::in_progress, "its controller has seen generation 1 of 2"},
      {"statefulset-stuck", State::in_progress, "1 of 2 pods ready"},
      {"daemonset-ready", State::ready, "1 of 1 pods available"},
      {"daemonset-stuck", State::in_progress, "0 of 1 pods available"},
      {"job-done", State::ready, "is done"},
      {"job-running", State::in_progress, "1 active, 0 done, 0 failed"},
      {"job-failed", State::failed, "BackoffLimitExceeded: Job has reached the specified backoff limit"},
      {"job-deadline", State::failed, "DeadlineExceeded: Job was active longer than specified deadline"},
      {"job-suspended", State::assumed, "is suspended: nothing runs"},
      {"cronjob", State::assumed, "runs by its schedule, 0 3 * * *"},
      {"service-web", State::ready, "3 endpoints"},
      {"service-nobody", State::in_progress, "has no ready endpoint"},
      {"service-balanced", State::in_progress, "no load balancer has given it an address"},
      {"service-db", State::ready, "2 endpoints"},
      {"service-outside", State::ready, "is a name for another"},
      {"claim-bound", State::ready, "is bound"},
      {"cnpg-just-applied", State::in_progress, "no controller has said anything about it"},
      {"cnpg-setting-up", State::in_progress, "Setting up primary: Creating primary instance db-1"},
      {"cnpg-ready", State::ready, "1 of 1 pods ready"},
      {"cnpg-just-patched", State::in_progress, "pod `db-1` is of the old version"},
      {"cnpg-restarting", State::in_progress, "Applying configuration: Decrease of hot standby sensitive parameters"},
      {"cnpg-hibernating", State::in_progress, "WaitingPodsDeletion: Waiting for db-1 to be deleted"},
      {"cnpg-hibernated", State::ready, "is hibernated"},
      {"cnpg-woken", State::in_progress,
       "Waiting for the instances to become active: Some instances are not yet active. Please wait."},
      {"claim-waits", State::assumed, "waits for the first pod that uses it"},
      {"claim-no-class", State::in_progress, "is not bound to a volume"},
      {"budget", State::ready, "is in force"},
      {"ingress", State::assumed, "no controller has reported an address"},
      {"crd-with", State::ready, "is established"},
      {"crd-taken", State::failed, "ListKindConflict: \"WithList\" is already in use"},
      {"crd-just-applied", State::in_progress, "is not established yet"},
      {"apiservice-local", State::ready, "is available"},
      {"apiservice-broken", State::in_progress, "ServiceNotFound: service/absent in \"rec-ok\" is not present"},
      {"namespace-active", State::ready, "is active"},
      {"namespace-terminating", State::terminating,
       "is being deleted; Some resources are remaining: configmaps. has 1 resource instances; Some content in the "
       "namespace has finalizers remaining: rec.example/hold in 1 resource instances"},
  };
  for (const auto& [scene, state, reason] : rows) {
    CAPTURE(scene);
    const auto found = of(recorded::scene(scene));
    CHECK(to_string(found.state) == to_string(state));
    CHECK(found.reason == reason);
  }
}

TEST_CASE("an autoscaler without metrics does not scale, and says why") {
  auto scene = recorded::scene("autoscaler");
  CHECK(of(scene).state == State::in_progress);
  CHECK(of(scene).reason.starts_with("FailedGetResourceMetric: "));
  for (auto& one : scene.object.at("status").at("conditions").as_array()) one.as_object()["status"] = "True";
  CHECK(of(scene).state == State::assumed);
  edit(scene.object, {"/metadata/generation", "2"});
  edit(scene.object, {"/status/observedGeneration", "1"});
  CHECK(of(scene).state == State::in_progress);
  edit(scene.object, {"/status/observedGeneration", "2"});
  CHECK(of(scene).state == State::ready);
}

TEST_CASE("a generation that was written has to be read and to be observed") {
  const auto web = recorded::scene("deployment-ready");  // generation 4, observed 4
  CHECK(of(web, Expected{.generation = 4}).state == State::ready);
  CHECK(of(web, Expected{.generation = 5}).reason == "what was read is generation 4, and 5 was written");
  // Somebody wrote later than we did: what the controller has seen is ours or newer.
  CHECK(of(web, {{"/metadata/generation", "5"}}, {.generation = 4}).state == State::ready);
  CHECK(of(web, {{"/metadata/generation", "5"}}, {}).reason == "its controller has seen generation 4 of 5");
  CHECK(of(web, {{"/metadata/generation", "5"}}, {.generation = 5}).state == State::in_progress);
  CHECK(of(web, {{"/status/observedGeneration", ""}}).reason == "its controller has not looked at it yet");
}

TEST_CASE("an object that is gone, replaced or going is not ready") {
  CHECK(readiness_of(nullptr, {}).state == State::not_found);
  const auto web = recorded::scene("deployment-ready");
  const std::string uid(web.object.at("metadata").at("uid").as_string());
  CHECK(of(web, Expected{.uid = uid}).state == State::ready);
  CHECK(of(web, Expected{.uid = "another"}).state == State::not_found);
  const auto going = of(web, {{"/metadata/deletionTimestamp", R"("2026-11-24T19:00:00Z")"},
                              {"/metadata/finalizers", R"(["foregroundDeletion","a\u001b[2J"])"}});
  CHECK(going == Readiness{State::terminating, "is being deleted, held by foregroundDeletion, a?[2J"});
}

TEST_CASE("a Deployment is ready when the old ReplicaSets are gone") {
  auto scene = recorded::scene("deployment-ready");
  auto& old = related(scene, "ReplicaSet", 0).at("status").at("replicas") == 0 ? related(scene, "ReplicaSet", 0)
                                                                               : related(scene, "ReplicaSet", 1);
  REQUIRE(of(scene).state == State::ready);
  SECTION("its status counts pods") {
    edit(old, {"/status/replicas", "1"});
    CHECK(of(scene).reason == "old ReplicaSet `web-6c77c5f68d` still has 1 pod");
  }
  SECTION("its spec wants pods") {
    edit(old, {"/spec/replicas", "2"});
    CHECK(of(scene).reason == "old ReplicaSet `web-6c77c5f68d` still has 2 pods");
  }
  SECTION("a pod of it is there") {
    auto& owner = related(scene, "Pod").at("metadata").at("ownerReferences").as_array()[0];
    owner.as_object()["uid"] = old.at("metadata").at("uid");
    CHECK(of(scene).reason.ends_with("` is of the old version"));
    // One that is on its way out serves nobody any more; the new ones have to be enough.
    edit(related(scene, "Pod"), {"/metadata/deletionTimestamp", R"("2026-11-24T19:00:00Z")"});
    CHECK(of(scene).reason == "2 of 3 pods ready");
  }
  SECTION("the Deployment itself counts them") {
    edit(scene.object, {"/status/replicas", "4"});
    CHECK(of(scene).reason == "1 old pod is still there");
  }
  SECTION("a new pod has become unready, and the Deployment has not noticed") {
    for (auto& one : related(scene, "Pod", 1).at("status").at("conditions").as_array())
      if (one.at("type") == "Ready") one.as_object()["status"] = "False";
    CHECK(of(scene).reason == "2 of 3 pods ready");
  }
}

TEST_CASE("a StatefulSet is ready when every pod is of the new revision, from its partition on") {
  auto scene = recorded::scene("statefulset-ready");
  auto& first = related(scene, "Pod");
  const bool is_0 = first.at("metadata").at("name") == "db-0";
  auto& pod_0 = is_0 ? first : related(scene, "Pod", 1);
  edit(pod_0, {"/metadata/labels/controller-revision-hash", R"("db-old")"});
  CHECK(of(scene).reason == "pod `db-0` is of the old version");
  edit(scene.object, {"/spec/updateStrategy", R"({"type":"RollingUpdate","rollingUpdate":{"partition":1}})"});
  edit(scene.object, {"/status/currentRevision", R"("db-old")"});
  edit(scene.object, {"/status/updatedReplicas", "1"});
  CHECK(of(scene).state == State::ready);
  edit(scene.object, {"/status/updatedReplicas", "0"});
  CHECK(of(scene).reason == "0 of 1 pods of the new version");
  edit(scene.object, {"/spec/updateStrategy", R"({"type":"OnDelete"})"});
  CHECK(of(scene) == Readiness{State::assumed, "0 of 2 pods of the new version, the others when they are deleted"});
}

TEST_CASE("counts that fall short hold a DaemonSet and a ReplicaSet back") {
  const auto agent = recorded::scene("daemonset-ready");
  CHECK(of(agent, {{"/status/updatedNumberScheduled", "0"}}).reason == "0 of 1 pods of the new version");
  CHECK(
      of(agent, {{"/status/updatedNumberScheduled", "0"}, {"/spec/updateStrategy", R"({"type":"OnDelete"})"}}).state ==
      State::assumed);
  CHECK(of(agent, {{"/status/desiredNumberScheduled", "0"}}) == Readiness{State::ready, "no node wants it"});
  auto scene = recorded::scene("deployment-ready");
  const auto& set = related(scene, "ReplicaSet", related(scene, "ReplicaSet").at("status").at("replicas") == 0 ? 1 : 0);
  const recorded::Scene alone{set, {}};
  CHECK(of(alone).state == State::ready);
  CHECK(of(alone, {{"/spec/replicas", "4"}}).reason == "3 of 4 pods available");
  CHECK(of(alone, {{"/spec/replicas", "2"}}).reason == "1 pod too many");
}

TEST_CASE("a Service is ready when every ready pod behind it is an endpoint") {
  auto service = recorded::scene("service-web");
  const auto deployment = recorded::scene("deployment-ready");
  for (const auto& one : deployment.related)
    if (one.at("kind") == "Pod") service.related.push_back(one);
  REQUIRE(of(service).state == State::ready);
  auto& endpoints = related(service, "EndpointSlice").at("endpoints").as_array();
  SECTION("one is missing") {
    endpoints.erase(endpoints.begin());
    CHECK(of(service).reason.ends_with("` is no endpoint yet"));
  }
  SECTION("none is ready") {
    for (auto& one : endpoints) one.at("conditions").as_object()["ready"] = false;
    CHECK(of(service).reason == "has no ready endpoint");
  }
  SECTION("all are going") {
    for (auto& one : endpoints) one.at("conditions").as_object()["terminating"] = true;
    CHECK(of(service).reason == "has no ready endpoint");
  }
  SECTION("the slice is another Service's") {
    edit(related(service, "EndpointSlice"), {"/metadata/labels/kubernetes.io~1service-name", R"("other")"});
    related(service, "EndpointSlice").at("metadata").at("labels").as_object()["kubernetes.io/service-name"] = "other";
    CHECK(of(service).state == State::in_progress);
  }
  SECTION("it has no selector") {
    edit(service.object, {"/spec/selector", ""});
    CHECK(of(service).state == State::ready);
    service.related.clear();
    CHECK(of(service).state == State::assumed);
  }
}

TEST_CASE("a balancer's address makes a Service reachable") {
  auto scene = recorded::scene("service-balanced");
  edit(scene.object, {"/status/loadBalancer", R"({"ingress":[{"ip":"192.0.2.1"}]})"});
  CHECK(of(scene).state == State::ready);
  auto ingress = recorded::scene("ingress");
  CHECK(of(ingress).mostly_told);
  edit(ingress.object, {"/status/loadBalancer", R"({"ingress":[{"ip":"192.0.2.1"}]})"});
  CHECK(of(ingress).state == State::ready);
}

TEST_CASE("pods say what they wait for") {
  const auto pod_of = [](const char* name) {
    auto scene = recorded::scene(name);
    return recorded::Scene{related(scene, "Pod"), {}};
  };
  CHECK(of(pod_of("deployment-ready")) == Readiness{State::ready, "is ready"});
  CHECK(of(pod_of("crash")).reason == "container `web`: CrashLoopBackOff");
  CHECK(of(pod_of("init-crash")).reason == "container `migrate`: CrashLoopBackOff");
  CHECK(of(pod_of("no-node")).reason.starts_with("Unschedulable: 0/1 nodes are available"));
  CHECK(of(pod_of("job-done")) == Readiness{State::ready, "is done"});
  CHECK(of(pod_of("job-failed")) == Readiness{State::failed, "a container has failed"});
  CHECK(of(pod_of("unready")).reason == "ContainersNotReady: containers with unready status: [web]");
  CHECK(of_text(R"({"apiVersion":"v1","kind":"Pod","metadata":{}})").reason == "is not started yet");
}

/// By the documented shapes: no controller of the recorded cluster writes them.
TEST_CASE("a custom resource is ready when its controller has reported what was written") {
  struct Row {
    std::string_view status;
    State with, without;  ///< with and without a status subresource
  };
  for (const auto& [status, with, without] : std::vector<Row>{
           {R"(null)", State::in_progress, State::assumed},
           {R"({})", State::in_progress, State::assumed},
           {R"({"observedGeneration":2})", State::in_progress, State::assumed},
           {R"({"observedGeneration":3})", State::ready, State::assumed},
           {R"({"observedGeneration":4})", State::ready, State::assumed},
           {R"({"phase":"Healthy"})", State::assumed, State::assumed},
           {R"({"conditions":[{"type":"Ready","status":"True"}]})", State::assumed, State::assumed},
           {R"({"conditions":[{"type":"Ready","status":"False","reason":"Wait"}]})", State::in_progress,
            State::assumed},
           {R"({"conditions":[{"type":"Ready","status":"True","observedGeneration":2}]})", State::in_progress,
            State::assumed},
           {R"({"conditions":[{"type":"Ready","status":"True","observedGeneration":3}]})", State::ready,
            State::assumed},
           {R"({"observedGeneration":3,"conditions":[{"type":"Ready","status":"True","observedGeneration":2}]})",
            State::in_progress, State::assumed},
           {R"({"observedGeneration":2,"conditions":[{"type":"Ready","status":"True","observedGeneration":3}]})",
            State::in_progress, State::assumed},
           {R"({"observedGeneration":3,"conditions":[{"type":"Ready","status":"Unknown","reason":"Progressing"}]})",
            State::in_progress, State::assumed},
           {R"({"observedGeneration":3,"conditions":[{"type":"Stalled","status":"True","reason":"Bad"}]})",
            State::failed, State::assumed},
           {R"({"observedGeneration":3,"conditions":[{"type":"Stalled","status":"True","observedGeneration":2}]})",
            State::ready, State::assumed},
           {R"({"observedGeneration":3,"conditions":[{"type":"Reconciling","status":"True","reason":"Busy"}]})",
            State::in_progress, State::assumed},
       }) {
    CAPTURE(status);
    const std::string object =
        R"({"apiVersion":"a.example/v1","kind":"A","metadata":{"generation":3},"status":)" + std::string(status) + "}";
    CHECK(to_string(of_text(object, {.contract = reported}).state) == to_string(with));
    CHECK(to_string(of_text(object).state) == to_string(without));
  }
}

TEST_CASE("a definition says whether there is a status, for each version") {
  const auto with = recorded::scene("crd-with").object, plain = recorded::scene("crd-plain").object;
  CHECK(status_contract(with, "v1").subresource);
  CHECK_FALSE(status_contract(with, "v2").subresource);
  CHECK_FALSE(status_contract(plain, "v1").subresource);
  // As recorded: nobody acts upon either.
  CHECK(of(recorded::scene("custom-with"), Expected{.contract = status_contract(with, "v1")}) ==
        Readiness{State::in_progress, "no controller has said anything about it"});
  CHECK(of(recorded::scene("custom-plain"), Expected{.contract = status_contract(plain, "v1")}).state ==
        State::assumed);
}

TEST_CASE("gateways and routes are ready when it was said of this generation") {
  const auto gateway = [](std::string_view conditions) {
    return of_text(
        R"({"apiVersion":"gateway.networking.k8s.io/v1","kind":"Gateway","metadata":{"generation":2},"status":{"conditions":)" +
        std::string(conditions) + "}}");
  };
  CHECK(gateway("[]").reason == "Accepted: not yet told");
  CHECK(gateway(R"([{"type":"Accepted","status":"True","observedGeneration":1}])").state == State::in_progress);
  CHECK(gateway(R"([{"type":"Accepted","status":"True","observedGeneration":2},
                    {"type":"Programmed","status":"False","observedGeneration":2,"reason":"Invalid","message":"no"}])")
            .reason == "not Programmed: Invalid: no");
  CHECK(gateway(R"([{"type":"Accepted","status":"True","observedGeneration":2},
                    {"type":"Programmed","status":"True","observedGeneration":2}])")
            .state == State::ready);

  const auto route = [](std::string_view parents) {
    return of_text(R"({"apiVersion":"gateway.networking.k8s.io/v1","kind":"HTTPRoute","metadata":{"generation":1},
      "spec":{"parentRefs":[{"name":"a"},{"name":"b","sectionName":"http"}]},"status":{"parents":)" +
                   std::string(parents) + "}}");
  };
  const std::string good =
      R"("conditions":[{"type":"Accepted","status":"True","observedGeneration":1},{"type":"ResolvedRefs","status":"True","observedGeneration":1}]})";
  CHECK(route("[]").reason == "gateway `a` has not looked at it yet");
  CHECK(route(R"([{"parentRef":{"name":"a"},)" + good + "]").reason == "gateway `b` has not looked at it yet");
  CHECK(route(R"([{"parentRef":{"name":"a"},)" + good + R"(,{"parentRef":{"name":"b"},)" + good + "]").state ==
        State::in_progress);
  CHECK(route(R"([{"parentRef":{"name":"a"},)" + good + R"(,{"parentRef":{"name":"b","sectionName":"http"},)" + good +
              "]")
            .state == State::ready);
  CHECK(
      route(
          R"([{"parentRef":{"name":"a"},"conditions":[{"type":"Accepted","status":"False","observedGeneration":1,"reason":"NoMatchingParent"}]}])")
          .reason == "gateway `a`: not Accepted: NoMatchingParent");
}

TEST_CASE("a route of the Gateway API is refused by what its gateway says of this generation") {
  const auto route = [](const std::string& reason, int generation, const std::string& space = "infra") {
    const std::string told = R"({"type":"Accepted","status":"True","observedGeneration":2},{"type":"ResolvedRefs",)"
                             R"("status":"False","reason":")" +
                             reason + R"(","observedGeneration":)" + std::to_string(generation) + "}";
    return of_text(R"({"apiVersion":"gateway.networking.k8s.io/v1","kind":"HTTPRoute",
      "metadata":{"namespace":"shop","generation":2},"spec":{"parentRefs":[{"namespace":"infra","name":"a"}]},
      "status":{"parents":[{"parentRef":{"namespace":")" +
                   space + R"(","name":"a"},"conditions":[)" + told + "]}]}}");
  };
  CHECK(route("RefNotPermitted", 2) ==
        Readiness{State::failed, "gateway `infra/a`: not ResolvedRefs: RefNotPermitted"});
  CHECK(route("RefNotPermitted", 1) == Readiness{State::in_progress, "gateway `infra/a`: ResolvedRefs: not yet told"});
  // The Service may be on its way to the controller.
  CHECK(route("BackendNotFound", 2) ==
        Readiness{State::in_progress, "gateway `infra/a`: not ResolvedRefs: BackendNotFound"});
  CHECK(route("RefNotPermitted", 2, "shop").reason == "gateway `infra/a` has not looked at it yet");
}

TEST_CASE("a route of OpenShift is ready when a router has admitted it, as it is now") {
  struct Row {
    std::string routers;
    Readiness readiness;
  };
  const auto router = [](const std::string& host, const std::string& admitted, const std::string& more = "") {
    return R"({"host":")" + host + R"(","routerName":"default","conditions":[{"type":"Admitted","status":")" +
           admitted + "\"" + more + "}]}";
  };
  const std::string claimed = R"(,"reason":"HostAlreadyClaimed","message":"route web has it")";
  const Readiness waits{State::in_progress, "no router has admitted it yet"}, admitted{State::ready, "is admitted"},
      refused{State::failed, "router `default`: not Admitted: HostAlreadyClaimed: route web has it"};
  const std::vector<Row> rows{
      {"", waits},
      {R"({"host":"shop.example","routerName":"default"})", waits},
      {router("shop.example", "Unknown"), waits},
      {router("shop.example", "True"), admitted},
      {router("shop.example", "False", claimed), refused},
      {router("shop.example", "True") + "," + router("shop.example", "False", claimed), refused},
      // Of the host that it had before.
      {router("old.example", "True"), waits},
      {router("old.example", "False", claimed), waits},
      {router("old.example", "False", claimed) + "," + router("shop.example", "True"), admitted},
  };
  for (const auto& [routers, readiness] : rows) {
    CAPTURE(routers);
    const std::string text = R"({"apiVersion":"route.openshift.io/v1","kind":"Route","metadata":{"generation":1},
      "spec":{"host":"shop.example"},"status":{"ingress":[)" +
                             routers + "]}}";
    const auto found = of_text(text);
    CHECK(to_string(found.state) == to_string(readiness.state));
    CHECK(found.reason == readiness.reason);
  }
  CHECK(
      of_text(R"({"apiVersion":"route.openshift.io/v1","kind":"Route","metadata":{},"spec":{},"status":{"ingress":[)" +
              router("given.example", "True") + "]}}")
          .state == State::ready);
}

TEST_CASE("kinds that only have to be there are ready, kinds without a rule are assumed") {
  CHECK(of_text(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{}})").state == State::ready);
  CHECK(of_text(R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{}})").state == State::ready);
  CHECK(of_text(R"({"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{}})").state ==
        State::assumed);
  CHECK(of_text(R"({"apiVersion":"storage.k8s.io/v1","kind":"VolumeAttachment","metadata":{}})").state ==
        State::assumed);
  CHECK(of_text(R"({"apiVersion":"v1","kind":"ResourceQuota","spec":{"hard":{"cpu":"0.5"}}})").state ==
        State::in_progress);
  CHECK(
      of_text(
          R"({"apiVersion":"v1","kind":"ResourceQuota","spec":{"hard":{"cpu":"0.5"}},"status":{"hard":{"cpu":"500m"}}})")
          .state == State::ready);
  CHECK(of_text("null").state == State::assumed);
}

TEST_CASE("a class says that a claim waits for its first pod") {
  auto scene = recorded::scene("claim-no-class");
  scene.related.push_back(recorded::parse(
      R"({"apiVersion":"storage.k8s.io/v1","kind":"StorageClass","metadata":{"name":"no-such-class"},"volumeBindingMode":"WaitForFirstConsumer"})"));
  CHECK(of(scene).state == State::assumed);
  CHECK(of(scene, {{"/status/phase", R"("Lost")"}}).state == State::failed);
  auto bound = recorded::scene("claim-bound");
  edit(bound.object, {"/spec/resources/requests/storage", R"("2Mi")"});
  edit(bound.object, {"/status/conditions", R"([{"type":"Resizing","status":"True"}])"});
  CHECK(of(bound).reason == "its volume grows");
  bound = recorded::scene("claim-bound");  // nobody has begun with it yet
  edit(bound.object, {"/spec/resources/requests/storage", R"("2Mi")"});
  CHECK(of(bound).reason == "its volume grows");
  edit(bound.object,
       {"/status/conditions", R"([{"type":"ControllerResizeError","status":"True","message":"no room"}])"});
  CHECK(of(bound).reason == "its volume does not grow: no room");
  edit(bound.object, {"/status/capacity/storage", R"("2Mi")"});
  CHECK(of(bound).state == State::ready);
}

TEST_CASE("a Cluster of CloudNativePG is ready when its pods are, whatever its status says of another time") {
  const auto cluster = recorded::scene("cnpg-ready");
  const auto asleep = recorded::scene("cnpg-hibernated");
  CHECK(of(cluster, {{"/status/phase", ""}}).reason == "its controller does not say how it is yet");
  CHECK(of(cluster, {{"/status/conditions", "[]"}}).reason == "does not say that it is ready");
  CHECK(of(cluster, {{"/status/readyInstances", ""}}).reason == "0 of 1 pods ready");
  CHECK(of(cluster, {{"/spec/instances", "3"}}).reason == "1 of 3 pods ready");
  CHECK(of(cluster, {{"/spec/instances", "2"}, {"/status/readyInstances", "2"}}).reason == "1 of 2 pods ready");
  CHECK(of(cluster, {{"/spec/imageName", R"("other:15")"}}).reason == "pod `db-1` is of the old version");
  CHECK(of(cluster, {{"/status/phase", R"("Cluster is unrecoverable and needs manual intervention")"}}).state ==
        State::failed);
  CHECK(of(asleep, {{"/metadata/annotations", R"({"cnpg.io/hibernation":"off"})"}}).reason == "is hibernated still");
  CHECK(of(cluster, {{"/metadata/annotations", R"({"cnpg.io/hibernation":"on"})"}}).reason == "is not hibernated yet");
}
