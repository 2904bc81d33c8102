/// run, all, attempt: who is stopped, which errors are told, in which order.
#include <pthread.h>

#include <atomic>
#include <barrier>
#include <latch>
#include <set>
#include <system_error>
#include <thread>

#include "catch.hpp"
#include "support/world.hpp"

using namespace harmony;
using namespace harmony::testing;
using Lines = std::vector<std::string>;

namespace {
Part doing(std::string name, std::function<void(PartContext&)> body) {
  return {.label = std::move(name), .body = std::move(body)};
}
Part failing(std::string name) {
  return doing(name, [name](PartContext&) { throw Error({.code = "H0999", .message = name + " fails"}); });
}
Lines messages(const Report& report) {
  Lines all;
  for (const auto& error : report.errors) all.push_back(error.message);
  return all;
}
/// Fails in the real run only: a rehearsal reads, the deploy writes.
void fail_writes(Deployment& test, const Lines& names) {
  test.store().before = [names](const std::string& what, const std::string& name) {
    if (what == "write" && std::ranges::find(names, name) != names.end())
      throw Error({.code = "H0999", .message = "cannot write " + name});
  };
}
}  // namespace

TEST_CASE("children see the capabilities they declared, and are places in the tree") {
  Deployment test;
  const Part root = doing("shop", [](PartContext& in) {
    in.run(part_of("first", {{.name = "a"}}));
    in.all(part_of("second", {{.name = "b"}}),
           doing("third", [](PartContext& third) { third.run(part_of("inner", {{.name = "c"}})); }));
    in.all(std::vector<Part>{part_of("x", {{.name = "d"}}), part_of("y", {{.name = "e"}})});
  });
  const Report report = test.deploy(root);
  REQUIRE(report.ok());
  Lines paths;
  for (const auto& step : report.outcome.steps) paths.push_back(step.score_path + ": " + step.name);
  CHECK(paths == Lines{"shop > first: a", "shop > second: b", "shop > third > inner: c", "shop > x: d", "shop > y: e"});
}

TEST_CASE("plans follow the tree, never the clock") {
  Deployment test;
  std::latch second_done{1};
  std::atomic<int> rounds{0};
  const Part root = doing("shop", [&](PartContext& in) {
    const bool first_round = ++rounds == 1;
    in.all(doing("slow",
                 [&, first_round](PartContext& at) {
                   if (first_round) second_done.wait();
                   at.use<Things>().ensure(at, {.name = "slow"});
                 }),
           doing("fast", [&, first_round](PartContext& at) {
             at.use<Things>().ensure(at, {.name = "fast"});
             if (first_round) second_done.count_down();
           }));
  });
  CHECK(lines_of(test.rehearse(root).outcome) == Lines{"create thing/slow", "create thing/fast"});
}

TEST_CASE("of two that want the same, the first in the tree did it") {
  Deployment test;
  const Part root = doing("shop", [](PartContext& in) {
    std::latch second_done{1};
    in.all(doing("first",
                 [&](PartContext& at) {
                   second_done.wait();
                   at.use<Things>().ensure(at, {.name = "same"});
                 }),
           doing("second", [&](PartContext& at) {
             at.use<Things>().ensure(at, {.name = "same"});
             second_done.count_down();
           }));
  });
  const Report report = test.deploy(root);
  REQUIRE(report.ok());
  CHECK(lines_of(report.outcome) == Lines{"create thing/same", "unchanged thing/same"});
  CHECK(report.outcome.steps.front().score_path == "shop > first");
  CHECK(test.store().history() == Lines{"write same"});
}

TEST_CASE("a child's error reaches its parent, with the way to it") {
  Deployment test;
  fail_writes(test, {"a"});
  const Part root = doing("shop", [](PartContext& in) {
    in.run(doing("floor", [](PartContext& floor) { floor.run(part_of("shelf", {{.name = "a"}})); }));
  });
  const Report report = test.deploy(root);
  REQUIRE(messages(report) == Lines{"cannot write a"});
  const auto& trail = report.errors.front().trail;
  REQUIRE(trail.size() == 3);
  CHECK(trail[0].name == "part shop");
  CHECK(trail[2].name == "part shelf");
  CHECK(std::string(trail[2].at.file_name()).ends_with("world.cpp"));  // where part_of() declares it
  CHECK(std::string(trail[1].at.file_name()).ends_with("children_test.cpp"));
}

