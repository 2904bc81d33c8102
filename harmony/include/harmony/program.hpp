#pragma once
/// Binds a stacked root Score to a topology type: the only place where the two meet, and where a missing capability
/// is a compile error.
#include <memory>
#include <tuple>
#include <utility>

#include "harmony/context.hpp"
#include "harmony/engine.hpp"
#include "harmony/layer.hpp"
#include "harmony/topology.hpp"

namespace harmony {

namespace detail {
/// What a topology offers of some needs.
template <class T, class Wanted>
struct OfferedBy;
template <class T, class... C>
struct OfferedBy<T, Needs<C...>> {
  template <class Capability>
  static constexpr bool has = Provides<T, Capability>;
  static constexpr bool all = (has<C> && ...);
};
template <class T, class Wanted>
using first_not_offered = first_missing<Wanted, OfferedBy<T, Wanted>>;

/// What the root says is deployed by it; empty where it does not.
template <class S>
std::string version_of(const S& score) {
  if constexpr (requires { score.inner(); }) return version_of(score.inner());
  else if constexpr (requires {
                       { score.version() } -> std::convertible_to<std::string>;
                     })
    return score.version();
  else return {};
}

template <class S, class T, class... C>
void interpret_on(const S& score, const Scope& scope, T& topology, Needs<C...>) {
  Context<Needs<C...>> in{scope, std::tuple<C*...>{&static_cast<C&>(topology.capability(static_cast<C*>(nullptr)))...}};
  score.interpret(in);
}
}  // namespace detail

/// True where T offers all that S needs; names Score, topology and capability where not.
template <class Stacked, class T, class S = innermost<Stacked>,
          class C = detail::first_not_offered<T, typename Stacked::needs>>
constexpr bool runs_on() {
  constexpr bool offered = std::same_as<C, detail::None>;
  static_assert(offered,
                "harmony: topology T lacks capability C, which score S needs; give T a `C& capability(C*)`, or choose "
                "another topology");
  return offered;
}

/// @param score outlives the Program.
template <Score S, TopologyType T>
Program make_program(S& score, std::source_location here = std::source_location::current()) {
  Program program{.kind = std::string(S::kind()),
                  .name = std::string(score.name()),
                  .version = detail::version_of(score),
                  .at = detail::declared_at(score, here),
                  .interpret = {}};
  if constexpr (runs_on<S, T>())
    program.interpret = [&score](const Scope& scope, Topology& topology) {
      detail::interpret_on(score, scope, static_cast<T&>(topology), typename S::needs{});
    };
  each_companion(score, [&](auto& companion) {
    if constexpr (requires { companion.observer(); }) program.observers.push_back(&companion.observer());
    if constexpr (requires { companion.unverified_because(); }) program.unverified = companion.unverified_because();
  });
  return program;
}

}  // namespace harmony
