#pragma once
/// unverified("why"): says that the root has no smoke test, and why; without it, such a root does not compile.
///
/// Sees       nothing: it is transparent.
/// Needs      what the wrapped Score needs.
/// Outcome    the wrapped Score's; the report says "unverified" and the reason.
/// Failure    the wrapped Score's.
/// Order      a gate: directly around the Score.
/// Example    `BackupBucketScore{} | unverified("nothing listens") | default_stack()`
#include <string>

#include "harmony/context.hpp"

namespace harmony {

struct UnverifiedTag {};

template <Score S>
class Unverified : public Companion<Unverified<S>, S> {
 public:
  static constexpr Rank rank = Rank::gate;
  using tag = UnverifiedTag;
  Unverified(S score, std::string why) : Companion<Unverified<S>, S>(std::move(score)), why_(std::move(why)) {}
  void interpret(Context<typename S::needs>& in) const { in.pass(this->inner()); }
  const std::string& unverified_because() const { return why_; }

 private:
  std::string why_;
};

class unverified : public LayerBase {
 public:
  static constexpr Rank rank = Rank::gate;
  using tag = UnverifiedTag;
  explicit unverified(std::string why) : why_(std::move(why)) {}
  template <Score S>
  auto wrap(S score) const {
    return Unverified<S>(std::move(score), why_);
  }

 private:
  std::string why_;
};

}  // namespace harmony
