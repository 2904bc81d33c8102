/// Planned is done, checked before each write (decision 5).
#include "catch.hpp"
#include "support/world.hpp"

using namespace harmony;
using namespace harmony::testing;
using Lines = std::vector<std::string>;

namespace {
const Subject thing{"world", "thing", "a"};
Change change_of(Action action, std::vector<FieldChange> fields = {}) {
  return {.subject = thing, .action = action, .fields = std::move(fields)};
}
}  // namespace

TEST_CASE("the same subject, action and fields fit") {
  const Change planned = change_of(Action::update, {{"size", "1", "2"}, {"colour", "", "red"}});
  CHECK(fits(planned, change_of(Action::update, {{"colour", "", "red"}, {"size", "1", "2"}})));
  CHECK_FALSE(fits(planned, change_of(Action::update, {{"size", "1", "3"}, {"colour", "", "red"}})));
  CHECK_FALSE(fits(planned, change_of(Action::update, {{"size", "1", "2"}})));
  CHECK_FALSE(fits(planned, change_of(Action::update, {{"size", "1", "2"}, {"colour", "", "red"}, {"more", "", "x"}})));
  CHECK_FALSE(fits(planned, change_of(Action::replace, planned.fields)));
  CHECK_FALSE(fits(planned, change_of(Action::remove)));
  Change other = planned;
  other.subject.name = "b";
  CHECK_FALSE(fits(planned, other));
}

TEST_CASE("what could not be known before matches any value, but only its own field") {
  const Origin origin = GENERATE(Origin::generated, Origin::deferred, Origin::defaulted);
  const Change planned = change_of(Action::create, {{"password", "", "(generated)", origin}, {"size", "", "1"}});
  CHECK(fits(planned, change_of(Action::create, {{"password", "", "3f9a"}, {"size", "", "1"}})));
  CHECK_FALSE(fits(planned, change_of(Action::create, {{"password", "", "3f9a"}, {"size", "", "2"}})));
  CHECK_FALSE(fits(planned, change_of(Action::create, {{"secret", "", "3f9a"}, {"size", "", "1"}})));
}

TEST_CASE("what the deploy was to tell may turn out as it is already") {
  const auto planned = [](Origin origin) {
    return change_of(Action::update, {{"size", "1", "2"}, {"database", "a1", "(known after the deploy)", origin}});
  };
  const Change done = change_of(Action::update, {{"size", "1", "2"}});
  CHECK(fits(planned(Origin::deferred), done));
  CHECK_FALSE(fits(planned(Origin::deferred), change_of(Action::update, {{"size", "1", "3"}})));
  CHECK_FALSE(fits(planned(Origin::deferred), change_of(Action::update, {{"database", "a1", "b2"}})));
  CHECK_FALSE(fits(planned(Origin::generated), done));
  CHECK_FALSE(fits(planned(Origin::exact), done));
}

TEST_CASE("an unknown admits no change, a create or an update, nothing else") {
  Change planned = change_of(Action::update);
  planned.fidelity = Fidelity::unknown;
  CHECK(fits(planned, change_of(Action::unchanged)));
  CHECK(fits(planned, change_of(Action::create, {{"size", "", "1"}})));
  CHECK(fits(planned, change_of(Action::update, {{"size", "1", "2"}})));
  CHECK_FALSE(fits(planned, change_of(Action::replace)));
  CHECK_FALSE(fits(planned, change_of(Action::remove)));
}

namespace {
/// Writing `a` changes what is found at `b` meanwhile.
struct Moving {
  Deployment test;
  explicit Moving(const std::function<void(Store&)>& meanwhile) {
    test.store().before = [this, meanwhile](const std::string& what, const std::string& name) {
      if (what == "write" && name == "a") meanwhile(test.store());
    };
  }
};
const Part shop = part_of("shop", {{.name = "a", .fields = {{"size", "1"}}}, {.name = "b", .fields = {{"size", "2"}}}});
}  // namespace

