#pragma once
/// smoke_tested(Test{}, …): the deploy returns 0 only when these passed against what was just deployed.
///
/// Sees       nothing during the deploy; each test runs once, after the last write and prune, in tree order.
/// Needs      what the wrapped Score and all tests need, each capability once.
/// Outcome    the wrapped Score's, and a result per test. A rehearsal lists the tests and runs none.
/// Failure    H0601 an expectation does not hold, H0602 nothing was checked, H0603 not done in time: exit code 3.
/// Order      a gate: directly around the Score. Observers stand around it, so that they see the tests.
/// Example    `GuestbookScore{} | smoke_tested(GuestbookWorks{}, PageLoads{}) | metered() | planned()`
///
/// A test is a value: `using needs`, `name()`, and `void test(Context<needs>&, Checks&) const`. It takes away what it made.
#include <string_view>
#include <tuple>

#include "harmony/context.hpp"

namespace harmony {

template <class T>
concept SmokeTest = requires(const T& test, Context<typename T::needs>& in, Checks& checks) {
  { test.name() } -> std::convertible_to<std::string_view>;
  { test.test(in, checks) } -> std::same_as<void>;
};

namespace detail {
template <class N, class... Tests>
struct JoinTests {
  using type = N;
};
template <class N, class First, class... Rest>
struct JoinTests<N, First, Rest...> : JoinTests<join<N, typename First::needs>, Rest...> {};
}  // namespace detail

struct SmokeTestedTag {};

template <Score S, SmokeTest... Tests>
class SmokeTested : public Companion<SmokeTested<S, Tests...>, S> {
 public:
  static constexpr Rank rank = Rank::gate;
  using tag = SmokeTestedTag;
  static constexpr bool smoke_tests = true;
  using needs = typename detail::JoinTests<typename S::needs, Tests...>::type;
  SmokeTested(S score, std::tuple<Tests...> tests)
      : Companion<SmokeTested<S, Tests...>, S>(std::move(score)), tests_(std::move(tests)) {}
  void interpret(Context<needs>& in) const {
    in.pass(this->inner());
    std::apply([&](const Tests&... tests) { (in.smoke_test(tests), ...); }, tests_);
  }

 private:
  std::tuple<Tests...> tests_;
};

template <class... Tests>
class smoke_tested : public LayerBase {
 public:
  static constexpr bool sound = (SmokeTest<Tests> && ...);
  static_assert(sound,
                "harmony: a smoke test has `using needs = Needs<...>;`, `std::string_view name() const` and "
                "`void test(Context<needs>&, Checks&) const`");
  static_assert(sizeof...(Tests) > 0,
                "harmony: smoke_tested() without a test proves nothing; give it one, or say unverified(\"why\")");
  static constexpr Rank rank = Rank::gate;
  using tag = SmokeTestedTag;
  explicit smoke_tested(Tests... tests) : tests_(std::move(tests)...) {}
  template <Score S>
  auto wrap(S score) const {
    if constexpr (sound) return SmokeTested<S, Tests...>(std::move(score), tests_);
    else return score;  // a second error would follow ours
  }

 private:
  std::tuple<Tests...> tests_;
};

}  // namespace harmony
