#include "workloads/wanted.hpp"

#include "catch.hpp"
#include "harmony/error.hpp"

using namespace harmony;

namespace {
std::string refused(const Workload& workload) {
  try {
    workloads::require_sound(workload);
    return {};
  } catch (const Error& error) {
    return error.data().code;
  }
}
}  // namespace

TEST_CASE("a workload is at least one process, and is told where to listen by nobody else") {
  CHECK(refused({.instance = "web", .environment = {{"LANG", "C"}}}).empty());
  CHECK(refused({.instance = "web", .replicas = 0}) == "H0251");
  CHECK(refused({.instance = "web", .replicas = -1}) == "H0251");
  CHECK(refused({.instance = "web", .environment = {{"LISTEN", "0.0.0.0:80"}}}) == "H0253");
  CHECK(refused({.instance = "web", .environment = {{"LISTEN", "x"}}, .listen_variable = "ADDRESS"}).empty());
}
