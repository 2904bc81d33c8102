#include "k8s/difference.hpp"

#include <algorithm>

#include "catch.hpp"
#include "recorded.hpp"

using namespace harmony;
using namespace harmony::k8s;

namespace {

/// Tells values apart without saying them.
class Fingerprints final : public Fingerprinter {
 public:
  std::string of(std::string_view value) const override {
    return std::to_string(std::hash<std::string_view>{}(value) % 9973);
  }
};
const Fingerprints fingerprints;

std::string print_of(std::string_view value) { return "fingerprint " + fingerprints.of(value); }

struct Row {
  std::string_view before, after;
  std::vector<FieldChange> changes;
};

void check(const Row& row) {
  CAPTURE(row.before, row.after);
  const auto before = recorded::parse(row.before), after = recorded::parse(row.after);
  const auto changes = field_changes(&before, after, fingerprints);
  std::string told;
  for (const auto& one : changes) told += one.path + ": " + one.before + " -> " + one.after + "\n";
  CAPTURE(told);
  CHECK(changes == row.changes);
}

/// With another value at `pointer`, whose last step need not be there yet.
boost::json::value changed(boost::json::value object, std::string_view pointer, std::string_view value) {
  const auto last = pointer.rfind('/');
  object.at_pointer(boost::json::string_view(pointer.data(), last)).as_object()[pointer.substr(last + 1)] =
      recorded::parse(value);
  return object;
}

}  // namespace

TEST_CASE("fields differ by their path, items by their keys") {
  const std::vector<Row> rows{
      {R"({"kind":"Deployment","spec":{"template":{"spec":{"containers":[{"name":"side","image":"a"},{"name":"web","image":"b"}]}}}})",
       R"({"kind":"Deployment","spec":{"template":{"spec":{"containers":[{"name":"side","image":"a"},{"name":"web","image":"c"}]}}}})",
       {{"spec.template.spec.containers[name=web].image", "b", "c"}}},
      // Put in before the others: one item is new, none is changed.
      {R"({"env":[{"name":"B","value":"2"}]})",
       R"({"env":[{"name":"A","value":"1"},{"name":"B","value":"2"}]})",
       {{"env[name=A].name", "", "A"}, {"env[name=A].value", "", "1"}}},
      {R"({"env":[{"name":"A","value":"1"},{"name":"B","value":"2"}]})",
       R"({"env":[{"name":"B","value":"2"},{"name":"A","value":"1"}]})",
       {{"env", "[name=A][name=B]", "[name=B][name=A]"}}},
      {R"({"ports":[{"containerPort":80}]})",
       R"({"ports":[{"containerPort":80,"protocol":"TCP","name":"http"}]})",
       {{"ports[containerPort=80,protocol=TCP].protocol", "", "TCP"},
        {"ports[containerPort=80,protocol=TCP].name", "", "http"}}},
      // Nothing tells the items apart: by place.
      {R"({"rules":[{"a":1},{"a":2}]})", R"({"rules":[{"a":1},{"a":3}]})", {{"rules[1].a", "2", "3"}}},
      {R"({"names":[{"name":"x"},{"name":"x"}]})", R"({"names":[{"name":"x"}]})", {{"names[1].name", "x", ""}}},
      {R"({"args":["a","b"]})", R"({"args":["a"]})", {{"args", R"(["a","b"])", R"(["a"])"}}},
      {R"({"a":{"b":1}})", R"({"a":{}})", {{"a.b", "1", ""}}},
      {R"({"a":{"b":1}})", R"({})", {{"a.b", "1", ""}}},
      {R"({"a":1})", R"({"a":{"b":1}})", {{"a", "1", R"({"b":1})"}}},
      {R"({"a":null})", R"({"a":false})", {{"a", "null", "false"}}},
      {R"({"metadata":{"annotations":{"a.example/b":"1"}}})",
       R"({"metadata":{"annotations":{"a.example/b":"2"}}})",
       {{R"(metadata.annotations["a.example/b"])", "1", "2"}}},
      // Several lines: only those that differ.
      {"{\"data\":{\"nginx.conf\":\"one\\ntwo\\nthree\\n\"}}",
       "{\"data\":{\"nginx.conf\":\"one\\n2\\nthree\\n\"}}",
       {{R"(data["nginx.conf"] line 2)", "two", "2"}}},
      // Nothing for a terminal to act upon.
      {R"({"a":"x"})", R"({"a":"\u001b[2J\u202e"})", {{"a", "x", "?[2J?"}}},
      {R"({"a":{}})", R"({"a":{"\u001b":1}})", {{R"(a["?"])", "", "1"}}},
      // The server's own.
      {R"({"metadata":{"generation":1,"resourceVersion":"7","managedFields":[],"uid":"a"},"status":{"x":1}})",
       R"({"metadata":{"generation":2,"resourceVersion":"8","managedFields":[1],"creationTimestamp":"now"},"status":{"x":2}})",
       {}},
      // Of an object, not of a template.
      {R"({"spec":{"template":{"metadata":{"generation":1}}}})",
       R"({"spec":{"template":{"metadata":{"generation":2}}}})",
       {{"spec.template.metadata.generation", "1", "2"}}},
  };
  for (const Row& row : rows) check(row);
}

TEST_CASE("a secret's value is nowhere, its fingerprint is, alike in data and stringData") {
  const std::vector<Row> rows{
      {R"({"apiVersion":"v1","kind":"Secret","data":{"password":"aHVudGVyMg=="}})",
       R"({"apiVersion":"v1","kind":"Secret","data":{"password":"aHVudGVyMw=="}})",
       {{"data.password", print_of("hunter2"), print_of("hunter3")}}},
      {R"({"apiVersion":"v1","kind":"Secret"})",
       R"({"apiVersion":"v1","kind":"Secret","stringData":{"password":"hunter2"}})",
       {{"data.password", "", print_of("hunter2")}}},
      {R"({"apiVersion":"v1","kind":"Secret"})",
       R"({"apiVersion":"v1","kind":"Secret","data":{"a":"not base64"}})",
       {{"data.a", "", print_of("not base64")}}},
      {R"({"apiVersion":"v1","kind":"Secret","data":"hunter2"})",
       R"({"apiVersion":"v1","kind":"Secret","data":{"a":["hunter3"]}})",
       {{"data", print_of("hunter2"), print_of(R"({"a":["hunter3"]})")}}},
  };
  for (const Row& row : rows) check(row);
}

TEST_CASE("what kubectl keeps of a secret in an annotation is hidden, too") {
  const auto before = recorded::parse(R"({"apiVersion":"v1","kind":"Secret","metadata":{"annotations":{}}})");
  const auto after = recorded::parse(
      R"({"apiVersion":"v1","kind":"Secret","metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"stringData\":{\"a\":\"hunter2\"}}\n"}}})");
  const auto changes = field_changes(&before, after, fingerprints);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].after.find("hunter2") == std::string::npos);
  CHECK(changes[0].after.starts_with("fingerprint "));
}

