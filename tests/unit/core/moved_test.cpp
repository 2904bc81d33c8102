/// Under the lock the read set is read again; a world that moved is rehearsed again before the first write.
#include "catch.hpp"
#include "support/world.hpp"

using namespace harmony;
using namespace harmony::testing;
using Lines = std::vector<std::string>;

namespace {
const Part shop = part_of("shop", {{.name = "a", .fields = {{"size", "1"}}}, {.name = "b", .fields = {{"size", "2"}}}});

/// While the lock is waited for, `meanwhile` happens once.
void move_at_lock(Deployment& test, std::function<void()> meanwhile) {
  test.ledger().before = [meanwhile, moved = false](const std::string& what) mutable {
    if (what == "lock" && !std::exchange(moved, true)) meanwhile();
  };
}
int count(const Deployment& test, Event::Kind kind) {
  int found = 0;
  for (const auto& seen : test.observer.seen()) found += seen.kind == kind;
  return found;
}
int rehearsals(const Deployment& test) {
  int found = 0;
  for (const auto& seen : test.observer.seen()) found += seen.kind == Event::Kind::score_started && seen.rehearsed;
  return found;
}
}  // namespace

TEST_CASE("a world that did not move is not rehearsed again") {
  Deployment test;
  int asked = 0;
  test.approve = [&](const Plan&) { return ++asked, Approval::yes; };
  CHECK(test.deploy(shop).ok());
  CHECK(asked == 1);
  CHECK(rehearsals(test) == 1);
  CHECK(count(test, Event::Kind::run_finished) == 1);
}

TEST_CASE("the read set is read again, under the lock") {
  Deployment test;
  Lines reads;
  test.ledger().after = [&](const std::string& what) {
    if (what == "lock")
      test.store().before = [&](const std::string& op, const std::string& name) {
        reads.push_back((test.ledger().held() ? "held " : "free ") + op + " " + name);
      };
    if (what == "begin") test.store().before = nullptr;
  };
  CHECK(test.deploy(shop).ok());
  CHECK(reads == Lines{"held read a", "held read b"});
}

TEST_CASE("a lock that had to be waited for means rehearsing again; an equal plan goes on unasked") {
  Deployment test;
  test.ledger().waited = true;
  int asked = 0;
  test.approve = [&](const Plan&) { return ++asked, Approval::yes; };
  CHECK(test.deploy(shop).ok());
  CHECK(asked == 1);
  CHECK(rehearsals(test) == 2);
}

TEST_CASE("a different plan is asked again") {
  Deployment test;
  move_at_lock(test, [&] { test.store().put("b", {{"size", "9"}}); });
  std::vector<Lines> asked;
  SECTION("and approved") {
    test.approve = [&](const Plan& plan) { return asked.push_back(lines_of(plan.outcome)), Approval::yes; };
    CHECK(test.deploy(shop).ok());
    CHECK(asked == std::vector<Lines>{{"create thing/a", "create thing/b"}, {"create thing/a", "update thing/b"}});
    CHECK(test.store().peek("b") == Fields{{"size", "2"}});
    CHECK(rehearsals(test) == 2);
  }
  SECTION("and refused: nothing is written") {
    test.approve = [&](const Plan& plan) {
      return asked.push_back(lines_of(plan.outcome)), asked.size() == 1 ? Approval::yes : Approval::no;
    };
    const Report report = test.deploy(shop);
    REQUIRE(codes_of(report.errors) == Lines{"H0501"});
    CHECK_FALSE(report.errors.front().notes.empty());
    CHECK(asked.size() == 2);
    CHECK(test.store().history().empty());
    CHECK_FALSE(test.ledger().held());
    CHECK(test.ledger().calls() == Lines{"lock"});
  }
}

TEST_CASE("a world that moved so that there is nothing left to do ends well") {
  Deployment test;
  move_at_lock(test, [&] {
    test.store().put("a", {{"size", "1"}});
    test.store().put("b", {{"size", "2"}});
  });
  const Report report = test.deploy(shop);
  CHECK(report.ok());
  CHECK(test.store().history().empty());
  CHECK(entries_of(test.ledger()) == Lines{"owned thing/a", "owned thing/b"});
}

TEST_CASE("a saved plan is deployed without a rehearsal where nothing moved") {
  Deployment test;
  const Plan saved = test.rehearse(shop);
  const int before = rehearsals(test);
  test.approve = [](const Plan&) -> Approval { throw InternalError("a saved plan is the approval"); };
  CHECK(test.deploy(shop, &saved).ok());
  CHECK(rehearsals(test) == before);
  CHECK(test.store().all().size() == 2);
}

