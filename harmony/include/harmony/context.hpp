#pragma once
/// What `interpret` gets: a Scope, the declared capabilities, and the door to child Scores.
#include <cstdlib>
#include <functional>
#include <optional>
#include <ranges>
#include <source_location>
#include <string>
#include <tuple>
#include <vector>

#include "harmony/layer.hpp"
#include "harmony/scope.hpp"
#include "harmony/score.hpp"

namespace harmony {

/// Counts what a smoke test checked. A smoke test that checks nothing fails.
class Checks {
 public:
  /// @param above the Scores whose test this is, for the error
  explicit Checks(std::vector<Frame> above = {}) : above_(std::move(above)) {}
  /// @throws Error H0601 (Category::smoke_test) where `holds` is false; `what` completes "expected …".
  void expect(bool holds, std::string what, std::string found = {},
              std::source_location here = std::source_location::current());
  int count() const { return count_; }

 private:
  std::vector<Frame> above_;
  int count_ = 0;
};

namespace detail {

/// Where a Score says it was declared, else where it was run.
template <class S>
std::source_location declared_at(const S& score, std::source_location otherwise) {
  if constexpr (requires {
                  { score.declared } -> std::convertible_to<std::source_location>;
                })
    return score.declared;
  else if constexpr (requires { score.inner(); }) return declared_at(score.inner(), otherwise);
  else return otherwise;
}

template <class Child, class Declared>
inline constexpr bool may_be_child = !stacks_verb<Child> && is_subset<typename Child::needs, Declared>;

/// False for what is missing: compilers print it with the types that the sentence beside it speaks of.
template <class Child, class Capability>
inline constexpr bool needs_of_child_are_listed = std::same_as<Capability, None>;

/// Says why not.
template <class Stacked, class Declared, class Child = innermost<Stacked>,
          class Capability = first_missing<typename Stacked::needs, Declared>>
void refuse_child() {
  static_assert(!stacks_verb<Stacked>,
                "harmony: a verb companion (planned, dry_run) stands only at the root; take it off this child Score");
  if constexpr (!stacks_verb<Stacked>)
    static_assert(needs_of_child_are_listed<Child, Capability>,
                  "harmony: a child Score needs a capability that this Score's `needs` does not list; add it there");
}

/// What is no Score yet: says what it lacks.
template <class S>
constexpr void say_what_lacks() {
  constexpr bool says_needs = requires { typename S::needs; };
  constexpr bool has_kind = requires {
    { S::kind() } -> std::convertible_to<std::string_view>;
  };
  constexpr bool has_name = requires(const S& score) {
    { score.name() } -> std::convertible_to<std::string_view>;
  };
  static_assert(says_needs, "harmony: a Score says what it needs: `using needs = Needs<...>;`");
  static_assert(has_kind, "harmony: a Score has `static constexpr std::string_view kind()`");
  static_assert(has_name, "harmony: a Score has `std::string_view name() const`");
  static_assert(!says_needs || !has_kind || !has_name || Score<S>,
                "harmony: a Score has `void interpret(Context<needs>&) const`, and can be copied");
}

template <class C, class... All>
inline constexpr bool once = (static_cast<int>(std::same_as<C, All>) + ...) == 1;

/// A child of `all`: where it hangs in the tree, and what to do there.
struct Job {
  Node* node;
  std::function<void(const Scope&)> body;
};
/// Events, trail and failure record around one Score; rethrows.
void guarded(const Scope&, const std::function<void()>& body);
void run_all(const Scope&, std::vector<Job>);
/// @returns the error of a child that was allowed to fail.
std::optional<Error> attempted(const Scope&, const std::function<void()>& body);
void queue_smoke_test(const Scope&, std::string name, std::function<void(const Scope&, Checks&)>);

}  // namespace detail

/// Stacked on what is no Score yet.
template <class Inner, Layer Outer>
  requires(!Layer<Inner> && !Score<Inner>)
Inner operator|(Inner inner, const Outer&) {
  detail::say_what_lacks<Inner>();
  return inner;
}

template <class... C>
class Context<Needs<C...>> : public Scope {
 public:
  using needs = Needs<C...>;
  static_assert((detail::once<C, C...> && ...),
                "harmony: a capability stands twice in `Needs<...>`; take one of the two away");
  Context(const Scope& scope, std::tuple<C*...> capabilities) : Scope(scope), capabilities_(capabilities) {}

  template <class Capability>
  Capability& use() const {
    constexpr bool declared = (std::same_as<Capability, C> || ...);
    static_assert(declared, "harmony: this Score uses a capability that its `needs` does not list; add it there");
    if constexpr (declared && detail::once<Capability, C...>) return *std::get<Capability*>(capabilities_);
    else std::abort();  // never compiled to the end; without it a second error would follow ours
  }