TEST_CASE("recorded dry runs differ in what was changed, and in nothing else") {
  struct Case {
    const char* name;
    std::vector<FieldChange> changes;
    const char* effect;
  };
  const std::vector<Case> cases{
      {"a value changed",
       {{"spec.template.spec.containers[name=web].image", "localhost/harmony/pause:1", "localhost/harmony/pause:2"}},
       "no pod is restarted: there is none"},
      {"a field given up", {{"data.b", "2", ""}}, "in place"},
      {"an emptied map", {{"data.a", "1", ""}}, "in place"},
      {"items in another order",
       {{"spec.template.spec.containers[name=web].env", "[name=A][name=B]", "[name=B][name=A]"}},
       "no pod is restarted: there is none"},
      {"plain", {}, ""},
      // The fields are the same; that they are ours from now on is no change of the object.
      {"made by a plain create", {}, ""},
  };
  for (const auto& [name, changes, effect] : cases) {
    CAPTURE(name);
    const auto apply = recorded::apply(name);
    CHECK(field_changes(&apply.live, apply.after, fingerprints) == changes);
    CHECK(effect_of(apply.live, apply.after) == effect);
  }
}

TEST_CASE("the effect says what happens to the pods") {
  const auto web = recorded::scene("deployment-ready").object;
  const auto agent = recorded::scene("daemonset-ready").object;
  const auto db = recorded::scene("statefulset-ready").object;
  constexpr const char* image = "/spec/template/spec/containers/0/image";
  CHECK(effect_of(web, changed(web, image, R"("other")")) == "rolling restart of 3 pods");
  CHECK(effect_of(web, changed(web, "/spec/replicas", "5")) == "scales 3 -> 5");
  CHECK(effect_of(web, changed(changed(web, "/spec/replicas", "2"), image, R"("other")")) ==
        "rolling restart of 2 pods, scales 3 -> 2");
  CHECK(effect_of(web, changed(changed(web, "/spec/strategy", R"({"type":"Recreate"})"), image, R"("other")")) ==
        "interrupts service: stops 3 pods, then starts them anew");
  CHECK(effect_of(web, changed(web, "/spec/minReadySeconds", "5")) == "in place");
  CHECK(effect_of(web, changed(changed(web, "/spec/paused", "true"), image, R"("other")")) ==
        "no pod is restarted: it is paused");
  CHECK(effect_of(web, changed(web, "/status/replicas", "7")) == "");
  CHECK(effect_of(agent, changed(agent, image, R"("other")")) == "interrupts service: restarts 1 pod");
  CHECK(effect_of(db, changed(db, image, R"("other")")) == "rolling restart of 2 pods");
  const auto cluster = recorded::scene("cnpg-ready").object;
  const auto asleep = recorded::scene("cnpg-hibernated").object;
  const auto awake = changed(asleep, "/metadata/annotations", R"({"cnpg.io/hibernation":"off"})");
  CHECK(effect_of(cluster, changed(cluster, "/spec/imageName", R"("other")")) == "interrupts service: restarts 1 pod");
  CHECK(effect_of(cluster, changed(cluster, "/spec/postgresql/parameters/max_connections", R"("77")")) ==
        "reloads, or restarts 1 pod where a setting needs it");
  CHECK(effect_of(cluster, changed(cluster, "/spec/storage/size", R"("2Gi")")) == "in place");
  CHECK(effect_of(asleep, awake) == "starts its pods again");
  CHECK(effect_of(awake, asleep) == "stops its pods: its data stays");
  CHECK(effect_of(db, changed(changed(db, "/spec/updateStrategy", R"({"type":"OnDelete"})"), image, R"("other")")) ==
        "2 pods keep the old template until they are deleted");
  const auto claim = recorded::scene("claim-bound").object;
  CHECK(effect_of(claim, changed(claim, "/spec/resources/requests/storage", R"("2Mi")")) ==
        "grows the volume 1Mi -> 2Mi");
}

