/// What no Score wants any more goes; data stays; a destroy reads the ledger alone.
#include "catch.hpp"
#include "support/world.hpp"

using namespace harmony;
using namespace harmony::testing;
using Lines = std::vector<std::string>;

namespace {
Part shop(const Lines& names) {
  std::vector<Thing> things;
  for (const auto& name : names) things.push_back({.name = name});
  return part_of("shop", things);
}
Part with_data(bool wanted, Fields fields = {{"size", "1"}}) {
  std::vector<Thing> things{{.name = "a"}};
  if (wanted) things.push_back({.name = "data", .fields = std::move(fields), .holds_data = true});
  return part_of("shop", things);
}
void fail_write_of(Deployment& test, const std::string& which) {
  test.store().before = [which](const std::string& what, const std::string& name) {
    if (what == "write" && name == which) throw Error({.code = "H0999", .message = "no space for " + name});
  };
}
}  // namespace

TEST_CASE("what is no longer wanted goes, in reverse order, after the last write") {
  Deployment test;
  REQUIRE(test.deploy(shop({"a", "b", "c", "d"})).ok());
  const Plan plan = test.rehearse(shop({"b", "e"}));
  CHECK(lines_of(plan.outcome) ==
        Lines{"unchanged thing/b", "create thing/e", "delete thing/d", "delete thing/c", "delete thing/a"});
  CHECK(plan.destructive().size() == 3);
  const Report report = test.deploy(shop({"b", "e"}));
  CHECK(report.ok());
  CHECK(lines_of(report.outcome) == lines_of(plan.outcome));
  CHECK(test.store().history() ==
        Lines{"write a", "write b", "write c", "write d", "write e", "remove d", "remove c", "remove a"});
  CHECK(entries_of(test.ledger()) == Lines{"owned thing/b", "owned thing/e"});
  CHECK(test.rehearse(shop({"b", "e"})).outcome.empty());
}

TEST_CASE("a plan knows where all that is deployed is another application's") {
  Deployment test;
  CHECK_FALSE(test.rehearse(shop({"a"})).of_another);  // nothing is deployed
  REQUIRE(test.deploy(shop({"a", "b"})).ok());
  CHECK(test.rehearse(part_of("library", {{.name = "c"}})).of_another);
  CHECK_FALSE(test.rehearse(part_of("library", {{.name = "b"}})).of_another);  // the root was renamed
  CHECK_FALSE(test.rehearse(shop({"c"})).of_another);                          // all of its parts were
}

TEST_CASE("a prune keeps the step that people know") {
  Deployment test;
  REQUIRE(test.deploy(shop({"a", "b"})).ok());
  const Plan plan = test.rehearse(shop({"b"}));
  REQUIRE(plan.destructive().size() == 1);
  CHECK(plan.destructive().front()->kind == "thing maker");
  CHECK(plan.destructive().front()->name == "a");
}

TEST_CASE("nothing is pruned after a failure") {
  Deployment test;
  REQUIRE(test.deploy(shop({"a", "b"})).ok());
  fail_write_of(test, "c");
  CHECK(codes_of(test.deploy(shop({"b", "c"})).errors) == Lines{"H0999"});
  CHECK(test.store().peek("a"));
  test.store().before = nullptr;
  CHECK(test.deploy(shop({"b", "c"})).ok());
  CHECK_FALSE(test.store().peek("a"));
}

TEST_CASE("what is gone already leaves the ledger without a write") {
  Deployment test;
  REQUIRE(test.deploy(shop({"a", "b"})).ok());
  test.store().erase("a");
  CHECK(test.deploy(shop({"b"})).ok());
  CHECK(test.store().history() == Lines{"write a", "write b"});
  CHECK(entries_of(test.ledger()) == Lines{"owned thing/b"});
  const auto calls = test.ledger().calls();
  CHECK(test.deploy(shop({"b"})).ok());
  CHECK(test.ledger().calls() == calls);
}

