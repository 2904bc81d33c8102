/// How an application unit-tests its deploy package: the real Scores, on the real topology's twins, without a server.
#include <algorithm>
#include <filesystem>

#include "catch.hpp"
#include "guestbook.hpp"
#include "harmony/testing.hpp"
#include "topologies/local.hpp"

using namespace harmony;

namespace {
std::shared_ptr<Local> nowhere() {
  return std::make_shared<Local>(
      TopologySettings{.deployment = "guestbook", .options = {{"state-dir", "/var/lib/harmony-that-is-not-there"}}});
}
GuestbookScore guestbook() { return {.binary = "/bin/true"}; }
bool contains(const std::vector<std::string>& lines, const std::string& line) {
  return std::ranges::find(lines, line) != lines.end();
}
}  // namespace

TEST_CASE("the guestbook is planned without a server") {
  const Plan plan = testing::plan_of(guestbook(), nowhere());
  for (const auto& error : plan.errors) FAIL(error.message);
  const auto lines = testing::lines_of(plan.outcome);
  for (const char* line :
       {"create process/guestbook-db", "create database/guestbook-db/guestbook", "create role/guestbook-db/guestbook",
        "create process/guestbook-nats", "create stream/guestbook-nats/entries", "create process/guestbook.route"})
    CHECK(contains(lines, line));
  CHECK(plan.destructive().empty());
  CHECK_FALSE(std::filesystem::exists("/var/lib/harmony-that-is-not-there"));
}