TEST_CASE("what cannot be changed in place is recreated, and says why") {
  struct Case {
    const char* scene;
    const char* pointer;
    const char* value;
    const char* path;
  };
  for (const auto& [scene, pointer, value, path] :
       {Case{"deployment-ready", "/spec/selector", R"({"matchLabels":{"app":"other"}})", "spec.selector"},
        {"statefulset-ready", "/spec/serviceName", R"("other")", "spec.serviceName"},
        {"job-done", "/spec/template/spec/containers/0/image", R"("other")", "spec.template"},
        {"service-web", "/spec/clusterIP", R"("10.1.2.3")", "spec.clusterIP"},
        {"claim-bound", "/spec/storageClassName", R"("other")", "spec.storageClassName"}}) {
    CAPTURE(scene);
    const auto live = recorded::scene(scene).object;
    const auto result = changed(live, pointer, value);
    CHECK(immutable_changes(live, result) == std::vector<std::string>{path});
    const auto change = object_change({"k8s", "x", "y"}, &live, result, fingerprints);
    CHECK(change.action == Action::replace);
    CHECK(change.effect == std::string("recreates it: ") + path + " is immutable");
    CHECK(change.identity == std::string(live.at("metadata").at("uid").as_string()));
  }
  const auto fixed = recorded::parse(R"({"apiVersion":"v1","kind":"ConfigMap","immutable":true,"data":{"a":"1"}})");
  CHECK(immutable_changes(fixed, changed(fixed, "/data/a", R"("2")")) == std::vector<std::string>{"data"});
  // What the Score leaves out is the server's to fill in.
  auto silent = recorded::scene("service-web").object;
  silent.at("spec").as_object().erase("clusterIP");
  CHECK(immutable_changes(recorded::scene("service-web").object, silent).empty());
}

TEST_CASE("an object that is not there is created, one that is the same is unchanged") {
  const auto apply = recorded::apply("configuration");
  const auto created = object_change({"k8s", "configmap", "x"}, nullptr, apply.desired, fingerprints);
  CHECK(created.action == Action::create);
  CHECK(std::ranges::find(created.fields, FieldChange{"data.a", "", "1"}) != created.fields.end());
  CHECK(object_change({"k8s", "configmap", "x"}, &apply.live, apply.live, fingerprints).action == Action::unchanged);
}
