#include "metrics.hpp"

#include <prometheus/text_serializer.h>
#include <algorithm>
#include <array>
#include <sstream>

#include "version.hpp"

namespace guestbook {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;

Family<Counter>& counters(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

Family<Gauge>& gauges(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

constexpr const char* announcements_name = "guestbook_announcements_total";
constexpr const char* announcements_help = "Announcements of new entries, by whether a stream acknowledged them.";

}  // namespace

Metrics::Metrics()
    : requests_(counters(registry_, "guestbook_http_requests_total", "HTTP requests answered.")),
      durations_(prometheus::BuildHistogram()
                     .Name("guestbook_http_request_duration_seconds")
                     .Help("Time from the first byte of a request to its answer being ready.")
                     .Register(registry_)),
      connections_(gauges(registry_, "guestbook_http_connections", "Open HTTP connections.").Add({})),
      entries_stored_(counters(registry_, "guestbook_entries_stored_total", "Entries stored.").Add({})),
      entries_removed_(counters(registry_, "guestbook_entries_removed_total", "Entries removed.").Add({})),
      announcements_acknowledged_(
          counters(registry_, announcements_name, announcements_help).Add({{"result", "acknowledged"}})),
      announcements_failed_(counters(registry_, announcements_name, announcements_help).Add({{"result", "failed"}})),
      database_up_(gauges(registry_, "guestbook_database_up", "1 when PostgreSQL answers.").Add({})),
      broker_up_(gauges(registry_, "guestbook_broker_up", "1 when connected to NATS.").Add({})) {
  gauges(registry_, "guestbook_build_info", "Always 1; the label says which release runs.")
      .Add({{"version", std::string(version)}})
      .Set(1);
}

void Metrics::count_request(std::string_view route, std::string_view method, unsigned status,
                            std::chrono::duration<double> duration) {
  constexpr std::array<std::string_view, 8> known{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"};
  const bool is_known = std::find(known.begin(), known.end(), method) != known.end();
  prometheus::Labels labels{{"route", std::string(route)}, {"method", is_known ? std::string(method) : "other"}};
  durations_
      .Add(labels, prometheus::Histogram::BucketBoundaries{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
                                                           2.5, 5.0, 10.0})
      .Observe(duration.count());
  labels.emplace("status", std::to_string(status / 100) + "xx");
  requests_.Add(labels).Increment();
}

void Metrics::count_announcement(bool acknowledged) {
  (acknowledged ? announcements_acknowledged_ : announcements_failed_).Increment();
}

void Metrics::set_dependencies(bool database_up, bool broker_up) {
  database_up_.Set(database_up ? 1 : 0);
  broker_up_.Set(broker_up ? 1 : 0);
}

std::string Metrics::text() const {
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, registry_.Collect());
  return text.str();
}

}  // namespace guestbook