TEST_CASE("the first failure in time stops the siblings") {
  Deployment test;
  std::latch all_there{2};
  test.store().before = [&](const std::string& what, const std::string& name) {
    if (what != "write" || name != "bad") return;
    all_there.arrive_and_wait();
    throw Error({.code = "H0999", .message = "cannot write bad"});
  };
  std::atomic<bool> stopped{false}, went_on{false};
  int rounds = 0;
  const Part root = doing("shop", [&](PartContext& in) {
    const bool real = ++rounds == 2;
    in.all(doing("patient",
                 [&, real](PartContext& at) {
                   if (real) {
                     all_there.arrive_and_wait();
                     try {
                       at.pause(std::chrono::minutes(5));
                     } catch (const Stopped&) {
                       stopped = true;
                       throw;
                     }
                   }
                   at.use<Things>().ensure(at, {.name = "late"});
                   went_on = went_on || real;
                 }),
           part_of("hasty", {{.name = "bad"}}));
  });
  const Report report = test.deploy(root);
  CHECK(messages(report) == Lines{"cannot write bad"});  // the stop it caused is no error
  CHECK(stopped);
  CHECK_FALSE(went_on);
  CHECK(test.store().history().empty());
  int stopped_events = 0;
  for (const auto& seen : test.observer.seen())
    stopped_events += seen.kind == Event::Kind::score_stopped && seen.path == "shop > patient";
  CHECK(stopped_events == 1);
}

TEST_CASE("children that were not started yet are not started after a failure") {
  Deployment test;
  fail_writes(test, {"bad"});
  std::atomic<int> started{0};
  int rounds = 0;
  const Part root = doing("shop", [&](PartContext& in) {
    const bool real = ++rounds == 2;
    in.run(part_of("bad", {{.name = "bad"}}));
    in.run(doing("later", [&, real](PartContext&) { started += real; }));
  });
  CHECK(messages(test.deploy(root)) == Lines{"cannot write bad"});
  CHECK(started == 0);
}

TEST_CASE("all errors are told, in the order of the tree") {
  Deployment test;
  std::barrier both{2};
  test.store().before = [&](const std::string& what, const std::string& name) {
    if (what != "write") return;
    both.arrive_and_wait();
    throw Error({.code = "H0999", .message = "cannot write " + name});
  };
  const Part root =
      doing("shop", [](PartContext& in) { in.all(part_of("one", {{.name = "a"}}), part_of("two", {{.name = "b"}})); });
  for (int round = 0; round < 20; ++round)
    CHECK(messages(test.deploy(root)) == Lines{"cannot write a", "cannot write b"});
}

TEST_CASE("in a rehearsal nobody is stopped, so that all errors show") {
  Deployment test;
  std::atomic<int> ran{0};
  const Part root = doing("shop", [&](PartContext& in) {
    std::vector<Part> children;
    for (int i = 0; i < 20; ++i)
      children.push_back(i % 2 ? failing("child " + std::to_string(i))
                               : doing("child " + std::to_string(i), [&](PartContext&) { ++ran; }));
    in.all(children);
  });
  const Plan plan = test.rehearse(root);
  REQUIRE(plan.errors.size() == 10);
  CHECK(plan.errors.front().message == "child 1 fails");
  CHECK(plan.errors.back().message == "child 19 fails");
  CHECK(ran == 10);
}

