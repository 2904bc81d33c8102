/// Volumes get the size that was asked for, and never shrink.
#include <boost/json.hpp>

#include "catch.hpp"
#include "harmony/error.hpp"
#include "k8s/volume_size.hpp"

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

json::value kept(json::value wanted, const json::value& live) {
  keep_volume_size(wanted, live);
  return wanted;
}

}  // namespace

TEST_CASE("a volume that leaves its size open gets one, no other one does") {
  json::value open = claim(""), said = claim("5Gi"), of_operator = cluster("");
  set_volume_size(open.as_object(), "2Gi");
  set_volume_size(said.as_object(), "2Gi");
  set_volume_size(of_operator.as_object(), "2Gi");
  CHECK(open == claim("2Gi"));
  CHECK(said == claim("5Gi"));
  CHECK(of_operator == cluster("2Gi"));
  const json::value service = json::parse(R"({"apiVersion":"v1","kind":"Service","spec":{}})");
  const json::value other = json::parse(R"({"apiVersion":"example.org/v1","kind":"Cluster","spec":{}})");
  for (const json::value& object : {service, other}) {
    json::value same = object;
    set_volume_size(same.as_object(), "2Gi");
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

TEST_CASE("what is no size is refused") {
  CHECK(checked_volume_size("10Gi") == "10Gi");
  for (const char* wrong : {"", "10GB", "-1Gi", "0", "10", "10m", "a", "1 Gi"})
    CHECK_THROWS_AS(checked_volume_size(wrong), Error);
}
