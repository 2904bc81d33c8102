#include "k8s/proof.hpp"

#include <map>

#include "catch.hpp"
#include "k8s/quantity.hpp"
#include "recorded.hpp"

using namespace harmony::k8s;
using Why = Doubt::Why;

namespace {

/// With `fields` owned by the applies of `harmony`.
boost::json::value live(std::string_view object, std::string_view fields) {
  auto value = recorded::parse(object);
  boost::json::object entry{{"manager", "harmony"},
                            {"operation", "Apply"},
                            {"apiVersion", value.at("apiVersion")},
                            {"fieldsType", "FieldsV1"},
                            {"fieldsV1", recorded::parse(fields)}};
  value.as_object()["metadata"] = boost::json::object{{"managedFields", boost::json::array{std::move(entry)}}};
  return value;
}

/// Left out, it is what it was.
bool is_default(std::string_view field, const boost::json::value& value) {
  return (field == "protocol" && value == "TCP") || (field == "scope" && value == "*");
}

bool names_it(std::string_view field) {
  return field == "name" || field == "namespace" || field == "creationTimestamp";
}

/// Calls `taken` with each copy of `whole` in which one thing at or below `at` is another or is not there.
void vary(boost::json::value& whole, boost::json::value& at, bool metadata, std::vector<boost::json::value>& taken) {
  const auto as = [&](boost::json::value other) {
    std::swap(at, other);
    taken.push_back(whole);
    std::swap(at, other);
  };
  if (auto* object = at.if_object()) {
    for (auto& [field, value] : *object) {
      if (metadata && names_it(field)) continue;
      if (std::string_view(field) == "apiVersion" || std::string_view(field) == "kind") continue;
      vary(whole, value, &at == &whole && std::string_view(field) == "metadata", taken);
      auto without = *object;
      without.erase(field);
      if (!is_default(field, value) && !(&at == &whole && std::string_view(field) == "metadata")) as(without);
    }
  } else if (auto* list = at.if_array()) {
    for (auto& item : *list) vary(whole, item, false, taken);
    auto shorter = *list;
    if (!shorter.empty()) shorter.erase(shorter.begin());
    if (!list->empty()) as(shorter);
  } else {
    as(at == boost::json::value("another") ? "one more" : "another");
  }
}

std::vector<boost::json::value> variations(boost::json::value whole) {
  std::vector<boost::json::value> taken;
  vary(whole, whole, false, taken);
  return taken;
}

struct Row {
  std::string_view desired, live, fields;
  std::vector<Doubt> doubts;
};

void check(const Row& row) {
  CAPTURE(row.desired, row.live, row.fields);
  const auto proof = prove_unchanged(recorded::parse(row.desired), live(row.live, row.fields), "harmony");
  std::string told;
  for (const auto& doubt : proof.doubts) told += doubt.path + ": " + std::string(to_string(doubt.why)) + "\n";
  CAPTURE(told);
  CHECK(proof.doubts == row.doubts);
}

}  // namespace

/// The independent judge is the server: each of these was also sent as a dry run.
TEST_CASE("what is proven is unchanged, and most of what is unchanged is proven") {
  struct Expected {
    const char* name;
    int proven;
  };
  for (const auto& [name, expected] : {Expected{"applies", 28}, {"ingress-nginx", 19}, {"cnpg", 15}, {"argo-cd", 56}}) {
    int proven = 0, unchanged = 0;
    for (const auto& apply : recorded::applies(name)) {
      const auto proof = prove_unchanged(apply.desired, apply.live, "harmony");
      CAPTURE(name, apply.name);
      if (apply.changes) CHECK_FALSE(proof.holds());
      unchanged += !apply.changes;
      proven += proof.holds();
      if (!proof.holds() && !apply.changes)
        for (const auto& doubt : proof.doubts)
          UNSCOPED_INFO(apply.name << " " << doubt.path << ": " << to_string(doubt.why));
    }
    CAPTURE(unchanged);
    CHECK(proven >= expected);
  }
}

/// Every leaf of a wanted object in turn: with another value, and left out.
TEST_CASE("no other wish is taken for the same") {
  int tried = 0;
  for (const char* name : {"applies", "ingress-nginx", "cnpg", "argo-cd"})
    for (const auto& apply : recorded::applies(name)) {
      if (!prove_unchanged(apply.desired, apply.live, "harmony").holds()) continue;
      for (const auto& other : variations(apply.desired)) {
        ++tried;
        if (prove_unchanged(other, apply.live, "harmony").holds()) FAIL_CHECK(apply.name << "\n" << other);
      }
    }
  CHECK(tried > 2000);
}

