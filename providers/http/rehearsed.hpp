#pragma once
#include <memory>

#include "http/http.hpp"

namespace harmony::http {

/// Reads through to what answers now, but never to an endpoint that is only pending: whoever answers there is somebody
/// else. In a rehearsal it sends GET and HEAD only.
class RehearsedProbe final : public Probe {
 public:
  RehearsedProbe(std::shared_ptr<Probe> real, Rehearsal& rehearsal)
      : real_(std::move(real)), pending_(rehearsal.facts<host::PendingEndpoints>()) {}
  Answer request(Scope&, const host::Endpoint&, const HttpRequest&, std::chrono::milliseconds limit) override;

 private:
  std::shared_ptr<Probe> real_;
  host::PendingEndpoints& pending_;
};

}  // namespace harmony::http
