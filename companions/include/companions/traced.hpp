#pragma once
/// traced(): when each Score, step, change, phase and smoke test began and ended, as a picture.
///
/// Sees       every Score, step, change and smoke test below it, rehearsed ones too; at the root the phases.
/// Needs      what the wrapped Score needs.
/// Outcome    the wrapped Score's.
/// Failure    the wrapped Score's: tracing never fails a deploy.
/// Order      an observer: around smoke tests, below verbs. At the root it gives the command line `--trace FILE`.
/// Example    `GuestbookScore{} | smoke_tested(GuestbookWorks{}) | traced() | planned()`
///
/// A lane per thread; names of Scores, steps and subjects only: no message, no value, no secret.
#include <memory>

#include "companions/trace_source.hpp"
#include "harmony/context.hpp"

namespace harmony {

/// Turns events into spans. One that is stacked on several Scores shows them together.
class Tracer : public Observer, public TraceSource {};
std::shared_ptr<Tracer> make_tracer();

struct TracedTag {};

template <Score S>
class Traced : public Companion<Traced<S>, S> {
 public:
  static constexpr Rank rank = Rank::observer;
  using tag = TracedTag;
  Traced(S score, std::shared_ptr<Tracer> tracer)
      : Companion<Traced<S>, S>(std::move(score)), tracer_(std::move(tracer)) {}
  void interpret(Context<typename S::needs>& in) const {
    in.observe(tracer_);
    in.pass(this->inner());
  }
  Observer& observer() const { return *tracer_; }
  TraceSource& trace() const { return *tracer_; }

 private:
  std::shared_ptr<Tracer> tracer_;
};

class traced : public LayerBase {
 public:
  static constexpr Rank rank = Rank::observer;
  using tag = TracedTag;
  template <Score S>
  auto wrap(S score) const {
    return Traced<S>(std::move(score), tracer_);
  }
  TraceSource& trace() const { return *tracer_; }

 private:
  std::shared_ptr<Tracer> tracer_ = make_tracer();
};

}  // namespace harmony