TEST_CASE("data that somebody took away is made anew, and the plan says that it is lost") {
  Deployment test;
  CHECK(test.rehearse(with_data(true)).outcome.find({"world", "thing", "data"})->reason == "");
  REQUIRE(test.deploy(with_data(true)).ok());
  for (const char* gone : {"a", "data"}) test.store().erase(gone);
  const Plan plan = test.rehearse(with_data(true));
  CHECK(plan.outcome.find({"world", "thing", "data"})->reason ==
        "it was deployed, and is gone: its data is lost, or somewhere else");
  CHECK(plan.outcome.find({"world", "thing", "a"})->reason == "");
  const Report report = test.deploy(with_data(true));
  REQUIRE(report.ok());
  REQUIRE(report.outcome.notes.size() == 1);
  CHECK(report.outcome.notes[0].text ==
        "thing/data was gone, and is made anew: what was in it is lost, or somewhere else");
  CHECK(test.deploy(with_data(true)).outcome.notes.empty());
}

TEST_CASE("data that was kept is not told as lost where the plan could not look at it") {
  Deployment test;
  REQUIRE(test.deploy(with_data(true)).ok());
  REQUIRE(test.destroy(false).ok());
  CHECK(test.deploy(with_data(true)).outcome.notes.empty());
}

TEST_CASE("things of the machine are never removed") {
  Deployment test;
  REQUIRE(test.deploy(part_of("shop", {{.name = "a"}, {.name = "account", .shared = true}})).ok());
  REQUIRE(test.deploy(shop({"a"})).ok());
  CHECK(test.store().peek("account"));
  REQUIRE(test.destroy(true).ok());
  CHECK(test.store().all().size() == 1);
}

TEST_CASE("data outlives its Score as kept, and is taken up again") {
  Deployment test;
  REQUIRE(test.deploy(with_data(true)).ok());
  const Plan plan = test.rehearse(with_data(false));
  CHECK(plan.outcome.empty());
  CHECK(plan.settles);
  REQUIRE(plan.kept.size() == 1);
  CHECK(plan.kept.front().subject.name == "data");
  REQUIRE(test.deploy(with_data(false)).ok());
  CHECK(test.store().peek("data") == Fields{{"size", "1"}});
  CHECK(entries_of(test.ledger()) == Lines{"owned thing/a", "kept thing/data"});

  SECTION("no change in the next plan") {
    const auto calls = test.ledger().calls();
    const Plan next = test.rehearse(with_data(false));
    CHECK(next.outcome.empty());
    CHECK_FALSE(next.settles);
    CHECK(next.kept.size() == 1);
    CHECK(test.deploy(with_data(false)).ok());
    CHECK(test.ledger().calls() == calls);
  }
  SECTION("taken up unchanged") {
    CHECK(test.rehearse(with_data(true)).settles);
    REQUIRE(test.deploy(with_data(true)).ok());
    CHECK(entries_of(test.ledger()) == Lines{"owned thing/a", "owned thing/data"});
    CHECK(test.store().history() == Lines{"write a", "write data"});
  }
  SECTION("taken up with a change") {
    REQUIRE(test.deploy(with_data(true, {{"size", "2"}})).ok());
    CHECK(entries_of(test.ledger()) == Lines{"owned thing/a", "owned thing/data"});
  }
  SECTION("removed by a destroy that deletes data") {
    REQUIRE(test.destroy(true).ok());
    CHECK(test.store().all().empty());
    CHECK(entries_of(test.ledger()).empty());
  }
}

TEST_CASE("what runs upon data that stays is brought to rest") {
  Deployment test;
  const Fields running{{"running", "yes"}}, resting{{"running", "no"}};
  REQUIRE(test.deploy(with_data(true, running)).ok());

  SECTION("where its Score goes: planned, done once, and no plan after it") {
    const Plan plan = test.rehearse(with_data(false));
    CHECK(lines_of(plan.outcome) == Lines{"unchanged thing/a", "update thing/data"});
    CHECK(test.store().peek("data") == running);
    REQUIRE(test.deploy(with_data(false)).ok());
    CHECK(test.store().peek("data") == resting);
    CHECK(entries_of(test.ledger()) == Lines{"owned thing/a", "kept thing/data"});
    const Plan next = test.rehearse(with_data(false));
    CHECK((next.outcome.empty() && !next.settles));
  }
  SECTION("by a destroy, after what uses it") {
    CHECK(lines_of(test.destroy().outcome) == Lines{"delete thing/a", "update thing/data"});
    CHECK(test.store().peek("data") == resting);
    CHECK(entries_of(test.ledger()) == Lines{"kept thing/data"});
  }
  SECTION("by the next destroy, where one could not") {
    fail_write_of(test, "data");
    CHECK_FALSE(test.destroy().ok());
    CHECK(entries_of(test.ledger()) == Lines{"owned thing/data"});
    test.store().before = nullptr;
    CHECK(test.destroy().ok());
    CHECK(test.store().peek("data") == resting);
    CHECK(entries_of(test.ledger()) == Lines{"kept thing/data"});
  }
  SECTION("not by a destroy that deletes it") {
    CHECK(test.destroy(true).ok());
    CHECK(test.store().history() == Lines{"write a", "write data", "remove data", "remove a"});
  }
}

