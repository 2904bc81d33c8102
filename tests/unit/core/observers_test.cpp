/// Observers see what happens below where they are stacked, as it happens.
#include "catch.hpp"
#include "support/world.hpp"

using namespace harmony;
using namespace harmony::testing;
using Lines = std::vector<std::string>;
using Kind = Event::Kind;

namespace {
/// What an observer saw of real runs, as "kind path text".
Lines seen_by(const RecordingObserver& observer, std::initializer_list<Kind> kinds, bool rehearsed = false) {
  Lines lines;
  for (const auto& seen : observer.seen())
    if (seen.rehearsed == rehearsed && std::ranges::find(kinds, seen.kind) != kinds.end())
      lines.push_back(std::string(to_string(seen.kind)) + (seen.path.empty() ? "" : " " + seen.path) +
                      (seen.text.empty() ? "" : " " + seen.text));
  return lines;
}
}  // namespace

TEST_CASE("events come in the order of what happens") {
  Deployment test;
  const Part root{.label = "shop", .body = [](PartContext& in) {
                    in.run(part_of("child", {{.name = "a"}}));
                    in.note("open", "http://somewhere");
                    in.smoke_test(Probe{"works", [](PartContext&, Checks& checks) { checks.expect(true, "it"); }});
                  }};
  REQUIRE(test.deploy(root).ok());
  CHECK(seen_by(test.observer, {Kind::run_started, Kind::run_finished, Kind::score_started, Kind::score_finished,
                                Kind::step_started, Kind::step_finished, Kind::change_started, Kind::change_finished,
                                Kind::note, Kind::smoke_test_started, Kind::smoke_test_passed}) ==
        Lines{"run_started deploy", "score_started shop", "score_started shop > child", "step_started shop > child",
              "change_started shop > child", "change_finished shop > child", "step_finished shop > child",
              "score_finished shop > child", "note shop http://somewhere", "score_finished shop",
              "smoke_test_started shop works", "smoke_test_passed shop works", "run_finished deploy"});
  CHECK(seen_by(test.observer, {Kind::change_finished}, true) == Lines{"change_finished shop > child"});
}

TEST_CASE("phases come in their order") {
  class Phases final : public Observer {
   public:
    void on(const Event& event) noexcept override {
      if (event.kind == Kind::phase_started) seen.emplace_back(to_string(event.phase));
      if (event.kind == Kind::phase_finished) open += event.failed ? 100 : -1;
      if (event.kind == Kind::phase_started) ++open;
    }
    Lines seen;
    int open = 0;
  } phases;
  Deployment test;
  Part root{.label = "shop", .body = [](PartContext& in) {
              in.use<Things>().ensure(in, {.name = "a"});
              in.smoke_test(Probe{"works", [](PartContext&, Checks& checks) { checks.expect(true, "it"); }});
            }};
  auto engine = test.engine(root);
  engine->observe(phases);
  REQUIRE(engine->deploy(nullptr, test.approve).ok());
  CHECK(phases.seen == Lines{"rehearse", "approve", "lock", "apply", "prune", "smoke_test"});
  CHECK(phases.open == 0);
}

TEST_CASE("an observer below sees its own Score and what is below it, nothing beside it") {
  Deployment test;
  auto inner = std::make_shared<RecordingObserver>();
  auto outer = std::make_shared<RecordingObserver>();
  const Part child{.label = "child", .body = [&](PartContext& in) {
                     in.observe(inner);
                     in.run(part_of("grandchild", {{.name = "a"}}));
                   }};
  const Part root{.label = "shop", .body = [&](PartContext& in) {
                    in.observe(outer);
                    in.run(child);
                    in.run(part_of("other", {{.name = "b"}}));
                  }};
  REQUIRE(test.deploy(root).ok());
  CHECK(seen_by(*inner, {Kind::score_started, Kind::change_finished, Kind::score_finished}) ==
        Lines{"score_started shop > child > grandchild", "change_finished shop > child > grandchild",
              "score_finished shop > child > grandchild", "score_finished shop > child"});
  CHECK(seen_by(*outer, {Kind::change_finished}) ==
        Lines{"change_finished shop > child > grandchild", "change_finished shop > other"});
}