TEST_CASE("a doubt names the path and why") {
  const std::map<std::string, std::vector<Doubt>> expected{
      {"replicas taken by another manager", {{".spec.replicas", Why::not_owned}}},
      {"a value changed by another manager", {{"", Why::never_applied}}},
      {"a field given up", {{".data.b", Why::given_up}}},
      {"an item given up", {{".spec.template.spec.containers[name=\"web\"].env[name=\"B\"]", Why::given_up}}},
      {"a value of an atomic list given up", {{".spec.template.spec.containers[name=\"web\"].args", Why::differs}}},
      {"a value changed", {{".spec.template.spec.containers[name=\"web\"].image", Why::differs}}},
      {"items in another order", {{".spec.template.spec.containers[name=\"web\"].env[name=\"A\"]", Why::order}}},
      {"made by a plain create", {{"", Why::never_applied}}},
      {"updated by us, not applied", {{"", Why::never_applied}}},
      {"applied through another version", {{"", Why::never_applied}}},
  };
  for (const auto& [name, doubts] : expected) {
    CAPTURE(name);
    const auto apply = recorded::apply(name);
    CHECK(prove_unchanged(apply.desired, apply.live, "harmony").doubts == doubts);
  }
}

TEST_CASE("what is only nearly the same is not proven") {
  const std::vector<Row> rows{
      // Amounts are amounts only where the built-in kinds have them.
      {R"({"apiVersion":"v1","kind":"ConfigMap","data":{"sizeLimit":"1024Mi"}})",
       R"({"apiVersion":"v1","kind":"ConfigMap","data":{"sizeLimit":"1Gi"}})",
       R"({"f:data":{"f:sizeLimit":{}}})",
       {{".data.sizeLimit", Why::differs}}},
      {R"({"apiVersion":"a.example/v1","kind":"A","limits":{"cpu":"0.5"}})",
       R"({"apiVersion":"a.example/v1","kind":"A","limits":{"cpu":"500m"}})",
       R"({"f:limits":{"f:cpu":{}}})",
       {{".limits.cpu", Why::differs}}},
      {R"({"apiVersion":"v1","kind":"ResourceQuota","spec":{"hard":{"cpu":"0.5","memory":"1Gi"}}})",
       R"({"apiVersion":"v1","kind":"ResourceQuota","spec":{"hard":{"cpu":"500m","memory":"1G"}}})",
       R"({"f:spec":{"f:hard":{"f:cpu":{},"f:memory":{}}}})",
       {{".spec.hard.memory", Why::differs}}},
      // A number and its text.
      {R"({"apiVersion":"a.example/v1","kind":"A","port":"80"})",
       R"({"apiVersion":"a.example/v1","kind":"A","port":80})",
       R"({"f:port":{}})",
       {{".port", Why::differs}}},
      // An empty value that is not there: only a built-in kind drops it.
      {R"({"apiVersion":"a.example/v1","kind":"A","text":""})",
       R"({"apiVersion":"a.example/v1","kind":"A"})",
       R"({"f:text":{}})",
       {{".text", Why::differs}}},
      {R"({"apiVersion":"v1","kind":"Pod","text":""})", R"({"apiVersion":"v1","kind":"Pod"})", R"({"f:text":{}})", {}},
      {R"({"apiVersion":"v1","kind":"Pod","text":"x"})",
       R"({"apiVersion":"v1","kind":"Pod"})",
       R"({"f:text":{}})",
       {{".text", Why::differs}}},
      // Nothing is owned of an empty map that was never applied.
      {R"({"apiVersion":"v1","kind":"Pod","spec":{"nodeSelector":{}}})",
       R"({"apiVersion":"v1","kind":"Pod","spec":{}})",
       R"({"f:spec":{}})",
       {{".spec", Why::differs}}},
      // A key field that the item leaves out has its default; another item has not.
      {R"({"apiVersion":"v1","kind":"Service","spec":{"ports":[{"port":53}]}})",
       R"({"apiVersion":"v1","kind":"Service","spec":{"ports":[{"port":53,"protocol":"UDP"}]}})",
       R"({"f:spec":{"f:ports":{"k:{\"port\":53,\"protocol\":\"UDP\"}":{".":{},"f:port":{}}}}})",
       {{".spec.ports", Why::not_owned}, {".spec.ports[port=53,protocol=\"UDP\"]", Why::given_up}}},
      // Two items of one key.
      {R"({"apiVersion":"v1","kind":"Pod","env":[{"name":"A"},{"name":"A"}]})",
       R"({"apiVersion":"v1","kind":"Pod","env":[{"name":"A"},{"name":"A"}]})",
       R"({"f:env":{"k:{\"name\":\"A\"}":{".":{},"f:name":{}}}})",
       {{".env[name=\"A\"]", Why::unreadable}}},
      // Owned by place, or by nonsense.
      {R"({"apiVersion":"v1","kind":"Pod","list":[1]})",
       R"({"apiVersion":"v1","kind":"Pod","list":[1]})",
       R"({"f:list":{"i:0":{}}})",
       {{".list", Why::unreadable}}},
      // A secret's text is what its data has to be.
      {R"({"apiVersion":"v1","kind":"Secret","stringData":{"p":"hunter3"}})",
       R"({"apiVersion":"v1","kind":"Secret","data":{"p":"aHVudGVyMg=="}})",
       R"({"f:stringData":{"f:p":{}}})",
       {{".stringData.p", Why::differs}}},
      {R"({"apiVersion":"v1","kind":"Secret","stringData":{"p":"hunter2"}})",
       R"({"apiVersion":"v1","kind":"Secret","data":{"p":"aHVudGVyMg=="}})",
       R"({"f:stringData":{"f:p":{},"f:q":{}}})",
       {{".stringData", Why::given_up}}},
      // What the server fills in is known in one field only.
      {R"({"apiVersion":"v1","kind":"Pod","fieldRef":{"fieldPath":"a"},"otherRef":{"fieldPath":"a"}})",
       R"({"apiVersion":"v1","kind":"Pod","fieldRef":{"apiVersion":"v1","fieldPath":"a"},"otherRef":{"apiVersion":"v1","fieldPath":"a"}})",
       R"({"f:fieldRef":{},"f:otherRef":{}})",
       {{".otherRef", Why::differs}}},
      {R"({"apiVersion":"v1","kind":"Pod","fieldRef":{"fieldPath":"a"}})",
       R"({"apiVersion":"v1","kind":"Pod","fieldRef":{"apiVersion":"v2","fieldPath":"a"}})",
       R"({"f:fieldRef":{}})",
       {{".fieldRef", Why::differs}}},
      {R"({"apiVersion":"v1","kind":"Pod","fieldRef":{"apiVersion":"v1","fieldPath":"a"}})",
       R"({"apiVersion":"v1","kind":"Pod","fieldRef":{"fieldPath":"a"}})",
       R"({"f:fieldRef":{}})",
       {{".fieldRef", Why::differs}}},
      // Another type than before.
      {R"({"apiVersion":"v1","kind":"Pod","a":[1]})",
       R"({"apiVersion":"v1","kind":"Pod","a":{"b":1}})",
       R"({"f:a":{"f:b":{}}})",
       {{".a", Why::differs}}},
  };
  for (const Row& row : rows) check(row);
}

