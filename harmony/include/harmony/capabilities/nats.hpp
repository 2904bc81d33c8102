#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/capabilities/resources.hpp"
#include "harmony/reference.hpp"
#include "harmony/scope.hpp"

namespace harmony {

/// A NATS server with JetStream. A stream `entries` takes the subjects `entries.>`.
struct NatsServer {
  std::string instance;
  std::vector<std::string> streams;
  Resources resources = {};
};

/// Messages that arrive after it was made. Destroying it ends it.
class NatsSubscription {
 public:
  virtual ~NatsSubscription() = default;
  /// @returns the payload, or nothing when `limit` is over.
  virtual std::optional<std::string> next(const Scope&, std::chrono::milliseconds limit) = 0;
};

/// What applications speak to when they say NATS. Thread-safe.
class Nats {
 public:
  static constexpr std::string_view capability_name = "Nats";
  virtual ~Nats() = default;
  /// Returns when the server accepts connections and every stream is there.
  virtual void ensure(Scope&, const NatsServer&) = 0;
  /// For smoke tests: what is published on `subject` from now on.
  virtual std::unique_ptr<NatsSubscription> subscribe(Scope&, std::string_view instance, std::string_view subject) = 0;
};

/// What consumers put into their environment: nats://user:password@host:port.
inline Reference nats_url(std::string instance) { return {"Nats", std::move(instance), "url"}; }

}  // namespace harmony
