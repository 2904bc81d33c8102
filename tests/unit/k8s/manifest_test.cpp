/// What servers are given of a machine, as a cluster is told it.
#include "k8s/manifest.hpp"

#include <boost/json.hpp>

#include "catch.hpp"
#include "postgresql/cloud_native_pg.hpp"
#include "postgresql/stateful_set.hpp"

using namespace harmony;
using namespace harmony::k8s;
namespace json = boost::json;

namespace {

json::object given(const Resources& resources) {
  json::object container;
  give(container, resources);
  return container;
}

const Resources some{.millicores = 250, .mebibytes = 512};
const json::value as_told = json::parse(R"({"requests":{"cpu":"250m","memory":"512Mi"},"limits":{"memory":"512Mi"}})");

}  // namespace

TEST_CASE("memory is kept free and is the limit, processors are only kept free") {
  CHECK(given(some).at("resources") == as_told);
  CHECK(given({.mebibytes = 64}).at("resources") ==
        json::parse(R"({"requests":{"memory":"64Mi"},"limits":{"memory":"64Mi"}})"));
  CHECK(given({.millicores = 1500}).at("resources") == json::parse(R"({"requests":{"cpu":"1500m"}})"));
  CHECK(given({}).empty());
}

TEST_CASE("a database server has them, whatever it is made of") {
  const PostgreSqlServer wanted{.instance = "db", .databases = {"app"}, .resources = some};
  const json::value set = postgresql::stateful_set(wanted, "postgres:17", "db-superuser", false).back().object;
  CHECK(set.at_pointer("/spec/template/spec/containers/0/resources") == as_told);
  const json::value cluster = postgresql::cloud_native_pg(wanted, "", "db-superuser").front().object;
  CHECK(cluster.at_pointer("/spec/resources") == as_told);
}
