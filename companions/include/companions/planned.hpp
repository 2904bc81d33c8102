#pragma once
/// planned(): the deploy can be previewed, and held to what was previewed.
///
/// Sees       nothing: it is transparent.
/// Needs      what the wrapped Score needs.
/// Outcome    the wrapped Score's.
/// Failure    the wrapped Score's.
/// Order      a verb: outermost, at the root only. Its presence gives the command line `plan` and `deploy --plan FILE`.
/// Example    `GuestbookScore{} | smoke_tested(GuestbookWorks{}) | planned()`
#include "harmony/context.hpp"

namespace harmony {

struct PlannedTag {};

template <Score S>
class Planned : public Companion<Planned<S>, S> {
 public:
  static constexpr Rank rank = Rank::verb;
  using tag = PlannedTag;
  static constexpr bool plans = true;
  using Companion<Planned<S>, S>::Companion;
  void interpret(Context<typename S::needs>& in) const { in.pass(this->inner()); }
};

struct planned : LayerBase {
  static constexpr Rank rank = Rank::verb;
  using tag = PlannedTag;
  template <Score S>
  auto wrap(S score) const {
    return Planned<S>(std::move(score));
  }
};

}  // namespace harmony
