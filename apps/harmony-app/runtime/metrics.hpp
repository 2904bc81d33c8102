#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <chrono>
#include <string>
#include <string_view>

namespace guestbook {

/// The counters of this process. Thread-safe. Labels come from closed sets, so that no visitor can add a time series.
class Metrics {
 public:
  Metrics();

  /// `route` is a template such as `/entries/{id}`; methods outside HTTP's own become `other`.
  void count_request(std::string_view route, std::string_view method, unsigned status,
                     std::chrono::duration<double> duration);
  void count_stored_entry() { entries_stored_.Increment(); }
  void count_removed_entry() { entries_removed_.Increment(); }
  void count_announcement(bool acknowledged);
  void set_connections(std::size_t open) { connections_.Set(static_cast<double>(open)); }
  void set_dependencies(bool database_up, bool broker_up);

  /// In Prometheus' text format, version 0.0.4.
  std::string text() const;

 private:
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Histogram>& durations_;
  prometheus::Gauge& connections_;
  prometheus::Counter& entries_stored_;
  prometheus::Counter& entries_removed_;
  prometheus::Counter& announcements_acknowledged_;
  prometheus::Counter& announcements_failed_;
  prometheus::Gauge& database_up_;
  prometheus::Gauge& broker_up_;
};

}  // namespace guestbook