  /// Runs a child here and now. @throws what the child throws; the deploy has failed then, whoever catches it.
  template <Score Child>
  void run(const Child& child, std::source_location here = std::source_location::current()) const {
    if constexpr (detail::may_be_child<Child, needs>) run_at(child, add(child, here), stop());
    else detail::refuse_child<Child, needs>();
  }

  template <class Child>
    requires(!Score<Child>)
  void run(const Child&) const {
    detail::say_what_lacks<Child>();
  }

  /// Runs children side by side; returns when all are done. The first failure in time stops the others (not in a
  /// rehearsal, so that all errors show).
  template <Score... Children>
    requires(sizeof...(Children) > 0)
  void all(const Children&... children) const {  // a default argument cannot follow a pack: the line is the Score's own
    if constexpr ((detail::may_be_child<Children, needs> && ...)) {
      std::vector<detail::Job> jobs;
      (jobs.push_back(job(children, node().at())), ...);
      detail::run_all(*this, std::move(jobs));
    } else {
      (detail::refuse_child<Children, needs>(), ...);
    }
  }
  template <std::ranges::input_range Range>
    requires Score<std::ranges::range_value_t<Range>>
  void all(const Range& children, std::source_location here = std::source_location::current()) const {
    using Child = std::ranges::range_value_t<Range>;
    if constexpr (detail::may_be_child<Child, needs>) {
      std::vector<detail::Job> jobs;
      for (const auto& child : children) jobs.push_back(job(child, here));
      detail::run_all(*this, std::move(jobs));
    } else {
      detail::refuse_child<Child, needs>();
    }
  }

  template <class... Children>
    requires(sizeof...(Children) > 0 && !(Score<Children> && ...) && !(std::ranges::input_range<Children> && ...))
  void all(const Children&...) const {
    (detail::say_what_lacks<Children>(), ...);
  }
  template <std::ranges::input_range Range>
    requires(!Score<std::ranges::range_value_t<Range>>)
  void all(const Range&) const {
    detail::say_what_lacks<std::ranges::range_value_t<Range>>();
  }

  /// Runs a child that is allowed to fail. What lies below it is not pruned then.
  template <Score Child>
  [[nodiscard]] std::optional<Error> attempt(const Child& child,
                                             std::source_location here = std::source_location::current()) const {
    if constexpr (detail::may_be_child<Child, needs>) {
      Node& at = add(child, here);
      return detail::attempted(Scope{Scope::run(), at, stop()}, [&] { run_at(child, at, stop()); });
    } else {
      detail::refuse_child<Child, needs>();
      return std::nullopt;
    }
  }

  template <class Child>
    requires(!Score<Child>)
  std::optional<Error> attempt(const Child&) const {
    detail::say_what_lacks<Child>();
    return std::nullopt;
  }

  // For companions only.
  /// Interprets the wrapped Score in the same place: a companion is no node of the tree.
  template <Score Inner>
  void pass(const Inner& inner) const {
    auto in = narrowed(static_cast<const Scope&>(*this), typename Inner::needs{});
    inner.interpret(in);
  }
  /// Shows `observer` every event from here down.
  void observe(std::shared_ptr<Observer> observer) const { node().attach(std::move(observer)); }
  /// Queues a smoke test; the engine runs it once, after the last write and prune.
  template <class Test>
  void smoke_test(const Test& test) const {
    detail::queue_smoke_test(*this, std::string(test.name()), [test, *this](const Scope& at, Checks& checks) {
      auto in = narrowed(at, typename Test::needs{});
      test.test(in, checks);
    });
  }

 private:
  template <class... D>
  Context<Needs<D...>> narrowed(const Scope& at, Needs<D...>) const {
    return {at, std::tuple<D*...>{std::get<D*>(capabilities_)...}};
  }
  template <Score Child>
  Node& add(const Child& child, std::source_location here) const {
    return node().add_score(std::string(Child::kind()), std::string(child.name()), detail::declared_at(child, here));
  }
  template <Score Child>
  detail::Job job(const Child& child, std::source_location here) const {
    return {&add(child, here), [this, &child](const Scope& at) { run_at(child, at.node(), at.stop()); }};
  }
  template <Score Child>
  void run_at(const Child& child, Node& at, const std::stop_token& stop_token) const {
    auto in = narrowed(Scope{Scope::run(), at, stop_token}, typename Child::needs{});
    detail::guarded(in, [&] { child.interpret(in); });
  }

  std::tuple<C*...> capabilities_;
};

}  // namespace harmony
