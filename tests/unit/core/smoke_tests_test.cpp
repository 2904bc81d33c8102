/// Smoke tests: once, last, and never skipped.
#include <condition_variable>
#include <latch>
#include <thread>

#include "catch.hpp"
#include "support/world.hpp"

using namespace harmony;
using namespace harmony::testing;
using Lines = std::vector<std::string>;

namespace {
Part tested(std::vector<Thing> things, std::vector<Probe> probes) {
  Part part = part_of("shop", std::move(things));
  part.body = [ensure = part.body, probes](PartContext& in) {
    ensure(in);
    for (const Probe& probe : probes) in.smoke_test(probe);
  };
  return part;
}
Probe passing(std::string name, std::function<void()> meanwhile = [] {}) {
  return {name, [meanwhile](PartContext&, Checks& checks) {
            meanwhile();
            checks.expect(true, "that it holds");
          }};
}
}  // namespace

TEST_CASE("a smoke test runs once, after the last write and prune, against the real world") {
  Deployment test;
  REQUIRE(test.deploy(part_of("shop", {{.name = "old"}})).ok());
  Lines seen;
  const Probe probe{"works", [&](PartContext& in, Checks& checks) {
                      seen = test.store().history();
                      checks.expect(in.use<Things>().until(in, "a", "size", std::chrono::seconds(1)), "a size");
                      checks.expect(true, "this too");
                    }};
  const Part root = tested({{.name = "a", .fields = {{"size", "1"}}}}, {probe});
  const Plan plan = test.rehearse(root);
  REQUIRE(plan.smoke_tests.size() == 1);
  CHECK(plan.smoke_tests.front().name == "works");
  CHECK(plan.smoke_tests.front().score_path == "shop");
  CHECK(seen.empty());
  const Report report = test.deploy(root);
  CHECK(report.ok());
  CHECK(seen == Lines{"write old", "write a", "remove old"});
  REQUIRE(report.smoke_tests.size() == 1);
  CHECK(report.smoke_tests.front().passed);
  CHECK(report.smoke_tests.front().checks == 2);
  CHECK(test.ledger().read().run->smoke_tested);
  CHECK_FALSE(test.ledger().read().last_success.empty());
}

TEST_CASE("without changes they run all the same") {
  Deployment test;
  int ran = 0;
  const Part root = tested({{.name = "a"}}, {passing("works", [&] { ++ran; })});
  REQUIRE(test.deploy(root).ok());
  const auto calls = test.ledger().calls();
  CHECK(test.deploy(root).smoke_tests.size() == 1);
  CHECK(ran == 2);
  CHECK(test.ledger().calls() == calls);
}

TEST_CASE("where nothing changes, a failure is noted, and a success after it") {
  Deployment test;
  bool works = true;
  const Probe probe{"works", [&](PartContext&, Checks& checks) { checks.expect(works, "an answer", "silence"); }};
  const Part root = tested({{.name = "a"}}, {probe});
  REQUIRE(test.deploy(root).ok());
  const LedgerState well = test.ledger().read();
  works = false;
  CHECK(codes_of(test.deploy(root).errors) == Lines{"H0601"});
  const LedgerState failed = test.ledger().read();
  CHECK(failed.ended_badly());
  CHECK_FALSE(failed.run->smoke_tested);
  CHECK(failed.last_success == well.last_success);
  CHECK(failed.entries.size() == well.entries.size());
  works = true;
  CHECK(test.deploy(root).ok());
  CHECK_FALSE(test.ledger().read().ended_badly());
}

TEST_CASE("they run in the order of the tree, whoever queued first") {
  Deployment test;
  Lines order;
  const auto child = [&](std::string name, std::latch* wait, std::latch* done) {
    return Part{.label = name, .body = [&order, name, wait, done](PartContext& in) {
                  if (wait) wait->wait();
                  in.smoke_test(passing("test of " + name, [&order, name] { order.push_back(name); }));
                  if (done) done->count_down();
                }};
  };
  const Part root{.label = "shop", .body = [&](PartContext& in) {
                    std::latch done{1};
                    in.all(child("first", &done, nullptr), child("second", nullptr, &done));
                    in.smoke_test(passing("test of the root", [&] { order.push_back("root"); }));
                  }};
  const Report report = test.deploy(root);
  CHECK(report.ok());
  CHECK(order == Lines{"root", "first", "second"});
  CHECK(report.smoke_tests[1].score_path == "shop > first");
}

