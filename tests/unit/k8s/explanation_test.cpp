#include "k8s/explanation.hpp"

#include <algorithm>

#include "catch.hpp"
#include "recorded.hpp"

using namespace harmony::k8s;

namespace {

struct Told {
  std::string code, message;
  Prospect prospect;
  bool operator==(const Told&) const = default;
};

std::vector<Explanation> explained(const recorded::Scene& scene, const Tolerance& tolerance = {}) {
  return explain(scene.object, scene.related, tolerance);
}

std::string fact(const Explanation& one, const std::string& name) {
  for (const auto& [key, value] : one.diagnostic.facts)
    if (key == name) return value;
  return {};
}

boost::json::value& related(recorded::Scene& scene, const char* kind, std::size_t number = 0) {
  for (auto& one : scene.related)
    if (one.at("kind") == kind && number-- == 0) return one;
  throw std::runtime_error("no such object is related");
}
boost::json::object& container(recorded::Scene& scene) {
  return related(scene, "Pod").at("status").at("containerStatuses").at(0).as_object();
}

constexpr auto hopeless = Prospect::hopeless, may_heal = Prospect::may_heal;

}  // namespace

TEST_CASE("every recorded failure is explained by its cause") {
  struct Row {
    const char* scene;
    const char* code;
    Prospect prospect;
    const char* message;
    std::pair<const char*, const char*> fact;
  };
  const std::vector<Row> rows{
      {"image-missing-image",
       "H0450",
       hopeless,
       "image `localhost:5999/guestbook:9.9` does not exist",
       {"told", "localhost:5999/guestbook:9.9: not found"}},
      {"image-missing-image-later",
       "H0450",
       hopeless,
       "image `localhost:5999/guestbook:9.9` does not exist",
       {"told", "localhost:5999/guestbook:9.9: not found"}},
      {"cnpg-image-missing", "H0450", hopeless, "image `localhost/harmony/nobody:15` does not exist", {}},
      {"cnpg-unschedulable",
       "H0457",
       may_heal,
       "no node takes the pods of `cluster/greedy`",
       {"scheduler", "0/1 nodes are available: 1 Insufficient cpu"}},
      {"image-private-image",
       "H0451",
       hopeless,
       "image `localhost:5999/private/guestbook:9.9` may not be pulled",
       {"told", "pulling from host localhost:5999 failed with status code [manifests 9.9]: 401 Unauthorized"}},
      {"image-private-image-later",
       "H0451",
       hopeless,
       "image `localhost:5999/private/guestbook:9.9` may not be pulled",
       {}},
      {"image-broken-registry",
       "H0452",
       may_heal,
       "image `localhost:5999/broken/guestbook:9.9` cannot be pulled now",
       {"told", "pulling from host localhost:5999 failed with status code [manifests 9.9]: 503 Service Unavailable"}},
      {"image-broken-registry-later",
       "H0452",
       may_heal,
       "image `localhost:5999/broken/guestbook:9.9` cannot be pulled now",
       {}},
      {"image-no-registry", "H0452", may_heal, "image `registry.invalid/guestbook:9.9` cannot be pulled now", {}},
      {"image-never-pulled",
       "H0450",
       hopeless,
       "image `localhost:5999/guestbook:9.9` is not on the node, and is never pulled",
       {}},
      {"image-bad-name", "H0450", hopeless, "`Guest Book:1` is no name of an image", {}},
      {"crash", "H0453", hopeless, "container `web` exits with code 3", {"restarted", "4 times"}},
      {"init-crash", "H0453", hopeless, "container `migrate` exits with code 2", {"restarted", "4 times"}},
      {"killed", "H0454", hopeless, "container `web` is killed: it takes more memory than its limit", {}},
      {"no-command",
       "H0455",
       hopeless,
       "container `web` cannot be started",
       {"told", "exec: \"/no/such/program\": stat /no/such/program: no such file or directory: unknown"}},
      {"unready",
       "H0456",
       may_heal,
       "container `web` runs and is not ready: its readiness probe fails",
       {"probe",
        "Readiness probe failed: Get \"http://10.98.0.29:8080/readyz\": dial tcp 10.98.0.29:8080: connect: "
        "connection refused"}},
      {"unlive", "H0456", hopeless, "container `web` is killed: its liveness probe fails", {"restarted", "5 times"}},
      {"unschedulable",
       "H0457",
       may_heal,
       "no node takes the pods of `deployment/unschedulable`",
       {"scheduler", "0/1 nodes are available: 1 Insufficient cpu"}},
      {"no-node",
       "H0457",
       may_heal,
       "no node takes the pods of `deployment/no-node`",
       {"scheduler", "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector"}},
      {"over-quota",
       "H0458",
       hopeless,
       "`deployment/over-quota` does not fit into quota `few`",
       {"quota", "few, requested: pods=1, used: pods=0, limited: pods=0"}},
      {"missing-config",
       "H0459",
       hopeless,
       "ConfigMap `settings`, which `deployment/missing-config` needs, is not there",
       {}},
      {"missing-key",
       "H0459",
       hopeless,
       "key `password` of Secret rec-fail/some, which `deployment/missing-key` needs, is not there",
       {}},
      {"missing-secret-volume",
       "H0459",
       hopeless,
       "Secret `guestbook-db`, which `deployment/missing-secret-volume` needs, is not there",
       {}},
      {"missing-account",
       "H0459",
       hopeless,
       "service account `nobody`, which the pods of `deployment/missing-account` run as, is not there",
       {}},
      {"no-claim", "H0459", may_heal, "claim `absent`, which `deployment/no-claim` needs, is not there", {}},
      {"unbound",
       "H0460",
       hopeless,
       "claim `data` gets no volume",
       {"told", "storageclass.storage.k8s.io \"no-such-class\" not found"}},
      {"claim-no-class", "H0460", hopeless, "claim `data` gets no volume", {}},
      {"deadline", "H0456", hopeless, "container `web` runs and is not ready: its readiness probe fails", {}},
      {"job-failed", "H0453", hopeless, "container `job` exits with code 4", {}},
      {"job-deadline",
       "H0468",
       hopeless,
       "`job/deadline` has failed",
       {"told", "DeadlineExceeded: Job was active longer than specified deadline"}},
      {"statefulset-stuck", "H0456", may_heal, "container `db` runs and is not ready: its readiness probe fails", {}},
      {"daemonset-stuck", "H0456", may_heal, "container `agent` runs and is not ready: its readiness probe fails", {}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.scene);
    const auto all = explained(recorded::scene(row.scene));
    REQUIRE_FALSE(all.empty());
    CHECK(Told{all[0].diagnostic.code, all[0].diagnostic.message, all[0].prospect} ==
          Told{row.code, row.message, row.prospect});
    CHECK_FALSE(all[0].rule.empty());
    CHECK_FALSE(all[0].diagnostic.help.empty());
    if (row.fact.first) CHECK(fact(all[0], row.fact.first) == row.fact.second);
  }
}

