#pragma once
/// Companions compose with `|`, the rightmost outermost: `score | smoke_tested(Works{}) | metered() | planned()`.
/// Layers compose with layers too: `inline auto default_stack() { return metered() | traced() | dry_run() | planned(); }`.
///
/// # Order
/// A gate (smoke_tested, unverified) belongs to what it tests and stands innermost. Observers (metered, traced) stand
/// around it, so that they see it. Verbs (dry_run, planned) stand outermost, at the root only: they decide whether
/// anything below runs for real. Each companion stands at most once. Anything else does not compile, with a sentence.
#include <concepts>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "harmony/score.hpp"

namespace harmony {

enum class Rank { gate = 1, observer = 2, verb = 3 };

/// Base of every companion: `template <Score S> class Metered : public Companion<Metered<S>, S>`. It is a Score; it
/// says `static constexpr Rank rank` and `struct tag` (one per companion, whatever it wraps).
template <class Self, class S>
class Companion {
 public:
  using needs = typename S::needs;
  using wrapped = S;
  explicit Companion(S inner) : inner_(std::move(inner)) {}
  static constexpr std::string_view kind() { return S::kind(); }
  std::string_view name() const { return inner_.name(); }
  const S& inner() const { return inner_; }
  S& inner() { return inner_; }

 private:
  S inner_;
};

namespace detail {
template <class S>
struct Innermost {
  using type = S;
};
template <class S>
  requires requires { typename S::wrapped; }
struct Innermost<S> : Innermost<typename S::wrapped> {};
}  // namespace detail

/// The user's own Score below all companions: what errors name.
template <class S>
using innermost = typename detail::Innermost<S>::type;

/// Base of every layer, the thing right of `|`: says `rank`, `tag` and `template <Score S> auto wrap(S) const`.
struct LayerBase {};
template <class L>
concept Layer = std::derived_from<std::remove_cvref_t<L>, LayerBase>;

namespace detail {
template <class X>
concept TwoLayers = requires { typename X::outer_layer_type; };
}  // namespace detail

/// True where a Score or a layer contains the companion that `Tag` stands for.
template <class X, class Tag>
consteval bool stacks() {
  if constexpr (detail::TwoLayers<X>)
    return stacks<typename X::inner_layer_type, Tag>() || stacks<typename X::outer_layer_type, Tag>();
  else if constexpr (requires { typename X::wrapped; })
    return std::same_as<typename X::tag, Tag> || stacks<typename X::wrapped, Tag>();
  else if constexpr (requires { typename X::tag; }) return std::same_as<typename X::tag, Tag>;
  else return false;
}
/// The rank of the outermost companion; 0 where there is none.
template <class X>
consteval int outer_rank() {
  if constexpr (detail::TwoLayers<X>) return outer_rank<typename X::outer_layer_type>();
  else if constexpr (requires { X::rank; }) return static_cast<int>(X::rank);
  else return 0;
}
template <class S>
inline constexpr bool stacks_verb = outer_rank<S>() == static_cast<int>(Rank::verb);

namespace detail {
template <class L>
consteval int inner_rank() {
  if constexpr (TwoLayers<L>) return inner_rank<typename L::inner_layer_type>();
  else return static_cast<int>(L::rank);
}
/// True where both contain the same companion.
template <class X, class L>
consteval bool shares() {
  if constexpr (TwoLayers<L>)
    return shares<X, typename L::inner_layer_type>() || shares<X, typename L::outer_layer_type>();
  else return stacks<X, typename L::tag>();
}
}  // namespace detail

/// Two layers, to be put on later as one.
template <class Inner, class Outer>
struct Stack : LayerBase {
  using inner_layer_type = Inner;
  using outer_layer_type = Outer;
  Inner inner_layer;
  Outer outer_layer;
  Stack(Inner inner, Outer outer) : inner_layer(std::move(inner)), outer_layer(std::move(outer)) {}
  template <Score S>
  auto wrap(S score) const {
    return outer_layer.wrap(inner_layer.wrap(std::move(score)));
  }
};

/// Puts a layer on a Score, or on another layer.
template <class Inner, Layer Outer>
  requires Layer<Inner> || Score<Inner>
auto operator|(Inner inner, Outer outer) {
  constexpr bool once = !detail::shares<Inner, Outer>();
  constexpr bool ordered = outer_rank<Inner>() <= detail::inner_rank<Outer>();
  static_assert(once, "harmony: this companion is stacked twice; take one of the two away");
  static_assert(ordered || !once,
                "harmony: senseless order of companions; from left to right: the Score, smoke tests, observers "
                "(metered, traced), verbs (dry_run, planned)");
  if constexpr (Layer<Inner> && (!once || !ordered)) return inner;
  else if constexpr (Layer<Inner>) return Stack<Inner, Outer>{std::move(inner), std::move(outer)};
  else return outer.wrap(std::move(inner));
}

/// Calls `visit` on each companion, outermost first, and on the Score itself.
template <class S, class F>
void each_companion(S& stacked, F&& visit) {
  visit(stacked);
  if constexpr (requires { stacked.inner(); }) each_companion(stacked.inner(), visit);
}

}  // namespace harmony