TEST_CASE("one that fails fails the deploy; the others run") {
  Deployment test;
  int ran = 0;
  const Probe wrong{"wrong", [](PartContext&, Checks& checks) { checks.expect(false, "an answer", "silence"); }};
  const Report report = test.deploy(tested({{.name = "a"}}, {wrong, passing("right", [&] { ++ran; })}));
  REQUIRE(codes_of(report.errors) == Lines{"H0601"});
  const auto& error = report.errors.front();
  CHECK(error.category == Category::smoke_test);
  CHECK(error.message == "expected an answer");
  CHECK(error.facts == std::vector<std::pair<std::string, std::string>>{{"smoke test", "wrong"}, {"found", "silence"}});
  REQUIRE(error.trail.size() == 2);
  CHECK(std::string_view(error.trail.back().at.file_name()).ends_with("smoke_tests_test.cpp"));
  CHECK(ran == 1);
  CHECK(test.ledger().read().run->failed);
  CHECK_FALSE(test.ledger().read().run->smoke_tested);
  CHECK(test.ledger().read().last_success.empty());
  CHECK(test.store().all().size() == 1);  // what was written stays
}

TEST_CASE("one that checks nothing fails") {
  Deployment test;
  const Report report = test.deploy(tested({{.name = "a"}}, {{"idle", [](PartContext&, Checks&) {}}}));
  REQUIRE(codes_of(report.errors) == Lines{"H0602"});
  CHECK(report.errors.front().category == Category::smoke_test);
}

TEST_CASE("whatever one throws is a failed smoke test") {
  Deployment test;
  const Probe unreachable{"unreachable", [](PartContext&, Checks&) {
                            throw Error({.code = "H0999", .category = Category::unreachable, .message = "refused"});
                          }};
  const Probe foreign{"foreign", [](PartContext&, Checks&) { throw std::runtime_error("odd"); }};
  const Probe number{"number", [](PartContext&, Checks&) { throw 42; }};
  const Report report = test.deploy(tested({{.name = "a"}}, {unreachable, foreign, number}));
  REQUIRE(codes_of(report.errors) == Lines{"H0999", "H0003", "H0003"});
  for (const Diagnostic& error : report.errors) CHECK(error.category == Category::smoke_test);
}

TEST_CASE("one that hangs is ended at its limit") {
  Deployment test;
  test.options.smoke_test_limit = std::chrono::milliseconds(50);
  bool stopped = false;
  const Probe hanging{"hanging", [&](PartContext& in, Checks& checks) {
                        checks.expect(true, "a beginning");
                        try {
                          in.pause(std::chrono::minutes(5));
                        } catch (const Stopped&) {
                          stopped = true;
                          throw;
                        }
                      }};
  const Report report = test.deploy(tested({{.name = "a"}}, {hanging}));
  REQUIRE(codes_of(report.errors) == Lines{"H0603"});
  CHECK(report.errors.front().category == Category::smoke_test);
  CHECK(stopped);
  CHECK_FALSE(report.abandoned);
  CHECK(test.ledger().read().run->failed);
}

TEST_CASE("one that ignores its stop is left behind, and the report says so") {
  Deployment test;
  test.options.smoke_test_limit = std::chrono::milliseconds(10);
  std::mutex mutex;
  std::condition_variable changed;
  bool release = false, left = false;
  const Probe deaf{"deaf", [&](PartContext&, Checks&) {
                     std::unique_lock hold{mutex};
                     changed.wait(hold, [&] { return release; });
                     left = true;
                     changed.notify_all();
                   }};
  Part root = tested({{.name = "a"}}, {deaf});
  const auto engine = test.engine(root);
  const Report report = engine->deploy(nullptr, test.approve);
  CHECK(codes_of(report.errors) == Lines{"H0603"});
  CHECK(report.abandoned);
  std::unique_lock hold{mutex};
  release = true;
  changed.notify_all();
  CHECK(changed.wait_for(hold, std::chrono::seconds(30), [&] { return left; }));
}