TEST_CASE("256 nested leaves end") {
  Deployment test;
  std::function<Part(std::string, int)> tree = [&](std::string name, int depth) {
    return doing(name, [&tree, name, depth](PartContext& in) {
      if (depth == 0) return in.use<Things>().ensure(in, {.name = name});
      std::vector<Part> children;
      for (int i = 0; i < 4; ++i) children.push_back(tree(name + std::to_string(i), depth - 1));
      in.all(children);
    });
  };
  const Part root = tree("n", 4);
  const Report report = test.deploy(root);
  CHECK(report.ok());
  CHECK(test.store().all().size() == 256);
  CHECK(std::ranges::is_sorted(report.outcome.steps, {}, &StepOutcome::name));
  CHECK(test.rehearse(root).outcome.empty());
}

namespace {
/// While it lives no thread can be started: there is no room for its stack.
class NoMoreThreads {
 public:
  NoMoreThreads() {
    pthread_getattr_default_np(&before_);
    pthread_attr_t vast = before_;
    pthread_attr_setstacksize(&vast, std::size_t{1} << 60);
    REQUIRE(pthread_setattr_default_np(&vast) == 0);
    REQUIRE_THROWS_AS(std::jthread([] {}), std::system_error);
  }
  ~NoMoreThreads() { pthread_setattr_default_np(&before_); }
  NoMoreThreads(const NoMoreThreads&) = delete;
  NoMoreThreads& operator=(const NoMoreThreads&) = delete;

 private:
  pthread_attr_t before_{};
};
}  // namespace

TEST_CASE("where no thread can be started, the caller does all the work, and later ones find helpers again") {
  Deployment test;
  const Part alone = doing("shop", [](PartContext& in) {
    std::set<std::thread::id> workers;
    const auto note = [&](PartContext&) { workers.insert(std::this_thread::get_id()); };
    const NoMoreThreads none;
    in.all(doing("a", note), doing("b", note), doing("c", note));
    CHECK(workers == std::set{std::this_thread::get_id()});
  });
  for (int round = 0; round < 10; ++round)  // more often than there are helpers
    REQUIRE(codes_of(test.rehearse(alone).errors).empty());
  std::latch both{2};
  const auto meet = [&](PartContext&) { both.arrive_and_wait(); };
  CHECK(test.rehearse(doing("shop", [&](PartContext& in) { in.all(doing("a", meet), doing("b", meet)); }))
            .errors.empty());
}

TEST_CASE("all of nothing is nothing") {
  Deployment test;
  CHECK(test.deploy(doing("shop", [](PartContext& in) { in.all(std::vector<Part>{}); })).ok());
}

TEST_CASE("two children of one kind and name are an error that names both lines") {
  Deployment test;
  const auto twice = GENERATE(0, 1, 2);
  int line = 0;
  const Part root = doing("shop", [&](PartContext& in) {
    const Part one{.label = "same", .body = [](PartContext&) {}};
    const Part other{.label = "same", .body = [](PartContext&) {}};
    line = static_cast<int>(one.declared.line());
    if (twice == 0) in.all(one, other);
    else if (twice == 1) in.all(std::vector<Part>{one, other});
    else in.run(one), in.run(other);
  });
  const Plan plan = test.rehearse(root);
  REQUIRE(plan.errors.size() == 1);
  const auto& error = plan.errors.front();
  CHECK(error.code == "H0011");
  CHECK(error.subject == "part/same");
  REQUIRE(error.facts.size() == 2);
  CHECK(error.facts[0].second.find("children_test.cpp:" + std::to_string(line)) != std::string::npos);
  CHECK(error.facts[1].second.find("children_test.cpp:" + std::to_string(line + 1)) != std::string::npos);
}

TEST_CASE("the same name below different parents is no error") {
  Deployment test;
  const auto nested = [](std::string name) {
    return doing(name, [](PartContext& in) { in.run(doing("same", [](PartContext&) {})); });
  };
  CHECK(test.rehearse(doing("shop", [&](PartContext& in) { in.all(nested("a"), nested("b")); })).errors.empty());
}

