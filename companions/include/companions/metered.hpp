#pragma once
/// metered(): durations, outcomes and counts of a deploy, for Prometheus.
///
/// Sees       every Score, change, wait, retry and smoke test below it; at the root the phases too.
/// Needs      what the wrapped Score needs.
/// Outcome    the wrapped Score's. What a rehearsal does is not counted.
/// Failure    the wrapped Score's: measuring never fails a deploy.
/// Order      an observer: around smoke tests, below verbs. At the root it gives the command line its --metrics options.
/// Example    `GuestbookScore{} | smoke_tested(GuestbookWorks{}) | metered() | planned()`
///
/// The metrics are listed in docs/metrics.md.
#include <memory>

#include "companions/metrics_source.hpp"
#include "harmony/context.hpp"

namespace harmony {

/// Turns events into metrics. One that is stacked on several Scores counts them together.
class Meter : public Observer, public MetricsSource {};
std::shared_ptr<Meter> make_meter();

struct MeteredTag {};

template <Score S>
class Metered : public Companion<Metered<S>, S> {
 public:
  static constexpr Rank rank = Rank::observer;
  using tag = MeteredTag;
  Metered(S score, std::shared_ptr<Meter> meter)
      : Companion<Metered<S>, S>(std::move(score)), meter_(std::move(meter)) {}
  void interpret(Context<typename S::needs>& in) const {
    in.observe(meter_);
    in.pass(this->inner());
  }
  Observer& observer() const { return *meter_; }
  MetricsSource& metrics() const { return *meter_; }

 private:
  std::shared_ptr<Meter> meter_;
};

class metered : public LayerBase {
 public:
  static constexpr Rank rank = Rank::observer;
  using tag = MeteredTag;
  template <Score S>
  auto wrap(S score) const {
    return Metered<S>(std::move(score), meter_);
  }
  MetricsSource& metrics() const { return *meter_; }

 private:
  std::shared_ptr<Meter> meter_ = make_meter();
};

}  // namespace harmony
