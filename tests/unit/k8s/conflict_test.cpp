#include "k8s/conflict.hpp"

#include <algorithm>

#include "catch.hpp"
#include "recorded.hpp"

using namespace harmony::k8s;

TEST_CASE("a cause within what we applied last is drift, any other a conflict") {
  const auto status = recorded::refusal("conflict-two");
  const Claim replicas{".spec.replicas", "kubectl", "subresource scale, apps/v1"};
  const Claim image{".spec.template.spec.containers[name=\"web\"].image", "kubectl-set", "apps/v1"};
  const auto replicas_owned = FieldSet::from_fields_v1(recorded::parse(R"({"f:spec":{"f:replicas":{}}})"));

  const auto mixed = conflict_of(status, replicas_owned);
  REQUIRE(mixed);
  CHECK(mixed->drift == std::vector{replicas});
  CHECK(mixed->conflicts == std::vector{image});
  CHECK_FALSE(mixed->only_drift());

  const auto foreign = conflict_of(status, {});
  REQUIRE(foreign);
  CHECK(foreign->conflicts == std::vector{replicas, image});

  auto all = replicas_owned;
  all.add(FieldSet::from_fields_v1(recorded::parse(
      R"({"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{"f:image":{}}}}}}})")));
  const auto drift = conflict_of(status, all);
  REQUIRE(drift);
  CHECK(drift->only_drift());
  CHECK(drift->drift == std::vector{replicas, image});
  CHECK(drift_text(drift->drift) ==
        "`kubectl` has changed `spec.replicas` since the last deploy; "
        "`kubectl-set` has changed `spec.template.spec.containers[name=\"web\"].image` since the last deploy");
}

TEST_CASE("fields that somebody has changed are named, up to three of each") {
  CHECK(drift_text({}).empty());
  CHECK(drift_text({{".data.a", "kubectl-edit"},
                    {".data.b", "kubectl-edit"},
                    {".data.c", "kubectl-edit"},
                    {".data.d", "kubectl-edit"},
                    {".data.e", "kubectl-edit"}}) ==
        "`kubectl-edit` has changed `data.a`, `data.b`, `data.c` and 2 more since the last deploy");
}

TEST_CASE("fields that others have taken show in who owns what") {
  const auto owned = FieldSet::from_fields_v1(recorded::parse(R"({"f:data":{"f:a":{},"f:b":{},"f:c":{}}})"));
  const auto live = recorded::parse(R"({"metadata":{"managedFields":[
    {"manager":"harmony","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:a":{}}}},
    {"manager":"kubectl-edit","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1",
     "fieldsV1":{"f:data":{"f:a":{},"f:b":{},"f:d":{}}}}]}})");
  CHECK(taken_fields(live, owned, "harmony") == std::vector<Claim>{{".data.b", "kubectl-edit"}});
  CHECK(taken_fields(live, {}, "harmony").empty());
  CHECK(taken_fields({}, owned, "harmony").empty());
}

TEST_CASE("what others have put into the pods beside ours is told by its outermost path") {
  const auto live = recorded::parse(R"({"metadata":{"managedFields":[
    {"manager":"harmony","operation":"Apply","apiVersion":"apps/v1","fieldsType":"FieldsV1","fieldsV1":
     {"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{".":{},"f:name":{},"f:image":{},"f:env":{"k:{\"name\":\"A\"}":{".":{},"f:name":{}}}}}}}}}},
    {"manager":"kubectl-set","operation":"Update","apiVersion":"apps/v1","fieldsType":"FieldsV1","fieldsV1":
     {"f:spec":{"f:replicas":{},"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{"f:image":{},"f:env":
       {"k:{\"name\":\"B\"}":{".":{},"f:name":{},"f:value":{}},"k:{\"name\":\"BB\"}":{".":{},"f:name":{}}}}}}}}}},
    {"manager":"kube-controller-manager","operation":"Update","apiVersion":"apps/v1","subresource":"status","fieldsType":"FieldsV1",
     "fieldsV1":{"f:spec":{"f:template":{"f:spec":{"f:hostNetwork":{}}}}}}]}})");
  const auto added = added_to_pods(live, "harmony");
  CHECK(added == std::vector<Claim>{{".containers[name=\"web\"].env[name=\"B\"]", "kubectl-set"},
                                    {".containers[name=\"web\"].env[name=\"BB\"]", "kubectl-set"}});
  CHECK(
      addition_text(added) ==
      "`kubectl-set` has set `containers[name=\"web\"].env[name=\"B\"]`, `containers[name=\"web\"].env[name=\"BB\"]`");
  CHECK(addition_text({}).empty());
  CHECK(added_to_pods(live, "somebody").empty());  // who has applied nothing has not made it
}

TEST_CASE("one cause is told in another form than two") {
  const auto one = conflict_of(recorded::refusal("conflict"), {});
  REQUIRE(one);
  CHECK(one->conflicts == std::vector<Claim>{{".data.a", "kubectl-create", "v1"}});
  const auto scaled = conflict_of(recorded::refusal("conflict-scale"), {});
  REQUIRE(scaled);
  CHECK(scaled->conflicts == std::vector<Claim>{{".spec.replicas", "kubectl", "subresource scale, apps/v1"}});
}

TEST_CASE("other refusals are no conflict of managers") {
  for (const char* name : {"forbidden", "immutable", "quota", "webhook-denied"}) {
    CAPTURE(name);
    CHECK_FALSE(conflict_of(recorded::refusal(name), {}));
  }
  CHECK_FALSE(conflict_of(
      recorded::parse(
          R"({"kind":"Status","reason":"Conflict","message":"uid mismatch: the provided object specified uid a, and no existing object was found","code":409})"),
      {}));
  CHECK_FALSE(conflict_of(boost::json::value(), {}));
}

TEST_CASE("a manager's name is made fit for a terminal") {
  const auto conflict = conflict_of(
      recorded::parse(
          R"({"reason":"Conflict","details":{"causes":[{"reason":"FieldManagerConflict","field":".a\u001b[2J","message":"conflict with \"ev\\\"il\u001b]52;c;x\u0007\u202e\" using v1"}]}})"),
      {});
  REQUIRE(conflict);
  REQUIRE(conflict->conflicts.size() == 1);
  CHECK(conflict->conflicts[0].manager == "ev\"il?]52;c;x??");
  CHECK(conflict->conflicts[0].path == ".a?[2J");
}

TEST_CASE("a conflict names field, owner and way out") {
  const auto conflict = conflict_of(recorded::refusal("conflict-two"),
                                    FieldSet::from_fields_v1(recorded::parse(R"({"f:spec":{"f:replicas":{}}})")));
  REQUIRE(conflict);
  const auto diagnostic = conflict_diagnostic("deployment/web", *conflict);
  CHECK(diagnostic.code == "H0470");
  CHECK(diagnostic.category == harmony::Category::refused);
  REQUIRE(diagnostic.facts.size() == 1);
  CHECK(diagnostic.facts[0].first == ".spec.template.spec.containers[name=\"web\"].image");
  CHECK(diagnostic.facts[0].second == "owned by `kubectl-set` (apps/v1)");
  CHECK(diagnostic.notes == std::vector<std::string>{"`.spec.replicas` was ours and was changed by `kubectl`"});
}
