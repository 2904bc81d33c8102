#pragma once
/// The capabilities a Score declares, and the algebra of such sets.
#include <concepts>
#include <type_traits>

namespace harmony {

template <class... Capabilities>
struct Needs {
  template <class C>
  static constexpr bool has = (std::same_as<C, Capabilities> || ...);
};

namespace detail {
template <class Joined, class Rest>
struct Join;
template <class... J>
struct Join<Needs<J...>, Needs<>> {
  using type = Needs<J...>;
};
template <class... J, class First, class... Rest>
struct Join<Needs<J...>, Needs<First, Rest...>>
    : Join<std::conditional_t<Needs<J...>::template has<First>, Needs<J...>, Needs<J..., First>>, Needs<Rest...>> {};
}  // namespace detail

/// Both sets, each capability once: what a companion needs is `join<S::needs, Probe::needs>`.
template <class A, class B>
using join = typename detail::Join<A, B>::type;

template <class Sub, class Super>
inline constexpr bool is_subset = false;
template <class... C, class Super>
inline constexpr bool is_subset<Needs<C...>, Super> = (Super::template has<C> && ...);

namespace detail {
struct None;
template <class Sub, class Super>
struct FirstMissing;
template <class Super>
struct FirstMissing<Needs<>, Super> {
  using type = None;
};
template <class First, class... Rest, class Super>
struct FirstMissing<Needs<First, Rest...>, Super>
    : std::conditional_t<Super::template has<First>, FirstMissing<Needs<Rest...>, Super>, std::type_identity<First>> {};
}  // namespace detail

/// The first capability of `Sub` that `Super` does not have; `detail::None` where it has all.
template <class Sub, class Super>
using first_missing = typename detail::FirstMissing<Sub, Super>::type;

}  // namespace harmony
