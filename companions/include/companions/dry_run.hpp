#pragma once
/// dry_run(): the deploy can be rehearsed, with the output it would have.
///
/// Sees       nothing: it is transparent.
/// Needs      what the wrapped Score needs.
/// Outcome    the wrapped Score's.
/// Failure    the wrapped Score's.
/// Order      a verb: outermost, at the root only. Its presence gives the command line `deploy --dry-run`.
/// Example    `GuestbookScore{} | smoke_tested(GuestbookWorks{}) | dry_run()`
#include "harmony/context.hpp"

namespace harmony {

struct DryRunTag {};

template <Score S>
class DryRun : public Companion<DryRun<S>, S> {
 public:
  static constexpr Rank rank = Rank::verb;
  using tag = DryRunTag;
  static constexpr bool rehearses = true;
  using Companion<DryRun<S>, S>::Companion;
  void interpret(Context<typename S::needs>& in) const { in.pass(this->inner()); }
};

struct dry_run : LayerBase {
  static constexpr Rank rank = Rank::verb;
  using tag = DryRunTag;
  template <Score S>
  auto wrap(S score) const {
    return DryRun<S>(std::move(score));
  }
};

}  // namespace harmony
