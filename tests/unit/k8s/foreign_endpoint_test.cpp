/// What a Service leads to besides the pods of the deployment.
#include "k8s/foreign_endpoint.hpp"

#include <boost/json.hpp>

#include "catch.hpp"

using namespace harmony::k8s;
namespace json = boost::json;

namespace {

const json::value service = json::parse(
    R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"web"},"spec":{"selector":{"app":"web"},"ports":[{"port":80,"targetPort":"http"}]}})");

json::value pod(const char* name) {
  json::value made = json::parse(
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"shop","labels":{"app":"web","app.kubernetes.io/name":"web"},"ownerReferences":[{"kind":"ReplicaSet","controller":true}]},
          "spec":{"containers":[{"name":"web","ports":[{"name":"http","containerPort":8080}]}]},
          "status":{"conditions":[{"type":"Ready","status":"True"}]}})");
  made.at("metadata").as_object()["name"] = name;
  return made;
}
json::value stray(const char* name) {
  json::value made = pod(name);
  made.at("metadata").as_object().erase("ownerReferences");
  return made;
}
/// @param endpoint as JSON
json::value slice(const char* endpoint) {
  json::value made = json::parse(
      R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"web-1","namespace":"shop","labels":{"kubernetes.io/service-name":"web"}}})");
  made.as_object()["endpoints"] = json::array{json::parse(endpoint)};
  return made;
}
const char* of_a_pod = R"({"addresses":["10.0.0.1"],"targetRef":{"kind":"Pod","name":"web-a","uid":"a"}})";

}  // namespace

TEST_CASE("a Service that leads to the pods of a workload leads nowhere else") {
  CHECK_FALSE(foreign_endpoint_of(service, {pod("web-a"), pod("web-b"), slice(of_a_pod)}));
  CHECK_FALSE(foreign_endpoint_of(service, {}));
  json::value other = stray("other");
  other.at("metadata").at("labels").as_object()["app"] = "other";
  CHECK_FALSE(foreign_endpoint_of(service, {pod("web-a"), other}));
}

TEST_CASE("a pod that nobody controls is named, unless it is not ready or about to go") {
  const auto found = foreign_endpoint_of(service, {pod("web-a"), stray("left")});
  REQUIRE(found);
  CHECK(found->text == "leads to pod `left`, which no workload controls");
  CHECK(found->help == "delete it (kubectl delete pod left -n shop), or take its labels away");
  json::value going = stray("left"), starting = stray("left");
  going.at("metadata").as_object()["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  starting.at("status").as_object().clear();
  CHECK_FALSE(foreign_endpoint_of(service, {pod("web-a"), going, starting}));
}

TEST_CASE("an address that is no pod's is named, whatever it is") {
  const auto found = foreign_endpoint_of(service, {pod("web-a"), slice(R"({"addresses":["203.0.113.9\u001b[2J"]})")});
  REQUIRE(found);
  CHECK(found->text.starts_with("leads to 203.0.113.9"));
  CHECK(found->text.find('\x1b') == std::string::npos);
  CHECK(found->text.ends_with("which is no pod, by EndpointSlice `web-1`"));
  for (const char* nonsense : {R"({"addresses":[7]})", "{}"})
    CHECK(foreign_endpoint_of(service, {pod("web-a"), slice(nonsense)}));
}

TEST_CASE("a port's name that two containers have leads to the first, which is to be ours") {
  json::value two = pod("web-a");
  json::array& containers = two.at("spec").at("containers").as_array();
  const json::value other = json::parse(R"({"name":"aaa","ports":[{"name":"http","containerPort":9}]})");
  containers.insert(containers.begin(), other);
  const auto found = foreign_endpoint_of(service, {two});
  REQUIRE(found);
  CHECK(found->text == "leads to the port `http` of container `aaa` of pod `web-a`, not to that of `web`");
  containers[0].at("ports").at(0).as_object()["protocol"] = "UDP";
  CHECK_FALSE(foreign_endpoint_of(service, {two}));
  containers.erase(containers.begin());
  containers.push_back(other);
  CHECK_FALSE(foreign_endpoint_of(service, {two}));
}
