/// Many children at once: meant to be run under ThreadSanitizer as well. $HARMONY_TEST_CHILDREN sets how many.
#include <atomic>
#include <barrier>
#include <latch>
#include <thread>

#include "catch.hpp"
#include "support/world.hpp"

using namespace harmony;
using namespace harmony::testing;
using Lines = std::vector<std::string>;

namespace {
int many() { return size_from("HARMONY_TEST_CHILDREN", 64); }

Part busy(int number) {
  return {.label = "child " + std::to_string(number), .body = [number](PartContext& in) {
            const std::string own = "own " + std::to_string(number);
            in.conceal(Secret<std::string>("password of " + own));
            in.use<Things>().ensure(in, {.name = own, .fields = {{"size", "1"}}, .generated = {"password"}});
            in.use<Things>().ensure(in, {.name = "shared by some " + std::to_string(number % 4)});
            in.note("open", own);
            in.waiting("nothing");
            (void)in.use<Things>().field(in, own, "size").map([](const std::string& size) { return size.size(); });
            in.smoke_test(Probe{"test of " + own, [own](PartContext& at, Checks& checks) {
                                  checks.expect(at.use<Things>().until(at, own, "password", std::chrono::seconds(10)),
                                                own);
                                }});
            in.run(part_of("inner", {{.name = "inner " + std::to_string(number)}}));
          }};
}
Part crowd(int count) {
  return {.label = "shop", .body = [count](PartContext& in) {
            std::vector<Part> children;
            for (int number = 0; number < count; ++number) children.push_back(busy(number));
            in.all(children);
          }};
}
}  // namespace

TEST_CASE("many children at once do what their plan says, in the order of the tree") {
  Deployment test;
  auto attached = std::make_shared<RecordingObserver>();
  Part root = crowd(many());
  root.body = [body = root.body, attached](PartContext& in) {
    in.observe(attached);
    body(in);
  };
  const Plan plan = test.rehearse(root);
  REQUIRE(plan.errors.empty());
  const Report report = test.deploy(root);
  REQUIRE(report.ok());
  CHECK(lines_of(report.outcome) == lines_of(plan.outcome));
  CHECK(report.smoke_tests.size() == static_cast<std::size_t>(many()));
  CHECK(report.smoke_tests.back().name == "test of own " + std::to_string(many() - 1));
  CHECK(test.store().history().size() == static_cast<std::size_t>(2 * many() + std::min(4, many())));
  CHECK(test.rehearse(root).outcome.empty());
  CHECK_FALSE(attached->seen().empty());
}

TEST_CASE("children run side by side") {
  Deployment test;
  std::barrier both{2};
  const Part root{.label = "shop", .body = [&](PartContext& in) {  // ends only if the two are there at the same time
                    const auto meet = [&](PartContext&) { both.arrive_and_wait(); };
                    in.all(Part{.label = "one", .body = meet}, Part{.label = "other", .body = meet});
                  }};
  CHECK(test.deploy(root).ok());
}

TEST_CASE("one writer at a time per subject") {
  Deployment test;
  std::atomic<int> inside{0}, worst{0};
  test.store().before = [&](const std::string& what, const std::string&) {
    if (what != "write") return;
    const int now = ++inside;
    for (int seen = worst; seen < now && !worst.compare_exchange_weak(seen, now);) {
    }
    std::this_thread::yield();
    --inside;
  };
  const Part root{
      .label = "shop", .body = [](PartContext& in) {
        std::vector<Part> children;
        for (int number = 0; number < 16; ++number)
          children.push_back(part_of(std::to_string(number), {{.name = "same", .fields = {{"size", "1"}}}}));
        in.all(children);
      }};
  REQUIRE(test.deploy(root).ok());
  CHECK(worst == 1);
  CHECK(test.store().history().size() == 1);
}

TEST_CASE("failing, stopping and attempting at once leaves nothing running and no lock held") {
  for (int round = 0; round < 20; ++round) {
    Deployment test;
    std::atomic<int> inside{0};
    test.store().before = [&](const std::string& what, const std::string& name) {
      if (what == "write" && name.ends_with("7")) throw Error({.code = "H0999", .message = "cannot write " + name});
    };
    const Part root{
        .label = "shop", .body = [&](PartContext& in) {
          std::vector<Part> children;
          for (int number = 0; number < many(); ++number)
            children.push_back({.label = "child " + std::to_string(number), .body = [&, number](PartContext& child) {
                                  ++inside;
                                  const auto leave = std::shared_ptr<void>(nullptr, [&](void*) { --inside; });
                                  if (number == 17) (void)child.attempt(part_of("allowed", {{.name = "17"}}));
                                  else child.use<Things>().ensure(child, {.name = std::to_string(number)});
                                }});
          in.all(children);
        }};
    if (round % 3 == 2) {
      std::jthread stopper{[&] { test.stop.request_stop(); }};
      CHECK_FALSE(test.deploy(root).ok());
    } else {
      const auto codes = codes_of(test.deploy(root).errors);
      CHECK_FALSE(codes.empty());
      CHECK(std::ranges::all_of(codes, [](const std::string& code) { return code == "H0999"; }));
    }
    CHECK(inside == 0);
    CHECK_FALSE(test.ledger().held());
  }
}

TEST_CASE("several deployments at once do not know of each other") {
  std::vector<std::jthread> threads;
  std::atomic<int> good{0};
  for (int number = 0; number < 4; ++number)
    threads.emplace_back([&] {
      Deployment test;
      good += test.deploy(crowd(8)).ok() && test.rehearse(crowd(8)).outcome.empty();
    });
  threads.clear();
  CHECK(good == 4);
}