TEST_CASE("an error that left run fails the deploy, whatever the Score catches") {
  Deployment test;
  REQUIRE(test.deploy(part_of("shop", {{.name = "old"}})).ok());
  fail_writes(test, {"bad"});
  const Part root = doing("shop", [](PartContext& in) {
    try {
      in.run(part_of("bad", {{.name = "bad"}}));
    } catch (const Error&) {  // hopes that nobody notices
    }
    in.use<Things>().ensure(in, {.name = "after"});
  });
  const Report report = test.deploy(root);
  CHECK(messages(report) == Lines{"cannot write bad"});
  CHECK(test.store().peek("old"));  // not pruned
  CHECK(test.ledger().read().run->failed);
}

TEST_CASE("an error swallowed in a rehearsal is in the plan") {
  Deployment test;
  const Part root = doing("shop", [](PartContext& in) {
    try {
      in.run(failing("bad"));
    } catch (...) {
    }
  });
  CHECK(test.rehearse(root).errors.size() == 1);
}

TEST_CASE("an exception that is none of ours is an error of the Score, not a crash") {
  Deployment test;
  const Plan plan = test.rehearse(doing("shop", [](PartContext& in) {
    in.run(doing("bad", [](PartContext&) { throw std::runtime_error("unforeseen"); }));
  }));
  REQUIRE(codes_of(plan.errors) == Lines{"H0003"});
  CHECK(plan.errors.front().category == Category::failed);
  CHECK(plan.errors.front().message.find("unforeseen") != std::string::npos);
  CHECK(codes_of(test.rehearse(doing("shop", [](PartContext&) { throw 42; })).errors) == Lines{"H0003"});
}

// ---------------------------------------------------------------- attempt

namespace {
Part attempting(Part child, std::optional<std::string>* told = nullptr) {
  return doing("shop", [child, told](PartContext& in) {
    const auto error = in.attempt(child);
    if (told && error) *told = error->what();
    in.use<Things>().ensure(in, {.name = "after"});
  });
}
}  // namespace

TEST_CASE("an attempt that succeeds is a child like others") {
  Deployment test;
  CHECK(test.deploy(attempting(part_of("extra", {{.name = "a"}}))).ok());
  CHECK(test.store().all().size() == 2);
}

TEST_CASE("a child that is allowed to fail does not fail the deploy") {
  Deployment test;
  std::optional<std::string> told;
  fail_writes(test, {"a"});
  const auto things = GENERATE(std::vector<Thing>{{.name = "a"}}, std::vector<Thing>{{.name = "a"}, {.name = "b"}});
  const Report report = test.deploy(attempting(part_of("extra", things), &told));
  CHECK(messages(report).empty());
  CHECK(told == "cannot write a");
  REQUIRE(report.outcome.notes.size() == 1);
  CHECK(report.outcome.notes.front().label == "failed");
  CHECK(report.outcome.notes.front().text == "shop > extra was allowed to fail, and did: cannot write a");
  CHECK(test.store().history() == Lines{"write after"});
  test.store().before = nullptr;
  CHECK(test.deploy(attempting(part_of("extra", things))).ok());
  CHECK(test.rehearse(attempting(part_of("extra", things))).outcome.empty());
}

TEST_CASE("a plan says which attempt would fail") {
  Deployment test;
  const Part extra = doing("extra", [](PartContext&) {
    throw Error({.code = "H0999", .category = Category::failed, .message = "no such artefact"});
  });
  const Plan plan = test.rehearse(attempting(extra));
  CHECK(plan.errors.empty());
  REQUIRE(plan.outcome.notes.size() == 1);
  CHECK(plan.outcome.notes.front().label == "warning");
  CHECK(plan.outcome.notes.front().text == "shop > extra would fail, and is allowed to: no such artefact");
}

TEST_CASE("grandchildren of an attempt are forgiven, children beside it are not") {
  Deployment test;
  fail_writes(test, {"a", "b"});
  const Part extra =
      doing("extra", [](PartContext& in) { in.all(part_of("x", {{.name = "a"}}), part_of("y", {{.name = "b"}})); });
  SECTION("below") { CHECK(test.deploy(attempting(extra)).ok()); }
  SECTION("beside") {
    const Part root = doing("shop", [&](PartContext& in) {
      (void)in.attempt(extra);
      in.run(part_of("needed", {{.name = "b"}}));
    });
    CHECK(messages(test.deploy(root)) == Lines{"cannot write b"});
  }
}

