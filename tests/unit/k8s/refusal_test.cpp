#include "k8s/refusal.hpp"

#include <algorithm>

#include "catch.hpp"
#include "recorded.hpp"

using namespace harmony;
using namespace harmony::k8s;

namespace {

std::string fact(const Explanation& one, const std::string& name) {
  for (const auto& [key, value] : one.diagnostic.facts)
    if (key == name) return value;
  return {};
}

}  // namespace

TEST_CASE("every recorded refusal is told by its kind") {
  struct Row {
    const char* name;
    const char* code;
    Prospect prospect;
    Category category;
    const char* message;
    std::pair<const char*, const char*> fact;
  };
  const auto hopeless = Prospect::hopeless, may_heal = Prospect::may_heal;
  const std::vector<Row> rows{
      {"quota",
       "H0458",
       hopeless,
       Category::failed,
       "`x/y` does not fit into quota `few`",
       {"quota", "few, requested: pods=1, used: pods=0, limited: pods=0"}},
      {"namespace-absent", "H0459", hopeless, Category::failed, "namespace `rec-absent` is not there", {}},
      {"forbidden",
       "H0461",
       hopeless,
       Category::unreachable,
       "user `system:serviceaccount:rec-ok:ci` may not patch deployments in namespace `rec-ok`",
       {"rule", R"(apiGroups: ["apps"], resources: ["deployments"], verbs: ["patch"])"}},
      {"forbidden-list",
       "H0461",
       hopeless,
       Category::unreachable,
       "user `ci@example` may not list secrets in namespace `rec-ok`",
       {"in", "a Role in namespace `rec-ok`, bound to user `ci@example`"}},
      {"forbidden-cluster",
       "H0461",
       hopeless,
       Category::unreachable,
       "user `ci@example` may not list clusterroles",
       {"in", "a ClusterRole, bound to user `ci@example`"}},
      {"forbidden-subresource",
       "H0461",
       hopeless,
       Category::unreachable,
       "user `ci@example` may not get pods/log in namespace `rec-ok`",
       {"rule", R"(apiGroups: [""], resources: ["pods/log"], verbs: ["get"])"}},
      {"escalation",
       "H0461",
       hopeless,
       Category::unreachable,
       "`x/y` grants rights that the deploying user does not have",
       {"rights", R"({APIGroups:[""], Resources:["secrets"], Verbs:["get"]})"}},
      {"immutable",
       "H0462",
       hopeless,
       Category::refused,
       "a field of `x/y` cannot be changed in place",
       {"spec.selector", "field is immutable"}},
      {"immutable-job",
       "H0462",
       hopeless,
       Category::refused,
       "a field of `x/y` cannot be changed in place",
       {"spec.template", "field is immutable"}},
      {"immutable-service",
       "H0462",
       hopeless,
       Category::refused,
       "a field of `x/y` cannot be changed in place",
       {"spec.clusterIPs[0]", "may not change once set"}},
      {"immutable-configmap",
       "H0462",
       hopeless,
       Category::refused,
       "a field of `x/y` cannot be changed in place",
       {"data", "field is immutable when `immutable` is set"}},
      {"immutable-statefulset",
       "H0462",
       hopeless,
       Category::refused,
       "a field of `x/y` cannot be changed in place",
       {}},
      {"pod-security", "H0463", hopeless, Category::failed, "an admission rule of the cluster refuses `x/y`", {}},
      {"admission-policy",
       "H0463",
       hopeless,
       Category::failed,
       "an admission rule of the cluster refuses `x/y`",
       {"refused",
        "ValidatingAdmissionPolicy 'rec-replicas' with binding 'rec-replicas' denied request: no more than 5 "
        "replicas here"}},
      {"webhook-denied",
       "H0463",
       hopeless,
       Category::failed,
       "an admission rule of the cluster refuses `x/y`",
       {"refused",
        "admission webhook \"images.rec.example\" denied the request: images come from registry.example only"}},
      {"webhook-down",
       "H0464",
       may_heal,
       Category::failed,
       "webhook `absent.rec.example` that has to admit `x/y` does not answer",
       {}},
      {"namespace-terminating",
       "H0465",
       may_heal,
       Category::failed,
       "namespace `rec-going` is being deleted, and takes nothing new",
       {}},
      {"invalid",
       "H0466",
       hopeless,
       Category::usage,
       "the API server does not take `x/y`: it is not valid",
       {"spec.template.metadata.labels", "`selector` does not match template `labels`"}},
      {"unknown-field",
       "H0466",
       hopeless,
       Category::usage,
       "the API server does not take `x/y`: it is not valid",
       {"field", ".bogus: field not declared in schema"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto one = explain_refusal("x/y", recorded::refusal(row.name));
    REQUIRE(one);
    CHECK(one->diagnostic.code == row.code);
    CHECK(one->prospect == row.prospect);
    CHECK(one->diagnostic.category == row.category);
    CHECK(one->diagnostic.message == row.message);
    CHECK_FALSE(one->diagnostic.help.empty());
    CHECK_FALSE(one->rule.empty());
    if (row.fact.first) CHECK(fact(*one, row.fact.first) == row.fact.second);
  }
}

TEST_CASE("what has an explanation elsewhere, and what is no refusal, has none here") {
  CHECK_FALSE(explain_refusal("x/y", recorded::refusal("conflict")));
  CHECK_FALSE(explain_refusal(
      "x/y", recorded::parse(
                 R"({"kind":"Status","reason":"TooManyRequests","message":"please try again later","code":429})")));
  CHECK_FALSE(explain_refusal(
      "x/y", recorded::parse(
                 R"({"kind":"Status","reason":"NotFound","details":{"kind":"deployments","name":"web"},"code":404})")));
  CHECK_FALSE(explain_refusal("x/y", boost::json::value()));
}

TEST_CASE("a quota that is full may have room again, one that is too small never") {
  const auto quota = [](const char* amounts) {
    return explain_message("x/y", std::string("pods \"p\" is forbidden: exceeded quota: few, ") + amounts);
  };
  CHECK(quota("requested: pods=1, used: pods=3, limited: pods=3")->prospect == Prospect::may_heal);
  CHECK(quota("requested: memory=2Gi,pods=1, used: memory=0,pods=0, limited: memory=1Gi,pods=3")->prospect ==
        Prospect::hopeless);
  CHECK(quota("requested: cpu=500m, used: cpu=0, limited: cpu=0.5")->prospect == Prospect::may_heal);
  CHECK(quota("requested: cpu=501m, used: cpu=0, limited: cpu=0.5")->prospect == Prospect::hopeless);
  CHECK(quota("nonsense")->prospect == Prospect::may_heal);
}

TEST_CASE("a refused value is not repeated: it may be a secret") {
  for (const auto& [cause, told] : std::vector<std::pair<const char*, const char*>>{
           {R"(Invalid value: "hunter2": must be shorter)", "must be shorter"},
           {R"(Invalid value: "hun\"ter: 2": must be: shorter)", "must be: shorter"},
           {R"(Invalid value: {"a":"hunter2: x","b":[1]}: field is immutable)", "field is immutable"},
           {R"(Invalid value: ["hunter2"]: may not change once set)", "may not change once set"},
           {R"(Invalid value: 70000: must be between 1 and 65535)", "must be between 1 and 65535"},
           {R"(Unsupported value: "hunter2": supported values: "a", "b")", R"(supported values: "a", "b")"},
           {R"(Duplicate value: "hunter2")", "Duplicate value"},
           {R"(Duplicate value: {"name":"hunter2"})", "Duplicate value"},
           {R"(Invalid value: "hunter2)", "Invalid value"},
           {"Required value", "Required value"},
           {"Required value: name is needed", "name is needed"},
           {"Forbidden: field is immutable when `immutable` is set", "field is immutable when `immutable` is set"},
           {"", ""},
       }) {
    CAPTURE(cause);
    CHECK(without_value(cause) == told);
    CHECK(without_value(cause).find("hunter2") == std::string::npos);
  }
}

TEST_CASE("nobody in particular is told to say who he is, not which rule to add") {
  const auto denied = denied_in(
      R"(secrets is forbidden: User "system:anonymous" cannot list resource "secrets" in API group "" in the namespace "shop")");
  REQUIRE(denied);
  const auto said = diagnostic_of("secret", *denied);
  CHECK(said.code == "H0461");
  CHECK(said.facts.empty());
  CHECK(said.help.find("no credentials came with the request") != std::string::npos);
}

TEST_CASE("the rule that would allow it is read from the refusal") {
  const auto denied = denied_in(
      R"(deployments.apps "web" is forbidden: User "system:serviceaccount:shop:ci" cannot patch resource "deployments" in API group "apps" in the namespace "shop")");
  REQUIRE(denied);
  CHECK(*denied == Denied{"system:serviceaccount:shop:ci", "patch", "apps", "deployments", "shop"});
  CHECK(binding_text(*denied) == "a Role in namespace `shop`, bound to service account `ci` of namespace `shop`");
  CHECK(binding_text({.user = "system:serviceaccount:odd"}) ==
        "a ClusterRole, bound to user `system:serviceaccount:odd`");
  for (const char* other : {"", "User \"x", "pods \"p\" is forbidden: exceeded quota: few", "User \"x\" cannot fly"}) {
    CAPTURE(other);
    CHECK_FALSE(denied_in(other));
  }
}

TEST_CASE("what a controller may not make is told in the server's own words, where no more is known") {
  const auto rule = explain_failed_create(
      "deployment/web", R"(pods "web-x" is forbidden: maximum memory usage per Container is 64Mi, but limit is 128Mi)");
  REQUIRE(rule);
  CHECK(rule->diagnostic.code == "H0463");
  CHECK(fact(*rule, "refused") == "maximum memory usage per Container is 64Mi, but limit is 128Mi");
  CHECK(rule->prospect == Prospect::may_heal);  // it is asked again
  const auto field = explain_failed_create(
      "deployment/web",
      R"(Pod "web-x" is invalid: spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 500m)");
  REQUIRE(field);
  CHECK(field->diagnostic.code == "H0466");
  CHECK(fact(*field, "spec.containers[0].resources.requests") == "must be less than or equal to cpu limit of 500m");
  CHECK_FALSE(explain_failed_create("deployment/web", "the server is busy"));
  CHECK(explain_failed_create("deployment/web", "pods \"x\" is invalid: "));
}
