/// Companions compose with `|`, layers with layers, and each is found again.
#include "catch.hpp"
#include "support/world.hpp"

using namespace harmony;
using namespace harmony::testing;
using Lines = std::vector<std::string>;

namespace {
/// A companion that writes down when it is passed.
template <int number, Rank own_rank, Score S>
class Numbered : public Companion<Numbered<number, own_rank, S>, S> {
 public:
  static constexpr Rank rank = own_rank;
  using tag = std::integral_constant<int, number>;
  Numbered(S inner, Lines* seen) : Companion<Numbered, S>(std::move(inner)), seen_(seen) {}
  void interpret(Context<typename S::needs>& in) const {
    seen_->push_back("into " + std::to_string(number));
    in.pass(this->inner());
    seen_->push_back("out of " + std::to_string(number));
  }

 private:
  Lines* seen_;
};
template <int number, Rank own_rank>
struct numbered : LayerBase {
  static constexpr Rank rank = own_rank;
  using tag = std::integral_constant<int, number>;
  Lines* seen;
  explicit numbered(Lines* lines) : seen(lines) {}
  template <Score S>
  auto wrap(S score) const {
    return Numbered<number, own_rank, S>(std::move(score), seen);
  }
};
using gate = numbered<1, Rank::gate>;
using observer = numbered<2, Rank::observer>;
using second_observer = numbered<3, Rank::observer>;
using verb = numbered<4, Rank::verb>;
}  // namespace

TEST_CASE("the rightmost companion is outermost; kind and name stay the Score's") {
  Lines seen;
  auto stacked = Part{.label = "shop", .body = [&](PartContext&) { seen.push_back("the Score"); }} | gate(&seen) |
                 observer(&seen) | verb(&seen);
  STATIC_REQUIRE(std::same_as<innermost<decltype(stacked)>, Part>);
  STATIC_REQUIRE(decltype(stacked)::kind() == "part");
  CHECK(stacked.name() == "shop");
  auto topology = std::make_shared<Memory>();
  CHECK(plan_of(stacked, topology).errors.empty());
  CHECK(seen == Lines{"into 4", "into 2", "into 1", "the Score", "out of 1", "out of 2", "out of 4"});
}

TEST_CASE("layers with layers give the same type as one after the other") {
  Lines seen;
  const auto stack = observer(&seen) | second_observer(&seen) | verb(&seen);
  const Part part{.label = "shop", .body = [](PartContext&) {}};
  STATIC_REQUIRE(std::same_as<decltype(part | gate(&seen) | stack),
                              decltype(part | gate(&seen) | observer(&seen) | second_observer(&seen) | verb(&seen))>);
  STATIC_REQUIRE(std::same_as<decltype(part | (gate(&seen) | (observer(&seen) | verb(&seen)))),
                              decltype(part | gate(&seen) | observer(&seen) | verb(&seen))>);
}

TEST_CASE("what is stacked is known to the compiler") {
  Lines seen;
  const Part part{.label = "shop", .body = [](PartContext&) {}};
  const auto stacked = part | gate(&seen) | observer(&seen);
  STATIC_REQUIRE(stacks<decltype(stacked), gate::tag>());
  STATIC_REQUIRE(stacks<decltype(stacked), observer::tag>());
  STATIC_REQUIRE_FALSE(stacks<decltype(stacked), verb::tag>());
  STATIC_REQUIRE_FALSE(stacks<Part, gate::tag>());
  STATIC_REQUIRE_FALSE(stacks_verb<std::remove_const_t<decltype(stacked)>>);
  STATIC_REQUIRE(stacks_verb<decltype(part | verb(&seen))>);
  auto copy = stacked;
  int visited = 0;
  each_companion(copy, [&](auto&) { ++visited; });
  CHECK(visited == 3);
}

TEST_CASE("a companion on a child is no node of the tree") {
  Lines seen;
  Deployment test;
  const Part root{.label = "shop",
                  .body = [&](PartContext& in) { in.run(part_of("child", {{.name = "a"}}) | observer(&seen)); }};
  const Plan plan = test.rehearse(root);
  REQUIRE(plan.outcome.steps.size() == 1);
  CHECK(plan.outcome.steps.front().score_path == "shop > child");
  CHECK(seen == Lines{"into 2", "out of 2"});
}

TEST_CASE("needs are sets") {
  struct A {};
  struct B {};
  struct C {};
  STATIC_REQUIRE(std::same_as<join<Needs<A, B>, Needs<B, C>>, Needs<A, B, C>>);
  STATIC_REQUIRE(std::same_as<join<Needs<>, Needs<A>>, Needs<A>>);
  STATIC_REQUIRE(std::same_as<join<Needs<A>, Needs<>>, Needs<A>>);
  STATIC_REQUIRE(is_subset<Needs<A>, Needs<B, A>>);
  STATIC_REQUIRE(is_subset<Needs<>, Needs<>>);
  STATIC_REQUIRE_FALSE(is_subset<Needs<A, C>, Needs<B, A>>);
  STATIC_REQUIRE(std::same_as<first_missing<Needs<A, C>, Needs<B, A>>, C>);
  STATIC_REQUIRE(std::same_as<first_missing<Needs<A>, Needs<A>>, detail::None>);
}

namespace {
struct Clocked {
  using needs = Needs<Clock, Things>;
  static constexpr std::string_view kind() { return "clocked"; }
  std::string_view name() const { return "clocked"; }
  void interpret(Context<needs>& in) const {
    CHECK_FALSE(in.use<Clock>().now(in).empty());
    in.run(part_of("narrow", {{.name = "a"}}));  // gets Things alone
  }
};
}  // namespace

TEST_CASE("a child gets the capabilities it declares, by type, whatever their order") {
  const Plan plan = plan_of(Clocked{}, std::make_shared<Memory>());
  CHECK(plan.errors.empty());
  CHECK(lines_of(plan.outcome) == Lines{"create thing/a"});
}

TEST_CASE("the kit deploys into a recorded world") {
  const Part shop = part_of("shop", {{.name = "a", .fields = {{"size", "1"}}}, {.name = "b"}});
  auto topology = std::make_shared<Recorded<Memory>>(TopologySettings{.deployment = "shop"});
  CHECK(testing::deploy(shop, topology, 2).errors.size() == 1);
  CHECK(lines_of(plan_of(shop, topology).outcome) == Lines{"unchanged thing/a", "create thing/b"});
  CHECK(testing::deploy(shop, topology).ok());
  CHECK(plan_of(shop, topology).outcome.empty());
  CHECK(lines_of(plan_of(part_of("shop", {{.name = "b"}}), topology).outcome) ==
        Lines{"unchanged thing/b", "delete thing/a"});
}