TEST_CASE("what lies below a failed attempt is not pruned") {
  Deployment test;
  const auto extra = [](Lines names) {
    std::vector<Thing> things;
    for (const auto& name : names) things.push_back({.name = name});
    return doing("extra", [things](PartContext& in) { in.run(part_of("inner", things)); });
  };
  REQUIRE(test.deploy(attempting(extra({"old", "kept"}))).ok());
  fail_writes(test, {"new"});
  const Part changed = attempting(extra({"kept", "new"}));
  CHECK(lines_of(test.rehearse(changed).outcome) ==
        Lines{"unchanged thing/kept", "create thing/new", "unchanged thing/after", "delete thing/old"});
  CHECK(test.deploy(changed).ok());
  CHECK(test.store().peek("old"));
  test.store().before = nullptr;
  CHECK(test.deploy(changed).ok());
  CHECK_FALSE(test.store().peek("old"));
}

TEST_CASE("what has moved below an attempt without any change is spared like all that lies there") {
  Deployment test;
  bool broken = false;
  const Part cache = part_of("cache", {{.name = "kept"}});
  const Part extras = doing("extras", [&](PartContext& in) {
    if (broken) throw Error({.code = "H0999", .message = "broken"});
    in.run(cache);
  });
  REQUIRE(test.deploy(doing("shop", [&](PartContext& in) { in.run(cache); })).ok());
  const Part moved = attempting(extras);
  CHECK(test.rehearse(moved).settles);
  REQUIRE(test.deploy(moved).ok());
  CHECK_FALSE(test.rehearse(moved).settles);
  broken = true;
  CHECK(test.deploy(moved).ok());
  CHECK(test.store().peek("kept"));
}

TEST_CASE("an attempt that fails in the rehearsal plans no prune below it") {
  Deployment test;
  bool broken = false;
  const Part root = doing("shop", [&](PartContext& in) {
    (void)in.attempt(doing("extra", [&](PartContext& extra) {
      if (broken) throw Error({.code = "H0999", .message = "no answer"});
      extra.use<Things>().ensure(extra, {.name = "a"});
    }));
    in.use<Things>().ensure(in, {.name = broken ? "other" : "after"});
  });
  REQUIRE(test.deploy(root).ok());
  broken = true;
  const Plan plan = test.rehearse(root);
  CHECK(plan.errors.empty());
  CHECK(lines_of(plan.outcome) == Lines{"create thing/other", "delete thing/after"});
  CHECK(test.deploy(root).ok());
  CHECK(test.store().peek("a"));
}

TEST_CASE("a prune that the plan does not say does not happen, whoever recovers meanwhile") {
  Deployment test;
  enum { whole, broken, smaller } state = whole;
  const Part root = doing("shop", [&](PartContext& in) {
    (void)in.attempt(doing("extra", [&](PartContext& extra) {
      if (state == broken) {
        state = smaller;  // works again when the deploy comes
        throw Error({.code = "H0999", .message = "no answer"});
      }
      extra.use<Things>().ensure(extra, {.name = "a"});
      if (state == whole) extra.use<Things>().ensure(extra, {.name = "b"});
    }));
    in.use<Things>().ensure(in, {.name = state == whole ? "after" : "other"});
  });
  REQUIRE(test.deploy(root).ok());
  state = broken;
  const Report report = test.deploy(root);
  CHECK(report.ok());
  CHECK(test.store().peek("b"));
  CHECK(test.deploy(root).ok());
  CHECK_FALSE(test.store().peek("b"));
}

TEST_CASE("a stop is no failure to be allowed") {
  Deployment test;
  int rounds = 0;
  const Part root = attempting(doing("extra", [&](PartContext& in) {
    if (++rounds == 1) return;
    test.stop.request_stop();
    in.check();
  }));
  const Report report = test.deploy(root);
  REQUIRE(codes_of(report.errors) == Lines{"H0002"});
  CHECK(report.errors.front().category == Category::stopped);
  CHECK(test.store().history().empty());
}
