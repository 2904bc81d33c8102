#include "k8s/rights.hpp"

#include <boost/json.hpp>

#include "catch.hpp"

using namespace harmony::k8s;
namespace json = boost::json;

namespace {

json::value rules(std::string_view one) {
  return {{"status", {{"incomplete", false}, {"resourceRules", json::array{json::parse(one)}}}}};
}

const Right watch_pods{"watch", "", "pods"}, forward{"get", "", "pods", "portforward"};

}  // namespace

TEST_CASE("a rule allows what it names, or all of it") {
  for (const char* rule : {R"({"verbs":["get","watch"],"apiGroups":[""],"resources":["pods"]})",
                           R"({"verbs":["*"],"apiGroups":["apps",""],"resources":["services","pods"]})",
                           R"({"verbs":["watch"],"apiGroups":["*"],"resources":["*"]})"}) {
    CAPTURE(rule);
    CHECK(allows(rules(rule), watch_pods));
  }
}

TEST_CASE("a rule allows nothing else") {
  for (const char* rule :
       {R"({"verbs":["get"],"apiGroups":[""],"resources":["pods"]})",
        R"({"verbs":["watch"],"apiGroups":["apps"],"resources":["pods"]})",
        R"({"verbs":["watch"],"apiGroups":[""],"resources":["pods/log"]})",
        R"({"verbs":["watch"],"apiGroups":[""],"resources":["pods"],"resourceNames":["web"]})",
        R"({"verbs":["watch"]})", R"("pods")", R"({"verbs":"watch","apiGroups":[7],"resources":{"pods":"pods"}})"}) {
    CAPTURE(rule);
    CHECK_FALSE(allows(rules(rule), watch_pods));
  }
  CHECK_FALSE(allows({}, watch_pods));
}

TEST_CASE("a rule for some objects allows what is asked of one of them") {
  const auto some = rules(R"({"verbs":["get"],"apiGroups":[""],"resources":["secrets"],"resourceNames":["ledger"]})");
  CHECK(allows(some, {"get", "", "secrets", {}, "ledger"}));
  CHECK_FALSE(allows(some, {"get", "", "secrets", {}, "other"}));
  CHECK_FALSE(allows(some, {"get", "", "secrets"}));
}

TEST_CASE("a resource is not its subresources") {
  CHECK_FALSE(allows(rules(R"({"verbs":["*"],"apiGroups":[""],"resources":["pods"]})"), forward));
  CHECK(allows(rules(R"({"verbs":["get"],"apiGroups":[""],"resources":["pods/portforward"]})"), forward));
  CHECK(allows(rules(R"({"verbs":["get"],"apiGroups":[""],"resources":["*/portforward"]})"), forward));
  CHECK_FALSE(allows(rules(R"({"verbs":["get"],"apiGroups":[""],"resources":["*/log"]})"), forward));
}