TEST_CASE("what goes away, what is another kind and what is no object is not proven") {
  auto apply = recorded::apply("configuration");
  REQUIRE(prove_unchanged(apply.desired, apply.live, "harmony").holds());
  CHECK_FALSE(prove_unchanged(apply.desired, apply.live, "somebody").holds());
  auto going = apply.live;
  going.at("metadata").as_object()["deletionTimestamp"] = "2026-11-24T19:00:00Z";
  CHECK_FALSE(prove_unchanged(apply.desired, going, "harmony").holds());
  auto bare = apply.live;
  bare.at("metadata").as_object().erase("managedFields");
  CHECK_FALSE(prove_unchanged(apply.desired, bare, "harmony").holds());
  apply.live.as_object()["kind"] = "ConfigMapList";
  CHECK_FALSE(prove_unchanged(apply.desired, apply.live, "harmony").holds());
  CHECK_FALSE(prove_unchanged(boost::json::value(), boost::json::value(), "harmony").holds());
}

TEST_CASE("amounts are compared without rounding") {
  struct Pair {
    std::string_view one, other;
    bool same;
  };
  for (const auto& [one, other, same] :
       {Pair{"0.5", "500m", true},   {"1Gi", "1024Mi", true},
        {"1Gi", "1073741824", true}, {"1.5Gi", "1536Mi", true},
        {"1G", "1Gi", false},        {"1e3", "1k", true},
        {"1E3", "1000", true},       {"1E", "1000P", true},
        {"0", "0m", true},           {"-0", "0", true},
        {"100u", "0.1m", true},      {".5", "0.5", true},
        {"1.", "1", true},           {"+1", "1", true},
        {"1", "2", false},           {"", "", false},
        {"x", "x", false},           {"1 ", "1", false},
        {"1..0", "1", false},        {"1ki", "1k", false},
        {"1e", "1", false},          {"99999999999999999999", "99999999999999999999", false},
        {"16Ei", "16Ei", false}}) {
    CAPTURE(one, other);
    const auto first = parse_quantity(one), second = parse_quantity(other);
    CHECK((first && second && *first == *second) == same);
  }
}
