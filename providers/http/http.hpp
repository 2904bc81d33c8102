#pragma once
/// Primitive: an HTTP/1.1 client for probes, over libcurl. It changes nothing by itself: whoever sends POST owns what
/// that makes. Its twin never talks to an endpoint that is only pending.
#include <chrono>
#include <string>

#include "harmony/capabilities/http_route.hpp"
#include "harmony/primitive.hpp"
#include "host/host.hpp"

namespace harmony::http {

/// An answer, or why there is none.
struct Answer {
  std::optional<HttpResponse> response;
  std::string failure = {};  ///< "connection refused"; in a rehearsal "process x is only planned"
};

class RehearsedProbe;

/// Thread-safe; honours the stop token. No redirects, no proxy, bodies up to 1 MiB, http only; every request has a
/// connection of its own. @throws Stopped, Error H0262 (no well-formed request)
class Probe : public Primitive {
 public:
  using twin = RehearsedProbe;
  std::string_view primitive() const override { return "http"; }
  virtual Answer request(Scope&, const host::Endpoint&, const HttpRequest&, std::chrono::milliseconds limit) = 0;
  // It makes nothing, so there is nothing to remove or to observe (an InternalError).
  void remove(Scope&, const LedgerEntry&) override;
  Observation observe(Scope&, const LedgerEntry&) override;
  std::string read_again(Scope&, std::string_view key) override;
};

std::shared_ptr<Probe> probe();

}  // namespace harmony::http
