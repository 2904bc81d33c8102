/// Volumes get the size and the class that were asked for; what is there never shrinks, and keeps its class.
#include <boost/json.hpp>

#include "catch.hpp"
#include "harmony/error.hpp"
#include "k8s/volume.hpp"

using namespace harmony;
using namespace harmony::k8s;
namespace json = boost::json;

namespace {

json::value claim(const char* size) {
  json::value made = json::parse(R"({"apiVersion":"v1","kind":"PersistentVolumeClaim","spec":{}})");
  if (*size != 0) made.at("spec").as_object()["resources"] = {{"requests", {{"storage", size}}}};
  return made;
}
json::value cluster(const char* size) {
  json::value made = json::parse(R"({"apiVersion":"postgresql.cnpg.io/v1","kind":"Cluster","spec":{}})");
  if (*size != 0) made.at("spec").as_object()["storage"] = {{"size", size}};
  return made;
}

json::value of_class(json::value claim, const char* name) {
  claim.at("spec").as_object()["storageClassName"] = name;
  return claim;
}
json::value kept(json::value wanted, const json::value& live) {
  keep_volume(wanted, live, "harmony");
  return wanted;
}

}  // namespace

TEST_CASE("a volume that leaves its size open gets one, no other one does") {
  json::value open = claim(""), said = claim("5Gi"), of_operator = cluster("");
  set_volume(open.as_object(), {.size = "2Gi"});
  set_volume(said.as_object(), {.size = "2Gi"});
  set_volume(of_operator.as_object(), {.size = "2Gi"});
  CHECK(open == claim("2Gi"));
  CHECK(said == claim("5Gi"));
  CHECK(of_operator == cluster("2Gi"));
  const json::value service = json::parse(R"({"apiVersion":"v1","kind":"Service","spec":{}})");
  const json::value other = json::parse(R"({"apiVersion":"example.org/v1","kind":"Cluster","spec":{}})");
  for (const json::value& object : {service, other}) {
    json::value same = object;
    set_volume(same.as_object(), {.size = "2Gi", .storage_class = "fast"});
    CHECK(same == object);
  }
}

TEST_CASE("the larger one of what is wanted and what is there counts") {
  CHECK(kept(claim("1Gi"), claim("10Gi")) == claim("10Gi"));
  CHECK(kept(claim("10Gi"), claim("1Gi")) == claim("10Gi"));
  CHECK(kept(claim("1Gi"), claim("1024Mi")) == claim("1Gi"));
  CHECK(kept(claim("1Gi"), claim("1100Mi")) == claim("1100Mi"));
  CHECK(kept(cluster("1Gi"), cluster("3Gi")) == cluster("3Gi"));
  CHECK(kept(claim("1Gi"), claim("odd")) == claim("1Gi"));
  CHECK(kept(claim("1Gi"), claim("")) == claim("1Gi"));
}

TEST_CASE("where an object says how large its volume is") {
  CHECK(is_volume_size(claim("1Gi"), ".spec.resources.requests.storage"));
  CHECK(is_volume_size(cluster("1Gi"), ".spec.storage.size"));
  CHECK_FALSE(is_volume_size(claim("1Gi"), ".spec.storage.size"));
  CHECK_FALSE(is_volume_size(json::parse(R"({"apiVersion":"v1","kind":"Service"})"), ""));
}

TEST_CASE("a new volume gets the class that was asked for, unless it names one itself") {
  json::value open = claim("1Gi"), said = of_class(claim("1Gi"), "slow"), of_operator = cluster("1Gi");
  for (json::value* one : {&open, &said, &of_operator})
    set_volume(one->as_object(), {.size = "1Gi", .storage_class = "fast"});
  CHECK(storage_class_of(open) == "fast");
  CHECK(storage_class_of(said) == "slow");
  CHECK(storage_class_of(of_operator) == "fast");
  CHECK(of_operator.at("spec").at("storage").at("storageClass") == "fast");
  CHECK_FALSE(storage_class_of(claim("1Gi")));
}

TEST_CASE("a volume that is there keeps its class, and what we never said of it stays unsaid") {
  json::value ours = of_class(claim("1Gi"), "slow");
  ours.as_object()["metadata"] = {
      {"managedFields", json::array{{{"manager", "harmony"},
                                     {"operation", "Apply"},
                                     {"apiVersion", "v1"},
                                     {"fieldsType", "FieldsV1"},
                                     {"fieldsV1", {{"f:spec", {{"f:storageClassName", json::object{}}}}}}}}}};
  json::value theirs = ours;
  theirs.at("metadata").at("managedFields").as_array()[0].at("manager") = "kubectl";
  for (const json::value& wanted : {claim("1Gi"), of_class(claim("1Gi"), "fast")}) {
    CHECK(storage_class_of(kept(wanted, ours)) == "slow");
    CHECK_FALSE(storage_class_of(kept(wanted, theirs)));
  }
}

TEST_CASE("what is no size is refused") {
  CHECK(checked_volume_size("10Gi") == "10Gi");
  for (const char* wrong : {"", "10GB", "-1Gi", "0", "10", "10m", "a", "1 Gi"})
    CHECK_THROWS_AS(checked_volume_size(wrong), Error);
}
