#include "k8s/field_set.hpp"

#include <algorithm>

#include "catch.hpp"
#include "recorded.hpp"

using namespace harmony::k8s;

namespace {

FieldSet set_of(std::string_view fields) { return FieldSet::from_fields_v1(recorded::parse(fields)); }

const Owner* owner(const std::vector<Owner>& owners, const std::string& manager) {
  const auto found =
      std::ranges::find_if(owners, [&](const Owner& one) { return one.manager == manager && one.applied; });
  return found == owners.end() ? nullptr : &*found;
}

/// Its text, without the timestamps that are the server's.
std::string shown(const FieldSet& set) {
  std::string text;
  for (const auto& path : set.paths()) text += path + "\n";
  return text;
}

}  // namespace

TEST_CASE("paths are written as a server writes them") {
  struct Row {
    std::string_view fields;
    std::vector<std::string> paths;
  };
  const std::vector<Row> rows{
      {R"({"f:spec":{"f:replicas":{}}})", {".spec.replicas"}},
      {R"({"f:containers":{"k:{\"name\":\"web\"}":{".":{},"f:image":{}}}})",
       {".containers[name=\"web\"]", ".containers[name=\"web\"].image"}},
      {R"({"f:ports":{"k:{\"protocol\":\"TCP\",\"port\":80}":{"f:port":{}}}})",
       {".ports[port=80,protocol=\"TCP\"].port"}},
      {R"({"f:finalizers":{"v:\"a.example/hold\"":{}}})", {".finalizers[=\"a.example/hold\"]"}},
      {R"({"f:list":{"i:0":{}}})", {".list[0]"}},
      {R"({"f:labels":{".":{},"f:a.example/b":{}}})", {".labels", ".labels.a.example/b"}},
      {R"({})", {}},
      {R"([])", {}},
      {R"({"what":{},"f:a":{}})", {".a"}},
      {R"({"k:nonsense":{}})", {"[]"}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.fields);
    CHECK(set_of(row.fields).paths() == row.paths);
  }
}

TEST_CASE("the keys of an item are equal in whatever order they are written") {
  const auto one = set_of(R"({"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{}}})");
  const auto other = set_of(R"({"f:ports":{"k:{ \"protocol\" : \"TCP\", \"port\": 80 }":{}}})");
  CHECK(one == other);
}

TEST_CASE("fieldsV1 is written as it was read") {
  for (const char* name : {"applies", "ingress-nginx", "argo-cd", "cnpg"})
    for (const auto& apply : recorded::applies(name))
      if (const auto* entries = apply.live.at("metadata").as_object().if_contains("managedFields"))
        for (const auto& entry : entries->as_array()) {
          CAPTURE(apply.name);
          CHECK(FieldSet::from_fields_v1(entry.at("fieldsV1")).fields_v1() == entry.at("fieldsV1"));
        }
}

TEST_CASE("sets are united, subtracted and compared by path") {
  auto a = set_of(R"({"f:a":{},"f:b":{"f:c":{}}})");
  const auto b = set_of(R"({"f:b":{"f:c":{},"f:d":{}}})");
  CHECK(a.without(b).paths() == std::vector<std::string>{".a"});
  CHECK(b.without(a).paths() == std::vector<std::string>{".b.d"});
  CHECK_FALSE(a.contains_all(b));
  a.add(b);
  CHECK(a.contains_all(b));
  CHECK(a.paths() == std::vector<std::string>{".a", ".b.c", ".b.d"});
  CHECK(a.without(a).empty());
  CHECK(set_of(R"({"f:a":{".":{},"f:b":{}}})").without(set_of(R"({"f:a":{"f:b":{}}})")).paths() ==
        std::vector<std::string>{".a"});
}

TEST_CASE("a path is looked up as it is written in a conflict") {
  const auto set = set_of(
      R"({"f:spec":{"f:replicas":{},"f:containers":{"k:{\"name\":\"a.b]\"}":{".":{},"f:image":{}}}},"f:data":{"f:with.dot":{}}})");
  for (const char* path : {".spec.replicas", ".spec.containers[name=\"a.b]\"]", ".spec.containers[name=\"a.b]\"].image",
                           ".data.with.dot"}) {
    CAPTURE(path);
    CHECK(set.contains(path));
  }
  for (const char* path : {"", ".", ".spec", ".spec.replicas2", ".spec.replica", ".spec.containers[name=\"a.b]\"].name",
                           ".data.with", ".spec.replicas.x", "spec.replicas"}) {
    CAPTURE(path);
    CHECK_FALSE(set.contains(path));
  }
}

TEST_CASE("every recorded owner is read: manager, operation, subresource") {
  const auto owners = owners_of(recorded::apply("replicas taken by another manager").live);
  const auto scaler = std::ranges::find(owners, std::string("scale"), &Owner::subresource);
  REQUIRE(scaler != owners.end());
  CHECK(scaler->manager == "kubectl");
  CHECK_FALSE(scaler->applied);
  CHECK(scaler->fields.contains(".spec.replicas"));
  CHECK(scaler->version == "apps/v1");
  CHECK(owners_of(recorded::parse(R"({"metadata":{}})")).empty());
}

/// Held to the server: what it says an apply owns is what we say before it.
TEST_CASE("the leaves of a desired object are what its apply owns") {
  int compared = 0;
  for (const char* name : {"applies", "ingress-nginx", "argo-cd", "cnpg"})
    for (const auto& apply : recorded::applies(name)) {
      if (apply.changes) continue;  // what is live is not what was applied last
      const auto owners = owners_of(apply.live);
      const Owner* ours = owner(owners, "harmony");
      if (!ours) continue;
      ++compared;
      CAPTURE(name, apply.name);
      CHECK(shown(fields_of(apply.desired, ours->fields)) == shown(ours->fields));
    }
  CHECK(compared > 100);
}

TEST_CASE("the lists of built-in kinds have their keys without any help") {
  int compared = 0;
  for (const auto& apply : recorded::applies("applies")) {
    const auto owners = owners_of(apply.live);
    const Owner* ours = owner(owners, "harmony");
    if (apply.changes || !ours || apply.name == "custom resource") continue;
    ++compared;
    CAPTURE(apply.name);
    CHECK(shown(fields_of(apply.desired)) == shown(ours->fields));
  }
  CHECK(compared > 25);
}

TEST_CASE("a list of a custom resource is atomic until its owner shows keys") {
  const auto desired =
      recorded::parse(R"({"apiVersion":"a.example/v1","kind":"A","spec":{"containers":[{"name":"x","v":1}]}})");
  CHECK(fields_of(desired).paths() == std::vector<std::string>{".spec.containers"});
  const auto shown_set = set_of(R"({"f:spec":{"f:containers":{"k:{\"name\":\"y\"}":{".":{},"f:name":{}}}}})");
  CHECK(fields_of(desired, shown_set).paths() == std::vector<std::string>{".spec.containers[name=\"x\"]",
                                                                          ".spec.containers[name=\"x\"].name",
                                                                          ".spec.containers[name=\"x\"].v"});
}