TEST_CASE("what works, and what takes its time, has nothing to explain") {
  for (const char* scene : {"deployment-ready", "deployment-early", "deployment-just-applied", "statefulset-ready",
                            "daemonset-ready", "job-done", "job-running", "job-suspended", "claim-bound", "claim-waits",
                            "paused", "service-nobody", "namespace-active", "custom-with"}) {
    CAPTURE(scene);
    CHECK(explained(recorded::scene(scene)).empty());
  }
}

TEST_CASE("a transient failure that has healed is no failure") {
  for (const char* name : {"crash", "image-missing-image", "unready", "missing-config", "unlive"}) {
    CAPTURE(name);
    auto scene = recorded::scene(name);
    container(scene)["ready"] = true;
    container(scene)["state"] = boost::json::object{{"running", boost::json::object{}}};
    for (auto& one : related(scene, "Pod").at("status").at("conditions").as_array()) one.as_object()["status"] = "True";
    CHECK(explained(scene).empty());
  }
}

TEST_CASE("a crash is waited out until its runs have failed in a row") {
  const auto early = explained(recorded::scene("crash-early"));
  REQUIRE(early.size() == 1);
  CHECK(early[0].prospect == may_heal);
  CHECK(early[0].rule == "it is started again, and given up after 3 failed runs in a row");
  for (const auto& [restarts, prospect] : {std::pair{0, may_heal}, {1, may_heal}, {2, hopeless}, {9, hopeless}}) {
    CAPTURE(restarts);
    auto scene = recorded::scene("crash");
    container(scene)["restartCount"] = restarts;
    CHECK(explained(scene).at(0).prospect == prospect);
    CHECK(explained(scene, {.restarts = 100}).at(0).prospect == may_heal);
  }
}

