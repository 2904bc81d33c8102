/// A rehearsal names every change and writes none; what it says is what a deploy does.
#include "catch.hpp"
#include "support/world.hpp"

using namespace harmony;
using namespace harmony::testing;
using Lines = std::vector<std::string>;

namespace {
const Part shop = part_of("shop", {{.name = "a", .fields = {{"size", "1"}}}, {.name = "b", .fields = {{"size", "2"}}}});
}

TEST_CASE("a rehearsal names every change and writes nothing") {
  Deployment test;
  const Plan plan = test.rehearse(shop);
  CHECK(lines_of(plan.outcome) == Lines{"create thing/a", "create thing/b"});
  REQUIRE(plan.outcome.find({"world", "thing", "a"}));
  CHECK(plan.outcome.find({"world", "thing", "a"})->fields == std::vector<FieldChange>{{.path = "size", .after = "1"}});
  CHECK(plan.errors.empty());
  CHECK(plan.root == "part shop");
  CHECK(plan.deployment == "test");
  CHECK(plan.topology == "memory");
  CHECK(plan.reads == ReadSet{{"world", "thing/a", ""}, {"world", "thing/b", ""}});
  CHECK(test.store().all().empty());
  CHECK(test.ledger().calls().empty());
  CHECK(test.topology->prepares == 0);
}

TEST_CASE("a twin sees pending writes first") {
  Deployment test;
  const Part root{.label = "shop", .body = [](PartContext& in) {
                    in.use<Things>().ensure(in, {.name = "a", .fields = {{"size", "1"}}});
                    in.use<Things>().ensure(in, {.name = "a", .fields = {{"size", "1"}}});
                    in.use<Things>().ensure(in, {.name = "a", .fields = {{"size", "2"}}});
                  }};
  CHECK(lines_of(test.rehearse(root).outcome) == Lines{"create thing/a", "unchanged thing/a", "update thing/a"});
}

TEST_CASE("a deploy does what its plan says, and the next plan is empty") {
  Deployment test;
  const Plan plan = test.rehearse(shop);
  const Report report = test.deploy(shop);
  CHECK(report.ok());
  CHECK(report.changed_anything);
  CHECK(lines_of(report.outcome) == lines_of(plan.outcome));
  CHECK(test.store().all() == std::map<std::string, Fields>{{"a", {{"size", "1"}}}, {"b", {{"size", "2"}}}});
  CHECK(entries_of(test.ledger()) == Lines{"owned thing/a", "owned thing/b"});
  CHECK(test.rehearse(shop).outcome.empty());
  const LedgerState ledger = test.ledger().read();
  REQUIRE(ledger.run);
  CHECK(ledger.run->planned == 2);
  CHECK(ledger.run->done == 2);
  CHECK_FALSE(ledger.run->failed);
  CHECK_FALSE(ledger.unfinished());
  CHECK(ledger.entries.front().identity == "number a");
  CHECK(ledger.entries.front().step_kind == "thing maker");
  CHECK(ledger.entries.front().score_path == "shop");
}

TEST_CASE("a ledger that cannot be read is told once, and as no Score's mistake") {
  Deployment test;
  const auto reader = [&test](std::string name) {  // as whoever looks up what it owns already
    return Part{.label = std::move(name), .body = [&test](PartContext&) { (void)test.ledger().read(); }};
  };
  const Part root{.label = "shop", .body = [&](PartContext& in) { in.all(reader("a"), reader("b")); }};
  REQUIRE(test.rehearse(root).errors.empty());
  test.ledger().damaged = true;
  for (const auto& errors : {test.rehearse(root).errors, test.deploy(root).errors}) {
    REQUIRE(codes_of(errors) == Lines{"H0999"});
    CHECK(errors.front().trail.empty());
  }
}

TEST_CASE("a plan says that the fingerprint key is another one, until a run has used it") {
  Deployment test;
  CHECK_FALSE(test.rehearse(shop).other_key);
  REQUIRE(test.deploy(shop).ok());
  CHECK_FALSE(test.rehearse(shop).other_key);
  test.topology->key = "another";
  CHECK(test.rehearse(shop).other_key);
  test.store().erase("a");
  REQUIRE(test.deploy(shop).ok());
  CHECK_FALSE(test.rehearse(shop).other_key);
  REQUIRE(test.destroy().ok());
  test.topology->key = "gone with what was destroyed";
  CHECK_FALSE(test.rehearse(shop).other_key);
}