TEST_CASE("after one that was left behind the others count as they are") {
  Deployment test;
  test.options.smoke_test_limit = std::chrono::seconds(2);  // the one that passes has to keep it as well
  auto free = std::make_shared<std::latch>(1);
  const Probe stubborn{"stubborn", [free](PartContext&, Checks&) { free->wait(); }};
  int ran = 0;
  const Report report = test.deploy(tested({{.name = "a"}}, {stubborn, passing("after", [&] { ++ran; })}));
  free->count_down();
  CHECK(codes_of(report.errors) == Lines{"H0603"});
  CHECK(report.abandoned);
  REQUIRE(report.smoke_tests.size() == 2);
  CHECK(report.smoke_tests[1].passed);
  CHECK(report.smoke_tests[1].checks > 0);
}

TEST_CASE("a stop does not wait for the limit of a test that ignores it") {
  Deployment test;
  test.options.smoke_test_limit = std::chrono::hours(1);
  auto free = std::make_shared<std::latch>(1);
  const Probe stubborn{"stubborn", [free, &test](PartContext&, Checks&) {
                         test.stop.request_stop();
                         free->wait();
                       }};
  const Report report = test.deploy(tested({{.name = "a"}}, {stubborn}));
  free->count_down();
  REQUIRE(codes_of(report.errors) == Lines{"H0002"});
  CHECK(report.errors.front().category == Category::stopped);
  CHECK(report.abandoned);
}

TEST_CASE("none runs after a failed deploy") {
  Deployment test;
  int ran = 0;
  test.store().before = [](const std::string& what, const std::string&) {
    if (what == "write") throw Error({.code = "H0999", .message = "full"});
  };
  const Report report = test.deploy(tested({{.name = "a"}}, {passing("works", [&] { ++ran; })}));
  CHECK(codes_of(report.errors) == Lines{"H0999"});
  CHECK(report.smoke_tests.empty());
  CHECK(ran == 0);
}

TEST_CASE("smoke_test alone refuses where what is deployed is not what the Scores say") {
  Deployment test;
  int ran = 0;
  const Part root = tested({{.name = "a"}}, {passing("works", [&] { ++ran; })});
  const Report nothing = test.smoke_test(root);
  REQUIRE(codes_of(nothing.errors) == Lines{"H0305"});
  CHECK(nothing.errors.front().message.find("nothing is deployed") != std::string::npos);
  REQUIRE(test.deploy(root).ok());
  ran = 0;
  const Report before = test.smoke_test(tested({{.name = "a"}, {.name = "b"}}, {passing("works", [&] { ++ran; })}));
  REQUIRE(codes_of(before.errors) == Lines{"H0305"});
  CHECK(before.errors.front().category == Category::refused);
  REQUIRE(before.errors.front().facts.size() == 1);
  CHECK(before.errors.front().facts[0].first.find("b") != std::string::npos);
  CHECK(before.errors.front().facts[0].second == "create");
  CHECK(ran == 0);
  const auto calls = test.ledger().calls();
  CHECK(test.smoke_test(root).ok());
  CHECK(ran == 1);
  CHECK(test.ledger().calls() == calls);
}

TEST_CASE("a smoke test that writes through the door is our bug, said so") {
  Deployment test;
  const Probe writing{"writing", [](PartContext& in, Checks& checks) {
                        checks.expect(true, "a start");
                        in.use<Things>().ensure(in, {.name = "litter"});
                      }};
  const Report report = test.deploy(tested({{.name = "a"}}, {writing}));
  CHECK(codes_of(report.errors) == Lines{"H0001"});
  CHECK_FALSE(test.store().peek("litter"));
}

TEST_CASE("a stop during the smoke tests ends them, and is told as a stop") {
  Deployment test;
  const Probe waiting{"waiting", [&](PartContext& in, Checks& checks) {
                        checks.expect(true, "a beginning");
                        test.stop.request_stop();
                        in.pause(std::chrono::minutes(5));
                      }};
  const Report report = test.deploy(tested({{.name = "a"}}, {waiting}));
  REQUIRE(codes_of(report.errors) == Lines{"H0002"});
  CHECK(report.errors.front().category == Category::stopped);
  CHECK(test.ledger().read().run->failed);
}