TEST_CASE("what is missing is waited for until it was missed some times") {
  auto scene = recorded::scene("missing-config");
  for (auto& one : scene.related)
    if (one.at("kind") == "Event") one.as_object()["count"] = 2;
  CHECK(explained(scene).at(0).prospect == may_heal);
  CHECK(explained(scene, {.sightings = 2}).at(0).prospect == hopeless);
}

TEST_CASE("the log of the run that failed is named") {
  auto scene = recorded::scene("crash");
  const std::string pod(related(scene, "Pod").at("metadata").at("name").as_string());
  // In back-off kubelet hands the last run out as the current one.
  CHECK(explained(scene).at(0).log == LogPlace{pod, "web", false});
  container(scene)["state"] = boost::json::object{{"running", boost::json::object{}}};
  const auto again = explained(scene);
  CHECK(again.at(0).log == LogPlace{pod, "web", true});
  CHECK(again.at(0).prospect == may_heal);
  CHECK(explained(recorded::scene("init-crash")).at(0).log->container == "migrate");
  CHECK_FALSE(explained(recorded::scene("missing-config")).at(0).log);
}

TEST_CASE("equal causes of several pods are told once") {
  auto scene = recorded::scene("crash");
  auto other = related(scene, "Pod");
  other.at("metadata").as_object()["name"] = "crash-other";
  other.at("metadata").as_object()["uid"] = "other";
  scene.related.push_back(other);
  scene.related.push_back(other);
  const auto all = explained(scene);
  REQUIRE(all.size() == 1);
  CHECK(fact(all[0], "also") == "2 more pods");
}

TEST_CASE("a hopeless cause comes first") {
  auto scene = recorded::scene("unready");
  auto crashed = recorded::scene("crash");
  auto pod = related(crashed, "Pod");
  pod.at("metadata").as_object()["ownerReferences"] = related(scene, "Pod").at("metadata").at("ownerReferences");
  scene.related.push_back(pod);
  const auto all = explained(scene);
  REQUIRE(all.size() == 2);
  CHECK(all[0].diagnostic.code == "H0453");
  CHECK(all[1].diagnostic.code == "H0456");
}

TEST_CASE("a stuck rollout says that the old version still serves, and blames only the new one") {
  auto scene = recorded::scene("deployment-stuck");
  const auto all = explained(scene);
  REQUIRE(all.size() == 1);
  CHECK(all[0].diagnostic.message == "container `web` cannot be started");
  CHECK(all[0].diagnostic.notes == std::vector<std::string>{"the old version is still serving (3 of 3 pods)"});
}

TEST_CASE("what the controller has not looked at yet is not judged by the version before") {
  for (const char* name : {"deployment-stuck", "daemonset-stuck", "deadline"}) {
    CAPTURE(name);
    auto scene = recorded::scene(name);
    REQUIRE_FALSE(explained(scene).empty());
    scene.object.at("metadata").as_object()["generation"] =
        1 + scene.object.at("status").at("observedGeneration").to_number<int>();
    CHECK(explained(scene).empty());
  }
}

TEST_CASE("a job whose pod says why is explained by the pod") {
  const auto all = explained(recorded::scene("job-failed"));
  REQUIRE(all.size() == 2);
  CHECK(all[0].diagnostic.notes == std::vector<std::string>{"`job/failed` has failed"});
  CHECK(all[0].rule == "its controller has given up");
  CHECK(all[1].diagnostic.code == "H0468");
  CHECK(all[0].log->container == "job");
}

TEST_CASE("an older kubelet tells the reason of a back-off in an event only") {
  auto scene = recorded::scene("image-missing-image-later");
  container(scene)["state"].at("waiting").as_object()["message"] =
      "Back-off pulling image \"localhost:5999/guestbook:9.9\"";
  container(scene)["state"].at("waiting").as_object()["reason"] = "ImagePullBackOff";
  CHECK(explained(scene).at(0).diagnostic.code == "H0450");
  std::erase_if(scene.related, [](const auto& one) { return one.at("kind") == "Event"; });
  // Nobody says why: it is waited for, not given up.
  CHECK(explained(scene).at(0).diagnostic.code == "H0452");
  CHECK(explained(scene).at(0).prospect == may_heal);
}

TEST_CASE("an event about another container, or another pod, is none of its own") {
  auto scene = recorded::scene("unready");
  for (auto& one : scene.related)
    if (one.at("kind") == "Event") one.at("involvedObject").as_object()["fieldPath"] = "spec.containers{side}";
  CHECK(explained(scene).empty());
  scene = recorded::scene("unready");
  for (auto& one : scene.related)
    if (one.at("kind") == "Event") one.at("involvedObject").as_object()["uid"] = "other";
  CHECK(explained(scene).empty());
}

