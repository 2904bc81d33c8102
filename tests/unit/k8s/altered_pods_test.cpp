#include "k8s/altered_pods.hpp"

#include <boost/json.hpp>

#include "catch.hpp"

using namespace harmony::k8s;
namespace json = boost::json;

namespace {

const json::value workload = json::parse(
    R"({"kind":"Deployment","spec":{"template":{"spec":{"containers":[{"name":"web","image":"web:1"}]}}}})");

/// @param setter of its image, who may be another one than has made the pod
json::value pod(std::string_view image, std::string_view setter, std::string_view container = "web") {
  json::object of_image{
      {"f:containers", {{"k:{\"name\":\"" + std::string(container) + "\"}", {{"f:image", json::object{}}}}}}};
  json::object made{{"f:metadata", {{"f:ownerReferences", json::object{}}}}}, set;
  (setter == "kube-controller-manager" ? made : set)["f:spec"] = of_image;
  const auto entry = [](std::string_view manager, const json::object& fields) {
    return json::value{{"manager", manager},
                       {"operation", "Update"},
                       {"apiVersion", "v1"},
                       {"fieldsType", "FieldsV1"},
                       {"fieldsV1", fields}};
  };
  return {
      {"kind", "Pod"},
      {"metadata",
       {{"name", "web-1"}, {"managedFields", json::array{entry("kube-controller-manager", made), entry(setter, set)}}}},
      {"spec", {{"containers", json::array{{{"name", container}, {"image", image}}}}}}};
}

}  // namespace

TEST_CASE("an image that somebody has set on a pod is told, and who it was") {
  const auto found = alteration_of(pod("web:2", "kubectl-set"), workload);
  REQUIRE(found);
  CHECK(found->text() == "pod `web-1` runs `web:2`, which `kubectl-set` has set");
}

TEST_CASE("what a pod was made with is nobody's alteration") {
  CHECK_FALSE(alteration_of(pod("web:1", "kube-controller-manager"), workload));
  CHECK_FALSE(alteration_of(pod("mirror/web:1", "kube-controller-manager"), workload));  // an admission webhook's
  CHECK_FALSE(alteration_of(pod("web:1", "kubectl-set"), workload));  // put back by hand
  CHECK_FALSE(alteration_of(pod("side:1", "injector", "side"), workload));
  CHECK_FALSE(alteration_of(pod("web:2", "kubectl-set"), {}));
  CHECK_FALSE(alteration_of(json::parse(R"({"spec":{"containers":[{"name":"web","image":"web:2"}]}})"), workload));
}