TEST_CASE("a write that was not planned so is stopped before it happens") {
  Moving moving{[](Store& store) { store.put("b", {{"size", "9"}}); }};
  const Report report = moving.test.deploy(shop);
  REQUIRE(codes_of(report.errors) == Lines{"H0302"});
  CHECK(report.errors.front().subject == "thing/b");
  CHECK_FALSE(report.errors.front().facts.empty());
  CHECK_FALSE(report.errors.front().help.empty());
  CHECK(moving.test.store().history() == Lines{"write a"});
  CHECK(moving.test.store().peek("b") == Fields{{"size", "9"}});
  CHECK(lines_of(report.outcome) == Lines{"create thing/a"});
  moving.test.store().before = nullptr;
  CHECK(moving.test.deploy(shop).ok());
  CHECK(moving.test.rehearse(shop).outcome.empty());
}

TEST_CASE("what somebody else did meanwhile, just as planned, is no error") {
  Moving moving{[](Store& store) { store.put("b", {{"size", "2"}}); }};
  const Report report = moving.test.deploy(shop);
  CHECK(report.ok());
  CHECK(moving.test.store().history() == Lines{"write a"});
}

TEST_CASE("a subject that no rehearsal named is not written") {
  Deployment test;
  int runs = 0;
  const Part root{.label = "shop", .body = [&](PartContext& in) {
                    in.use<Things>().ensure(in, {.name = "a"});
                    if (++runs > 1) in.use<Things>().ensure(in, {.name = "surprise"});
                  }};
  CHECK(codes_of(test.deploy(root).errors) == Lines{"H0302"});
  CHECK(test.store().history() == Lines{"write a"});
}

TEST_CASE("a planned change that no Score asks for fails the deploy") {
  Deployment test;
  int runs = 0;
  const Part root{.label = "shop", .body = [&](PartContext& in) {
                    in.use<Things>().ensure(in, {.name = "a"});
                    if (++runs == 1) in.use<Things>().ensure(in, {.name = "forgotten"});
                  }};
  const Report report = test.deploy(root);
  REQUIRE(codes_of(report.errors) == Lines{"H0302"});
  REQUIRE(report.errors.front().notes.size() == 1);
  CHECK(report.errors.front().notes.front().find("thing/forgotten") != std::string::npos);
}

TEST_CASE("generated values are made in the deploy and stay") {
  Deployment test;
  const Part root = part_of("shop", {{.name = "a", .fields = {{"size", "1"}}, .generated = {"password"}}});
  const Plan plan = test.rehearse(root);
  REQUIRE(plan.outcome.find(thing)->fields.size() == 2);
  CHECK(plan.outcome.find(thing)->fields[1].after == "(generated)");
  CHECK(test.deploy(root).ok());
  const auto made = test.store().peek("a")->at("password");
  CHECK(made.starts_with("made-for-a"));
  CHECK(test.rehearse(root).outcome.empty());
  CHECK(test.deploy(part_of("shop", {{.name = "a", .fields = {{"size", "2"}}, .generated = {"password"}}})).ok());
  CHECK(test.store().peek("a")->at("password") == made);
}

TEST_CASE("a deploy of an unknown: unchanged, create and update go on, a replacement stops it") {
  Deployment test;
  test.store().put("a", {{"size", "1"}});
  Thing unknown{.name = "a", .fields = {{"size", "1"}}, .unknown = true};
  SECTION("unchanged") {
    CHECK(test.deploy(part_of("shop", {unknown})).ok());
    CHECK(test.store().history().empty());
  }
  SECTION("update") {
    unknown.fields = {{"size", "2"}};
    CHECK(test.deploy(part_of("shop", {unknown})).ok());
    CHECK(test.store().history() == Lines{"write a"});
  }
  SECTION("create") {
    Moving moving{[](Store& store) { store.erase("b"); }};
    moving.test.store().put("b", {{"size", "1"}});
    CHECK(
        moving.test.deploy(part_of("shop", {{.name = "a"}, {.name = "b", .fields = {{"size", "1"}}, .unknown = true}}))
            .ok());
    CHECK(moving.test.store().history() == Lines{"write a", "write b"});
  }
  SECTION("replacement") {
    unknown.fields = {{"size", "2"}};
    unknown.replaces = true;
    CHECK(codes_of(test.deploy(part_of("shop", {unknown})).errors) == Lines{"H0302"});
    CHECK(test.store().history().empty());
  }
}
