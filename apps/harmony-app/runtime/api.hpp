#pragma once

#include <string_view>

#include "broker.hpp"
#include "database.hpp"
#include "health.hpp"
#include "http.hpp"
#include "metrics.hpp"
#include "store.hpp"

namespace guestbook {

/// The answer when a request was refused before or instead of being handled: `{"error": "…"}`.
Response error_response(unsigned status, std::string_view message);

/// The routes of the service and what they do. Thread-safe.
class Api {
 public:
  Api(Store& store, Broker& broker, const Health& health, Metrics& metrics)
      : store_(store), broker_(broker), health_(health), metrics_(metrics) {}

  /// True when the handler waits for PostgreSQL or NATS, so that it has to run on a worker.
  static bool is_blocking(const Request& request);

  /// The route's template, such as `/entries/{id}`; `(none)` when no route has this path.
  static std::string_view route_of(const Request& request);

  /// Answers, at the latest at the deadline. Throws nothing but std::bad_alloc.
  Response handle(const Request& request, std::chrono::steady_clock::time_point deadline);

 private:
  struct Route;
  struct Call;
  static const Route routes[];

  static const Route* find(const Request& request);
  static Response refuse_unrouted(const Request& request);
  void require(Dependency dependency) const;

  Response page(const Call& call);
  Response list_entries(const Call& call);
  Response create_entry(const Call& call);
  Response delete_entry(const Call& call);
  Response healthz(const Call& call);
  Response readyz(const Call& call);
  Response show_version(const Call& call);
  Response show_metrics(const Call& call);

  Store& store_;
  Broker& broker_;
  const Health& health_;
  Metrics& metrics_;
};

}  // namespace guestbook