TEST_CASE("nothing a server says reaches a terminal as it is") {
  auto scene = recorded::scene("no-command");
  container(scene)["name"] = "w\x1b[2Jeb";
  container(scene)["lastState"].at("terminated").as_object()["message"] = "a\x1b]52;c;x\x07\u202e";
  scene.object.at("metadata").as_object()["name"] =
      "no\x1b"
      "command";
  REQUIRE_FALSE(explained(scene).empty());
  for (const auto& one : explained(scene)) {
    std::string all = one.diagnostic.message + one.diagnostic.subject + one.diagnostic.help + one.rule;
    for (const auto& [name, value] : one.diagnostic.facts) all += name + value;
    CHECK(std::ranges::none_of(all, [](char c) { return static_cast<unsigned char>(c) < 0x20; }));
    CHECK(all.find("\u202e") == std::string::npos);
  }
}

TEST_CASE("the last twenty lines of a log are kept, fit for a terminal") {
  Explanation one;
  std::vector<std::string> lines;
  for (int i = 1; i <= 25; ++i) lines.push_back("line " + std::to_string(i) + "\x1b[31m\r");
  add_log(one, lines);
  REQUIRE(one.diagnostic.log.size() == 20);
  CHECK(one.diagnostic.log.front() == "line 6?[31m");
  CHECK(one.diagnostic.log.back() == "line 25?[31m");
}

TEST_CASE("a route that is refused carries the words of who refused it") {
  const auto route = [](const std::string& reason) {
    return recorded::parse(
        R"({"apiVersion":"gateway.networking.k8s.io/v1","kind":"HTTPRoute","metadata":{"namespace":"shop",
      "name":"web","generation":1},"spec":{"parentRefs":[{"namespace":"infra","name":"public"}]},"status":{"parents":[
      {"parentRef":{"namespace":"infra","name":"public"},"conditions":[{"type":"Accepted","status":"False","reason":")" +
        reason + R"(","message":"no\u001b","observedGeneration":1}]}]}})");
  };
  const auto found = explain(route("NotAllowedByListeners"), {});
  REQUIRE(found.size() == 1);
  CHECK(found[0].diagnostic.code == "H0471");
  CHECK(found[0].diagnostic.message == "gateway `infra/public` refuses `httproute/web`");
  CHECK(found[0].prospect == hopeless);
  CHECK(fact(found[0], "told").starts_with("NotAllowedByListeners: no"));
  CHECK(fact(found[0], "told").find('\x1b') == std::string::npos);
  CHECK(found[0].diagnostic.help.find("--gateway") != std::string::npos);
  CHECK(explain(route("Pending"), {}).front().prospect == may_heal);

  const auto claimed = explain(recorded::parse(R"({"apiVersion":"route.openshift.io/v1","kind":"Route",
    "metadata":{"namespace":"shop","name":"web"},"spec":{"host":"a.example"},"status":{"ingress":[{"host":"a.example",
    "routerName":"default","conditions":[{"type":"Admitted","status":"False","reason":"HostAlreadyClaimed",
    "message":"route other already exposes a.example and is older"}]}]}})"),
                               {});
  REQUIRE(claimed.size() == 1);
  CHECK(claimed[0].diagnostic.message == "router `default` refuses `route/web`");
  CHECK(fact(claimed[0], "told") == "HostAlreadyClaimed: route other already exposes a.example and is older");
  CHECK(claimed[0].prospect == hopeless);
}

TEST_CASE("a registry that cannot be reached is not taken for one that refuses") {
  for (const char* message :
       {R"(failed to do request: Head "https://r/v2/app/manifests/1.403.0": dial tcp 10.1.2.3:443: i/o timeout)",
        "failed to copy: read tcp 10.1.2.3:40312->10.1.2.4:443: connection reset by peer"}) {
    CAPTURE(message);
    auto scene = recorded::scene("image-private-image");
    container(scene)["state"].at("waiting") = {{"reason", "ErrImagePull"}, {"message", message}};
    const auto all = explained(scene);
    REQUIRE(all.size() == 1);
    CHECK(all[0].diagnostic.code == "H0452");
    CHECK(all[0].prospect == may_heal);
  }
}

