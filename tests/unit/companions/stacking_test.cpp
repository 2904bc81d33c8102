/// `|`: what may stand where, and what a stack needs and brings.
#include <type_traits>

#include "catch.hpp"
#include "companions/default_stack.hpp"
#include "companions/unverified.hpp"
#include "scores.hpp"

using namespace harmony;
using namespace harmony::testing;

namespace {

class Clock {
 public:
  int hour = 12;
};
struct KnowsTheTime {
  using needs = Needs<Clock, Shelf>;
  std::string_view name() const { return "KnowsTheTime"; }
  void test(Context<needs>& in, Checks& checks) const { checks.expect(in.use<Clock>().hour == 12, "noon"); }
};

class TopologyWithClock : public MemoryTopology {
 public:
  using MemoryTopology::capability;
  using MemoryTopology::MemoryTopology;
  Clock& capability(Clock*) { return clock_; }
  std::shared_ptr<Topology> rehearsed(Rehearsal&) override {
    return std::make_shared<TopologyWithClock>(TopologySettings{});
  }

 private:
  Clock clock_;
};

template <class S>
int companions_of(S stacked) {
  int found = -1;  // the Score itself is visited as well
  each_companion(stacked, [&](auto&) { ++found; });
  return found;
}

}  // namespace

TEST_CASE("layers compose with layers, and stand where they would stand alone") {
  auto together = BookScore{} | (smoke_tested(IsThere{}) | (metered() | traced()) | (dry_run() | planned()));
  auto apart = BookScore{} | smoke_tested(IsThere{}) | metered() | traced() | dry_run() | planned();
  STATIC_REQUIRE(std::is_same_v<decltype(together), decltype(apart)>);
  CHECK(companions_of(together) == 5);
  STATIC_REQUIRE(stacks_verb<decltype(together)>);
  STATIC_REQUIRE_FALSE(stacks_verb<decltype(BookScore{} | metered())>);
}

TEST_CASE("default_stack is metered, traced, dry_run and planned, once each") {
  auto stacked = BookScore{} | smoke_tested(IsThere{}) | default_stack();
  using S = decltype(stacked);
  STATIC_REQUIRE(stacks<S, MeteredTag>());
  STATIC_REQUIRE(stacks<S, TracedTag>());
  STATIC_REQUIRE(stacks<S, DryRunTag>());
  STATIC_REQUIRE(stacks<S, PlannedTag>());
  STATIC_REQUIRE(stacks<S, SmokeTestedTag>());
  STATIC_REQUIRE_FALSE(stacks<S, UnverifiedTag>());
  CHECK(companions_of(stacked) == 5);
}

TEST_CASE("a stack is called what its Score is called, and has its kind") {
  auto stacked = BookScore{.instance = "ulysses"} | smoke_tested(IsThere{}) | default_stack();
  CHECK(stacked.name() == "ulysses");
  CHECK(decltype(stacked)::kind() == "book");
  STATIC_REQUIRE(std::is_same_v<innermost<decltype(stacked)>, BookScore>);
}

TEST_CASE("needs of a Score and of its tests are joined, each once") {
  using S = decltype(BookScore{} | smoke_tested(KnowsTheTime{}, IsThere{}) | metered());
  STATIC_REQUIRE(std::is_same_v<S::needs, Needs<Shelf, Clock>>);
  STATIC_REQUIRE(std::is_same_v<decltype(BookScore{} | default_stack())::needs, Needs<Shelf>>);
}

TEST_CASE("a test may use a capability that its Score does not") {
  const Report report = testing::deploy(BookScore{} | smoke_tested(KnowsTheTime{}),
                                        std::make_shared<TopologyWithClock>(TopologySettings{}));
  for (const auto& error : report.errors) FAIL_CHECK(error.code << " " << error.message);
  REQUIRE(report.smoke_tests.size() == 1);
  CHECK(report.smoke_tests[0].passed);
}

TEST_CASE("unverified says why") {
  auto stacked = BookScore{} | unverified("nobody reads it") | default_stack();
  const Program program = make_program<decltype(stacked), MemoryTopology>(stacked);
  REQUIRE(program.unverified);
  CHECK(*program.unverified == "nobody reads it");
}

TEST_CASE("observers of a root are those of its companions") {
  auto stacked = BookScore{} | smoke_tested(IsThere{}) | default_stack();
  CHECK(make_program<decltype(stacked), MemoryTopology>(stacked).observers.size() == 2);
  auto bare = BookScore{} | smoke_tested(IsThere{});
  CHECK(make_program<decltype(bare), MemoryTopology>(bare).observers.empty());
}

TEST_CASE("several smoke tests run each once, in their order, after the last write") {
  auto observer = std::make_shared<RecordingObserver>();
  auto stacked = BookScore{} | smoke_tested(IsThere{.test_name = "first"}, IsThere{.test_name = "second"});
  Engine engine{make_program<decltype(stacked), MemoryTopology>(stacked),
                shelf_topology(),
                {.deployment = "library", .who = "test"},
                {}};
  engine.observe(*observer);
  const Report report = engine.deploy(nullptr, [](const Plan&) { return Approval::yes; });
  REQUIRE(report.ok());
  REQUIRE(report.smoke_tests.size() == 2);
  CHECK(report.smoke_tests[0].name == "first");
  CHECK(report.smoke_tests[1].name == "second");
  std::vector<std::string> order;
  for (const auto& seen : observer->seen()) {
    if (seen.kind == Event::Kind::change_finished && !seen.rehearsed) order.emplace_back("write");
    if (seen.kind == Event::Kind::smoke_test_started) order.push_back(seen.text);
  }
  CHECK(order == std::vector<std::string>{"write", "first", "second"});
}

TEST_CASE("smoke tests of children run too, in the order of the tree") {
  const LibraryScore library{.body = [](auto& in) {
    in.run(BookScore{.instance = "a"} | smoke_tested(IsThere{.book = "a", .test_name = "of a"}));
    in.run(BookScore{.instance = "b"} | smoke_tested(IsThere{.book = "b", .test_name = "of b"}));
  }};
  const Report report = run_deploy(library | smoke_tested(IsThere{.book = "a", .test_name = "of the library"}));
  REQUIRE(report.smoke_tests.size() == 3);
  CHECK(report.smoke_tests[0].name == "of the library");
  CHECK(report.smoke_tests[1].name == "of a");
  CHECK(report.smoke_tests[1].score_path == "library > a");
  CHECK(report.smoke_tests[2].name == "of b");
}

TEST_CASE("a smoke test that fails fails the deploy; the others are run") {
  const Report report = run_deploy(
      BookScore{} | smoke_tested(IsThere{.book = "another", .test_name = "fails"}, IsThere{.test_name = "passes"}));
  REQUIRE(report.errors.size() == 1);
  CHECK(report.errors[0].code == "H0601");
  CHECK(report.errors[0].category == Category::smoke_test);
  REQUIRE(report.smoke_tests.size() == 2);
  CHECK_FALSE(report.smoke_tests[0].passed);
  CHECK(report.smoke_tests[1].passed);
}

TEST_CASE("a rehearsal lists the smoke tests and runs none") {
  const Plan plan = plan_of(BookScore{} | smoke_tested(IsThere{.test_name = "first"}, IsThere{.test_name = "second"}),
                            shelf_topology());
  REQUIRE(plan.smoke_tests.size() == 2);
  CHECK(plan.smoke_tests[1].name == "second");
}