TEST_CASE("the ledger remembers whether a run was stopped or failed") {
  Deployment test;
  SECTION("stopped") {
    test.store().before = [&](const std::string& what, const std::string&) {
      if (what == "write") test.stop.request_stop();
    };
    REQUIRE(test.deploy(shop).stopped());
    CHECK(test.ledger().read().run->failed);
    CHECK(test.ledger().read().run->stopped);
  }
  SECTION("failed") {
    test.store().before = [](const std::string& what, const std::string&) {
      if (what == "write") throw Error({.code = "H0999", .message = "broken"});
    };
    const Report report = test.deploy(shop);
    CHECK_FALSE(report.stopped());
    CHECK(test.ledger().read().run->failed);
    CHECK_FALSE(test.ledger().read().run->stopped);
  }
}

TEST_CASE("intended subjects are in the ledger before the first write") {
  Deployment test;
  Lines seen;
  test.store().before = [&](const std::string& what, const std::string&) {
    if (what == "write" && seen.empty()) seen = entries_of(test.ledger());
  };
  CHECK(test.deploy(shop).ok());
  CHECK(seen == Lines{"intended thing/a", "intended thing/b"});
}

TEST_CASE("a second deploy without changes takes no lock and writes no ledger") {
  Deployment test;
  REQUIRE(test.deploy(shop).ok());
  const auto calls = test.ledger().calls();
  const auto history = test.store().history();
  test.approve = [](const Plan&) -> Approval { throw InternalError("nobody shall be asked"); };
  const Report second = test.deploy(shop);
  CHECK(second.ok());
  CHECK_FALSE(second.changed_anything);
  CHECK(test.ledger().calls() == calls);
  CHECK(test.store().history() == history);
  CHECK(test.topology->prepares == 1);
}

TEST_CASE("all writes happen under the lock, and it is released") {
  Deployment test;
  test.store().before = [&](const std::string& what, const std::string&) {
    if (what != "read" && !test.ledger().held()) throw InternalError("written without the lock");
  };
  CHECK(test.deploy(shop).ok());
  CHECK_FALSE(test.ledger().held());
}

TEST_CASE("a plan that is not approved writes nothing") {
  Deployment test;
  const auto answer = GENERATE(Approval::no, Approval::cannot_ask);
  test.approve = [&](const Plan& plan) {
    CHECK(plan.outcome.count(Action::create) == 2);
    return answer;
  };
  const Report report = test.deploy(shop);
  REQUIRE(codes_of(report.errors) == Lines{"H0501"});
  CHECK(report.errors.front().category == Category::refused);
  CHECK(test.store().all().empty());
  CHECK(test.ledger().calls().empty());
}

TEST_CASE("a plan with errors is not deployed, and shows all of them") {
  Deployment test;
  test.store().before = [](const std::string& what, const std::string& name) {
    if (what == "read" && name != "b") throw Error({.code = "H0999", .message = "no answer about " + name});
  };
  const Part root{.label = "shop", .body = [](PartContext& in) {
                    in.all(part_of("first", {{.name = "a"}}), part_of("second", {{.name = "b"}}),
                           part_of("third", {{.name = "c"}}));
                  }};
  const Plan plan = test.rehearse(root);
  REQUIRE(plan.errors.size() == 2);
  CHECK(plan.errors[0].message == "no answer about a");
  CHECK(plan.errors[1].message == "no answer about c");
  REQUIRE(plan.errors[1].trail.size() == 2);
  CHECK(plan.errors[1].trail[0].name == "part shop");
  CHECK(plan.errors[1].trail[1].name == "part third");
  const Report report = test.deploy(root);
  CHECK(report.errors.size() == 2);
  CHECK(test.ledger().calls().empty());
  CHECK(test.store().history().empty());
}

TEST_CASE("an unknown that changes nothing still is no empty plan") {
  Outcome outcome;
  Node root{nullptr, Node::Kind::score, "part", "shop", std::source_location::current()};
  root.record(Change{.subject = {"world", "thing", "a"}});
  CHECK(root.outcome().empty());
  root.record(Change{.subject = {"world", "thing", "b"}, .fidelity = Fidelity::unknown});
  CHECK_FALSE(root.outcome().empty());
}