TEST_CASE("a destroy takes down what the ledger holds, in reverse order, and keeps data") {
  Deployment test;
  REQUIRE(test.deploy(part_of("shop", {{.name = "a"}, {.name = "data", .holds_data = true}, {.name = "b"}})).ok());
  test.store().put("stranger", {});
  const Report report = test.destroy();
  CHECK(report.ok());
  CHECK(report.changed_anything);
  CHECK(lines_of(report.outcome) == Lines{"delete thing/b", "delete thing/a"});
  CHECK(test.store().history() == Lines{"write a", "write data", "write b", "remove b", "remove a"});
  CHECK(entries_of(test.ledger()) == Lines{"kept thing/data"});
  CHECK(test.store().peek("stranger"));
  CHECK(test.topology->cleaned == 0);
  CHECK(test.ledger().read().run->verb == "destroy");
  CHECK_FALSE(test.ledger().held());

  SECTION("again: nothing to do") {
    const auto calls = test.ledger().calls();
    CHECK(test.destroy().ok());
    CHECK(test.ledger().calls() == calls);
  }
  SECTION("with its data: nothing is left, and the place is cleaned up") {
    CHECK(test.destroy(true).ok());
    CHECK(entries_of(test.ledger()).empty());
    CHECK(test.topology->cleaned == 1);
  }
}

TEST_CASE("a destroy is asked about, and told what goes and what stays") {
  Deployment test;
  REQUIRE(test.deploy(with_data(true)).ok());
  Part root = with_data(true);
  const auto engine = test.engine(root);
  const Report report = engine->destroy(false, [](const auto& what) {
    REQUIRE(what.go.size() == 1);
    CHECK(what.go.front().subject.name == "a");
    REQUIRE(what.kept.size() == 1);
    CHECK(what.kept.front().subject.name == "data");
    CHECK_FALSE(what.of_another);
    return Approval::cannot_ask;
  });
  CHECK(codes_of(report.errors) == Lines{"H0501"});
  CHECK(test.store().all().size() == 2);
}

TEST_CASE("a destroy is told where another root has deployed it") {
  Deployment test;
  REQUIRE(test.deploy(shop({"a"})).ok());
  Part other{.label = "bakery"};
  const Report report = test.engine(other)->destroy(false, [](const auto& what) {
    CHECK(what.of_another);
    return Approval::no;
  });
  CHECK(codes_of(report.errors) == Lines{"H0501"});
  CHECK(test.store().all().size() == 1);
}

TEST_CASE("what comes to be there while a destroy waits for its answer is asked about again") {
  Deployment test;
  REQUIRE(test.deploy(shop({"a"})).ok());
  Part root = shop({"a"});
  const auto engine = test.engine(root);
  std::vector<std::size_t> asked;
  const Report report = engine->destroy(false, [&](const auto& what) {
    asked.push_back(what.go.size());
    if (asked.size() > 1) return Approval::no;
    REQUIRE(test.deploy(shop({"a", "b"})).ok());
    return Approval::yes;
  });
  CHECK(asked == std::vector<std::size_t>{1, 2});
  CHECK(codes_of(report.errors) == Lines{"H0501"});
  CHECK(test.store().all().size() == 2);
}

TEST_CASE("a destroy that was killed before it took its folder away is ended by the next") {
  Deployment test;
  REQUIRE(test.deploy(shop({"a"})).ok());
  REQUIRE(test.destroy(true).ok());
  const auto cleaned = test.topology->cleaned;
  CHECK(test.destroy(true).ok());  // of this world the ledger stays
  CHECK(test.topology->cleaned == cleaned + 1);
}

TEST_CASE("what a deploy left that was killed before its ledger began is taken away") {
  Deployment test;
  test.topology->place = true;
  CHECK_FALSE(test.destroy().changed_anything);
  CHECK(test.topology->cleaned == 1);
  CHECK(test.ledger().calls() == Lines{"lock"});  // somebody may be about to begin
  CHECK(test.destroy().ok());
  CHECK(test.topology->cleaned == 1);
}