TEST_CASE("a saved plan that no longer fits stops before any write") {
  Deployment test;
  const Plan saved = test.rehearse(shop);
  SECTION("because the world moved") {
    test.store().put("b", {{"size", "9"}});
    const Report report = test.deploy(shop, &saved);
    REQUIRE(codes_of(report.errors) == Lines{"H0303"});
    CHECK(report.errors.front().message == StalePlan({}).data().message);
    CHECK(report.errors.front().category == Category::stale_plan);
    CHECK(report.errors.front().notes == Lines{"thing/b: would be changed, and was planned to be created"});
    CHECK(test.store().history().empty());
    CHECK(test.ledger().calls() == Lines{"lock"});
  }
  SECTION("because it was deployed already") {
    REQUIRE(test.deploy(shop, &saved).ok());
    const auto history = test.store().history();
    CHECK(codes_of(test.deploy(shop, &saved).errors) == Lines{"H0303"});
    CHECK(test.store().history() == history);
  }
  SECTION("because the Scores say something else now: the write that differs is stopped") {
    const Part other =
        part_of("shop", {{.name = "a", .fields = {{"size", "1"}}}, {.name = "b", .fields = {{"size", "3"}}}});
    CHECK(codes_of(test.deploy(other, &saved).errors) == Lines{"H0302"});
    CHECK(test.store().history() == Lines{"write a"});
  }
}

TEST_CASE("a saved plan without changes takes no lock, and still is held against what is there") {
  Deployment test;
  REQUIRE(test.deploy(shop).ok());
  const Plan saved = test.rehearse(shop);
  const auto calls = test.ledger().calls();
  CHECK(test.deploy(shop, &saved).ok());
  CHECK(test.ledger().calls() == calls);
  test.store().put("b", {{"size", "9"}});
  const Report report = test.deploy(shop, &saved);
  CHECK(codes_of(report.errors) == Lines{"H0303"});
  CHECK(test.ledger().calls() == calls);
}

TEST_CASE("a saved plan goes ahead where the world moved in nothing that it says") {
  Deployment test;
  test.store().put("b", {{"size", "1"}, {"note", "old"}});
  const Plan saved = test.rehearse(shop);
  test.store().put("b", {{"size", "1"}, {"note", "new"}});
  CHECK(test.deploy(shop, &saved).ok());
  CHECK(test.store().peek("b") == Fields{{"size", "2"}});
}

TEST_CASE("a saved plan takes away what it showed, and nothing that came since") {
  Deployment test;
  test.store().put("b", {{"size", "1"}});
  const Plan saved = test.rehearse(shop);
  test.store().put("b", {{"size", "9"}});
  const Report report = test.deploy(shop, &saved);
  CHECK(codes_of(report.errors) == Lines{"H0303"});
  CHECK(test.store().peek("b") == Fields{{"size", "9"}});
}

TEST_CASE("a plan with errors under the lock is not deployed") {
  Deployment test;
  move_at_lock(test, [&] {
    test.store().put("b", {{"size", "9"}});
    test.store().before = [&](const std::string& what, const std::string& name) {
      if (what == "read" && name == "a")
        throw Error({.code = "H0999", .category = Category::unreachable, .message = "gone"});
    };
  });
  const Report report = test.deploy(shop);
  CHECK(codes_of(report.errors) == Lines{"H0999"});
  CHECK(test.store().history().empty());
}

TEST_CASE("differences are told in words") {
  Deployment test;
  const Plan before = test.rehearse(shop);
  const Plan now = test.rehearse(part_of("shop", {{.name = "b", .fields = {{"size", "3"}}}, {.name = "c"}}));
  CHECK(differences(before, before).empty());
  CHECK(differences(before, now) == Lines{"thing/b: size (none) -> 3 (planned: (none) -> 2)",
                                          "thing/c: would be created, which was not planned",
                                          "thing/a: was planned to be created, and need not be any more"});
  REQUIRE(test.deploy(shop).ok());
  CHECK(differences(before, test.rehearse(shop)) == Lines{"all that it plans is as it should be already"});
}

TEST_CASE("a plan for another place is another's, whatever it says") {
  Plan before, now;
  before.reads = {{"k8s", "cluster", "a"}, {"k8s", "deployment/shop", "x"}};
  now.reads = {{"k8s", "cluster", "b", "the cluster"}, {"k8s", "deployment/shop", "y"}};
  CHECK(differences(before, now) == Lines{"the cluster: was planned for another one"});
  now.reads.front().fingerprint = "a";
  CHECK(differences(before, now).empty());
}
