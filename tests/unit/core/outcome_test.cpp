/// What people call a step: grouping the changes of its parts.
#include "catch.hpp"
#include "support/world.hpp"

using namespace harmony;
using namespace harmony::testing;
using Lines = std::vector<std::string>;

namespace {
Change part(Action action, std::string name, std::string kind = "thing") {
  return {.subject = {"world", kind, name}, .action = action};
}

/// The action of one step with these parts.
StepOutcome step_of(const std::vector<Change>& parts, Subject decides = {}) {
  Node root{nullptr, Node::Kind::score, "part", "shop", std::source_location::current()};
  Node& step = root.add_step({.kind = "server", .name = "db", .detail = "PostgreSQL", .decides = std::move(decides)});
  for (const Change& change : parts) step.record(change);
  const Outcome outcome = root.outcome();
  REQUIRE(outcome.steps.size() == 1);
  return outcome.steps.front();
}
}  // namespace

TEST_CASE("without a deciding part, the parts together say what a step does") {
  using enum Action;
  CHECK(step_of({part(unchanged, "a"), part(unchanged, "b")}).action == unchanged);
  CHECK(step_of({part(create, "a"), part(create, "b")}).action == create);
  CHECK(step_of({part(create, "a"), part(unchanged, "b")}).action == update);
  CHECK(step_of({part(update, "a"), part(unchanged, "b")}).action == update);
  CHECK(step_of({part(replace, "a"), part(create, "b")}).action == replace);
  CHECK(step_of({part(remove, "a"), part(remove, "b")}).action == remove);
  CHECK(step_of({part(remove, "a"), part(create, "b")}).action == update);
}

TEST_CASE("a deciding part says what a step does") {
  using enum Action;
  const Subject server{"world", "process", "db"};
  const auto of = [&](Action deciding, Action other) {
    return step_of({part(deciding, "db", "process"), part(other, "file")}, server).action;
  };
  CHECK(of(create, unchanged) == create);
  CHECK(of(create, update) == create);
  CHECK(of(unchanged, create) == update);
  CHECK(of(unchanged, unchanged) == unchanged);
  CHECK(of(update, create) == update);
  CHECK(of(replace, update) == replace);
  CHECK(of(remove, unchanged) == remove);
}

TEST_CASE("a new version that supersedes an old one is an update") {
  using enum Action;
  const auto step =
      step_of({part(create, "web@2", "process"), part(remove, "web@1", "process")}, {"world", "process", "web@2"});
  CHECK(step.action == update);
  CHECK(
      step_of({part(create, "web@2", "process"), part(remove, "old", "file")}, {"world", "process", "web@2"}).action ==
      create);
}

TEST_CASE("a superseded version is pruned below the step that replaced it, as one update, and not asked about") {
  Deployment test;
  const auto version = [](const std::string& hash) {
    return Part{.label = "shop", .body = [hash](PartContext& in) {
                  in.use<Things>().ensure_together(
                      in, {.kind = "process", .name = "web", .decides = {"world", "thing", "web@" + hash}},
                      {{.name = "binary@" + hash}, {.name = "web@" + hash}});
                }};
  };
  REQUIRE(test.deploy(version("1")).ok());
  const Plan plan = test.rehearse(version("2"));
  REQUIRE(plan.outcome.steps.size() == 1);
  CHECK(plan.outcome.steps.front().action == Action::update);
  CHECK(lines_of(plan.outcome) ==
        Lines{"create thing/binary@2", "create thing/web@2", "delete thing/web@1", "delete thing/binary@1"});
  CHECK(plan.destructive().empty());
  const Report report = test.deploy(version("2"));
  CHECK(report.ok());
  REQUIRE(report.outcome.steps.size() == 1);
  CHECK(report.outcome.steps.front().action == Action::update);
  CHECK(test.store().history() ==
        Lines{"write binary@1", "write web@1", "write binary@2", "write web@2", "remove web@1", "remove binary@1"});
}

TEST_CASE("fidelity, loss and effect of a step are the gravest of its parts") {
  Change restart = part(Action::update, "a");
  restart.effect = "interrupts service";
  Change unsure = part(Action::update, "b");
  unsure.fidelity = Fidelity::unknown;
  Change loss = part(Action::replace, "c");
  loss.loses_data = true;
  const auto step = step_of({restart, unsure, loss});
  CHECK(step.fidelity == Fidelity::unknown);
  CHECK(step.loses_data);
  CHECK(step.effect == "interrupts service");
  CHECK(step.detail == "PostgreSQL");
}

TEST_CASE("destructive: deletes, replacements and loss of data") {
  Plan plan;
  Node root{nullptr, Node::Kind::score, "part", "shop", std::source_location::current()};
  for (Action action : {Action::create, Action::update, Action::replace, Action::remove, Action::unchanged})
    root.add_step({.kind = "server", .name = std::string(to_string(action))})
        .record(part(action, std::string(to_string(action))));
  Change loss = part(Action::update, "loss");
  loss.loses_data = true;
  root.add_step({.kind = "server", .name = "loss"}).record(loss);
  plan.outcome = root.outcome();
  Lines names;
  for (const auto* step : plan.destructive()) names.push_back(step->name);
  CHECK(names == Lines{"replace", "delete", "loss"});
  CHECK(plan.outcome.count(Action::update) == 2);
}

TEST_CASE("changes of one thing in two steps are found at the one that does something") {
  Node root{nullptr, Node::Kind::score, "part", "shop", std::source_location::current()};
  root.add_step({.kind = "one", .name = "x"}).record(part(Action::unchanged, "a"));
  root.add_step({.kind = "two", .name = "x"}).record(part(Action::update, "a"));
  const Outcome outcome = root.outcome();
  REQUIRE(outcome.find({"world", "thing", "a"}));
  CHECK(outcome.find({"world", "thing", "a"})->action == Action::update);
  CHECK_FALSE(outcome.find({"world", "thing", "b"}));
}