TEST_CASE("data that is taken up again stays behind what needs it, and in front of what it needs") {
  Deployment test;
  const Part whole = part_of("shop", {{.name = "server"}, {.name = "data", .holds_data = true}, {.name = "client"}});
  REQUIRE(test.deploy(whole).ok());
  SECTION("after a destroy") { REQUIRE(test.destroy().ok()); }
  SECTION("beside what stayed") { REQUIRE(test.deploy(shop({"server", "client"})).ok()); }
  REQUIRE(test.deploy(whole).ok());
  CHECK(entries_of(test.ledger()) == Lines{"owned thing/server", "owned thing/data", "owned thing/client"});
}

TEST_CASE("what is new is swept after what was there and needs it") {
  Deployment test;
  REQUIRE(test.deploy(shop({"server", "client"})).ok());
  REQUIRE(test.deploy(shop({"server", "database", "client"})).ok());
  CHECK(entries_of(test.ledger()) == Lines{"owned thing/server", "owned thing/database", "owned thing/client"});
}

TEST_CASE("a plan does not call lost what a destroy was about to delete") {
  Deployment test;
  REQUIRE(test.deploy(with_data(true)).ok());
  test.store().before = [](const std::string& what, const std::string& name) {
    if (what == "remove" && name == "data") throw Error({.code = "H0999", .message = "busy"});
  };
  REQUIRE_FALSE(test.destroy(true).ok());
  CHECK(entries_of(test.ledger()) == Lines{"owned thing/a", "intended thing/data"});
  test.store().before = nullptr;
  SECTION("it went") {
    test.store().erase("data");
    CHECK(test.rehearse(with_data(true)).outcome.find({"world", "thing", "data"})->reason == "");
  }
  SECTION("it stayed") {}
  REQUIRE(test.deploy(with_data(true)).ok());
  CHECK(entries_of(test.ledger()) == Lines{"owned thing/a", "owned thing/data"});
}

TEST_CASE("a destroy that fails half-way is taken up by the next") {
  Deployment test;
  REQUIRE(
      test.deploy(part_of("shop", {{.name = "a"}, {.name = "data", .holds_data = true}, {.name = "b"}, {.name = "c"}}))
          .ok());
  test.store().before = [](const std::string& what, const std::string& name) {
    if (what == "remove" && name == "b") throw Error({.code = "H0999", .message = "busy"});
  };
  const Report report = test.destroy();
  CHECK(codes_of(report.errors) == Lines{"H0999"});
  CHECK(entries_of(test.ledger()) == Lines{"owned thing/a", "owned thing/data", "owned thing/b"});
  for (const LedgerEntry& entry : test.ledger().read().entries)
    CHECK(test.ledger().read().only_kept(entry) == (entry.subject.name == "data"));
  test.store().before = nullptr;
  CHECK(test.destroy().ok());
  CHECK(entries_of(test.ledger()) == Lines{"kept thing/data"});
}

TEST_CASE("an entry of a primitive that this topology has not is an error, not lost") {
  Deployment test;
  test.ledger().settle({.subject = {"elsewhere", "file", "x"}, .state = LedgerEntry::State::owned});
  CHECK(codes_of(test.rehearse(shop({"a"})).errors) == Lines{"H0304"});
  CHECK(codes_of(test.destroy().errors) == Lines{"H0304"});
  CHECK(entries_of(test.ledger()) == Lines{"owned file/x"});
}

TEST_CASE("status and logs read the ledger and the world, and write neither") {
  Deployment test;
  REQUIRE(test.deploy(shop({"a", "b"})).ok());
  test.store().erase("b");
  const auto calls = test.ledger().calls();
  Part root = shop({"a", "b"});
  const auto engine = test.engine(root);
  const auto seen = engine->observe_entries();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].health == Observation::Health::ok);
  CHECK(seen[1].health == Observation::Health::missing);
  CHECK(seen[1].entry.step_name == "b");
  Lines lines;
  engine->logs("b", {}, [&](std::string_view source, std::string_view line) {
    lines.push_back(std::string(source) + ": " + std::string(line));
  });
  CHECK(lines == Lines{"b: a line of b"});
  CHECK(engine->facts() == std::vector<std::pair<std::string, std::string>>{{"things", "1"}});
  CHECK(test.ledger().calls() == calls);
}