TEST_CASE("a runtime that has lost a task will start another") {
  auto scene = recorded::scene("no-command");
  const auto lost = boost::json::object{
      {"reason", "StartError"},
      {"message", "failed to get sandbox container task: no running task found: task 7c: not found"}};
  container(scene)["state"] = {{"terminated", lost}};
  container(scene)["lastState"] = boost::json::object{};
  container(scene)["restartCount"] = 0;
  const auto all = explained(scene);
  REQUIRE(all.size() == 1);
  CHECK(all[0].prospect == may_heal);
}

TEST_CASE("what kept a container from starting is over once it runs") {
  auto scene = recorded::scene("no-command");
  const auto failed = boost::json::object{{"reason", "StartError"}, {"message", "exec: \"x\": permission denied"}};
  container(scene)["state"] = {{"running", {{"startedAt", "2026-01-01T00:00:00Z"}}}};
  container(scene)["lastState"] = {{"terminated", failed}};
  for (const auto& cause : explained(scene)) CHECK(cause.diagnostic.code != "H0455");
  container(scene)["state"] = {{"waiting", {{"reason", "CrashLoopBackOff"}}}};
  REQUIRE(explained(scene).size() == 1);
  CHECK(explained(scene)[0].diagnostic.code == "H0455");
}

TEST_CASE("a refusal from before the last write is no news, until it comes again") {
  recorded::Scene scene{
      .object = recorded::parse(
          R"({"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"db","uid":"s","generation":2},"status":{"observedGeneration":2}})"),
      .related = {recorded::parse(
          R"({"apiVersion":"v1","kind":"Event","type":"Warning","reason":"FailedCreate","count":3,"metadata":{"uid":"e"},"involvedObject":{"kind":"StatefulSet","name":"db","uid":"s"},"message":"create Pod db-0 in StatefulSet db failed error: pods \"db-0\" is forbidden: exceeded quota: few, requested: pods=1, used: pods=0, limited: pods=0"})")}};
  REQUIRE(explained(scene).size() == 1);
  CHECK(explained(scene)[0].diagnostic.code == "H0458");
  const Tolerance after{.before = sightings_by_uid(scene.related)};
  CHECK(explained(scene, after).empty());
  scene.related[0].as_object()["count"] = 4;
  CHECK(explained(scene, after).size() == 1);
}

TEST_CASE("a pod of a StatefulSet's older revision is on its way out") {
  auto scene = recorded::scene("statefulset-stuck");
  REQUIRE_FALSE(explained(scene).empty());
  scene.object.at("status").as_object()["updateRevision"] = "db-newer";
  CHECK(explained(scene).empty());
}

TEST_CASE("a first start that was begun with another image is told at once, and what begins it anew") {
  auto [cluster, related] = recorded::scene("cnpg-image-missing");
  const auto begun = explain(cluster, related);
  REQUIRE_FALSE(begun.empty());
  CHECK(begun.front().diagnostic.code == "H0450");
  REQUIRE_FALSE(begun.front().diagnostic.notes.empty());
  CHECK(begun.front().diagnostic.notes.back().find(
            "kubectl delete --cascade=foreground cluster.postgresql.cnpg.io nobody -n rec-cnpg") != std::string::npos);

  // The recording leaves out what the Job makes its pod of; tests/live has a whole one.
  for (auto& one : related)
    if (one.at("kind") == "Job")
      one.at("spec").as_object()["template"] =
          recorded::parse(R"({"spec":{"containers":[{"name":"initdb","image":"localhost/harmony/nobody:15"}]}})");
  CHECK(explain(cluster, related).front().diagnostic.code == "H0450");
  cluster.at("spec").at("imageName") = "localhost/harmony/postgresql:15";
  const auto corrected = explain(cluster, related);
  REQUIRE(corrected.size() == 1);
  CHECK(corrected.front().diagnostic.code == "H0443");
  CHECK(corrected.front().prospect == Prospect::hopeless);
  CHECK(corrected.front().is_current);
  CHECK(corrected.front().diagnostic.facts.front().second == "localhost/harmony/nobody:15");

  // One that is at work is waited for: the correction reaches the server when it is done.
  std::vector<boost::json::value> at_work;
  for (const auto& one : related)
    if (one.at("kind") != "Pod") at_work.push_back(one);
  for (const auto& one : explain(cluster, at_work)) CHECK(one.diagnostic.code != "H0443");

  for (auto& one : related)
    if (one.at("kind") == "Job") one.at("status").as_object()["succeeded"] = 1;
  for (const auto& one : explain(cluster, related)) CHECK(one.diagnostic.code != "H0443");
}
