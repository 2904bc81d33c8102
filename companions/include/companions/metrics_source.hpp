#pragma once
/// Where exporters get metrics from: the command line serves, writes or pushes them, and knows no more than this.
#include <chrono>
#include <string>

namespace harmony {

/// What tells the metrics of one deployment from those of another, and what only the ledger remembers.
struct MetricsContext {
  std::string deployment = {};  ///< label of every metric; none where empty
  std::string topology = {};    ///< the topology's id ("local"); label of every metric; none where empty
  /// Of the last deploy that succeeded before this run: stays visible when this one fails. Zero: never.
  std::chrono::sys_seconds last_success{};
};

/// Thread-safe: may be asked while a deploy runs.
class MetricsSource {
 public:
  virtual ~MetricsSource() = default;
  /// Before the run; a second call replaces the first.
  virtual void describe(MetricsContext) = 0;
  /// Prometheus' text format, version 0.0.4; sorted, so that equal metrics are equal texts.
  virtual std::string exposition() const = 0;
};

}  // namespace harmony