TEST_CASE("an observer stacked twice on the way sees each event once") {
  Deployment test;
  auto observer = std::make_shared<RecordingObserver>();
  const Part root{.label = "shop", .body = [&](PartContext& in) {
                    in.observe(observer);
                    in.observe(observer);
                    in.use<Things>().ensure(in, {.name = "a"});
                  }};
  REQUIRE(test.deploy(root).ok());
  CHECK(seen_by(*observer, {Kind::change_finished}) == Lines{"change_finished shop"});
}

TEST_CASE("observers above see the failure of a child, with its error") {
  class Failures final : public Observer {
   public:
    void on(const Event& event) noexcept override {
      if (event.rehearsed) return;
      if (event.kind == Kind::score_failed || event.kind == Kind::change_failed)
        seen.push_back(std::string(to_string(event.kind)) + " " + event.node->path() + ": " + event.error->message);
    }
    Lines seen;
  } failures;
  Deployment test;
  test.store().before = [](const std::string& what, const std::string&) {
    if (what == "write") throw Error({.code = "H0999", .message = "full"});
  };
  Part root{.label = "shop", .body = [](PartContext& in) { in.run(part_of("child", {{.name = "a"}})); }};
  auto engine = test.engine(root);
  engine->observe(failures);
  CHECK_FALSE(engine->deploy(nullptr, test.approve).ok());
  CHECK(failures.seen ==
        Lines{"change_failed shop > child: full", "score_failed shop > child: full", "score_failed shop: full"});
}

TEST_CASE("a step that an error leaves has failed, and no other one") {
  class Steps final : public Observer {
   public:
    void on(const Event& event) noexcept override {
      if (event.kind == Kind::step_finished && !event.rehearsed)
        seen.push_back(event.node->name() + (event.failed ? " failed" : ""));
    }
    Lines seen;
  } steps;
  Deployment test;
  test.store().before = [](const std::string& what, const std::string& name) {
    if (what == "write" && name == "b") throw Error({.code = "H0999", .message = "full"});
  };
  Part root{.label = "shop", .body = [](PartContext& in) {
              in.use<Things>().ensure(in, {.name = "a"});
              in.use<Things>().ensure(in, {.name = "b"});
            }};
  auto engine = test.engine(root);
  engine->observe(steps);
  CHECK_FALSE(engine->deploy(nullptr, test.approve).ok());
  CHECK(steps.seen == Lines{"a", "b failed"});
}

TEST_CASE("each started thing ends: nothing is left open after a failure") {
  class Balance final : public Observer {
   public:
    void on(const Event& event) noexcept override {
      switch (event.kind) {
        case Kind::score_started:
        case Kind::step_started:
        case Kind::change_started:
        case Kind::phase_started:
        case Kind::run_started: ++open; break;
        case Kind::score_finished:
        case Kind::score_failed:
        case Kind::score_stopped:
        case Kind::step_finished:
        case Kind::change_finished:
        case Kind::change_failed:
        case Kind::phase_finished:
        case Kind::run_finished: --open; break;
        default: break;
      }
    }
    int open = 0;
  } balance;
  Deployment test;
  test.options.fail_at_write = GENERATE(0, 1, 2);
  const bool foreign = GENERATE(false, true);
  test.store().before = [&](const std::string& what, const std::string& name) {
    if (foreign && what == "write" && name == "b") throw std::runtime_error("odd");
  };
  Part root{.label = "shop", .body = [](PartContext& in) {
              in.all(part_of("one", {{.name = "a"}}), part_of("two", {{.name = "b"}}),
                     part_of("three", {{.name = "c"}}));
            }};
  auto engine = test.engine(root);
  engine->observe(balance);
  CHECK(engine->deploy(nullptr, test.approve).ok() == (!foreign && test.options.fail_at_write == 0));
  CHECK(balance.open == 0);
}

TEST_CASE("events have names") {
  for (int kind = 0; kind <= static_cast<int>(Kind::write_point); ++kind)
    CHECK(to_string(static_cast<Kind>(kind)) != "?");
}
