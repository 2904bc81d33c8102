/// A PostgreSQL server as a Cluster: what is written, what it is at rest, what may be chosen.
#include "postgresql/cloud_native_pg.hpp"

#include <boost/json.hpp>

#include "catch.hpp"
#include "k8s/rest.hpp"
#include "postgresql/server_kind.hpp"

using namespace harmony;
namespace json = boost::json;

namespace {

json::object cluster(const std::map<std::string, std::string>& settings, const std::string& image = "") {
  const auto set = postgresql::cloud_native_pg({.instance = "db", .databases = {"app"}, .settings = settings}, image,
                                               "db-superuser");
  REQUIRE(set.size() == 1);
  CHECK(set.front().holds_data);
  return set.front().object;
}
json::value at(const json::object& object, const char* pointer) {
  const json::value value = object;
  boost::system::error_code missing;
  const auto* found = value.find_pointer(pointer, missing);
  return found ? *found : json::value{};
}

}  // namespace

TEST_CASE("settings are parameters, but for libraries, which have a place of their own") {
  const auto tuned = cluster({{"work_mem", "8MB"}, {"shared_preload_libraries", "auto_explain, pg_stat_statements"}});
  CHECK(at(tuned, "/spec/postgresql/parameters") == json::value{{"work_mem", "8MB"}});
  CHECK(at(tuned, "/spec/postgresql/shared_preload_libraries") == json::array{"auto_explain", "pg_stat_statements"});
  CHECK(at(cluster({}), "/spec/postgresql").is_null());
}

TEST_CASE("the operator makes no database, and takes its image unless one was named") {
  CHECK(at(cluster({}), "/spec/imageName").is_null());
  CHECK(at(cluster({}, "postgres:15"), "/spec/imageName") == "postgres:15");
  CHECK(at(cluster({}), "/spec/bootstrap/initdb/database") == "postgres");
  CHECK(at(cluster({}), "/spec/bootstrap/initdb/secret/name") == "db-superuser");
  CHECK(at(cluster({}), "/spec/instances").is_null());
}

TEST_CASE("a Cluster says itself how it rests") {
  const auto manifest = postgresql::cloud_native_pg({.instance = "db", .databases = {}}, "", "db-superuser").front();
  json::value live = manifest.object;
  json::object& metadata = live.at("metadata").as_object();
  CHECK(k8s::at_rest(live).empty());
  metadata["namespace"] = "shop";
  metadata["uid"] = "u";
  metadata["annotations"].as_object()[k8s::rest_annotation] = k8s::rest_text(manifest.at_rest);
  CHECK(k8s::at_rest(live) == manifest.at_rest);
  CHECK(k8s::resting_object(live) ==
        json::value{
            {"apiVersion", "postgresql.cnpg.io/v1"},
            {"kind", "Cluster"},
            {"metadata",
             {{"name", "db"}, {"namespace", "shop"}, {"uid", "u"}, {"annotations", {{"cnpg.io/hibernation", "on"}}}}}});
  for (const auto& [name, value] : manifest.at_rest)  // else nothing would say that it works again
    CHECK(at(manifest.object, "/metadata/annotations").as_object().contains(name));
}

TEST_CASE("what a server is can be chosen by name") {
  using postgresql::server_kind;
  CHECK(server_kind("") == std::nullopt);
  CHECK(server_kind("statefulset") == postgresql::ServerKind::stateful_set);
  CHECK(server_kind("cloudnative-pg") == postgresql::ServerKind::cloud_native_pg);
  CHECK_THROWS_AS(server_kind("StatefulSet"), Error);
}
