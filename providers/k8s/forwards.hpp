#pragma once
/// Ports of this machine that lead to ports of pods, for as long as this lives.
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "harmony/background.hpp"
#include "host/host.hpp"
#include "k8s/place.hpp"

namespace harmony::k8s {

class PortForward;

/// Thread-safe.
class Forwards {
 public:
  explicit Forwards(std::shared_ptr<const Place>);
  ~Forwards();
  /// The same one again for the same pod and port.
  host::Endpoint to(const std::string& pod, int port);
  /// Connections through it are made by others, who only see that they break. @throws Error H0461 where the last one was
  /// not allowed; what heals by itself is theirs to try again
  void require_allowed(const host::Endpoint&) const;

 private:
  std::shared_ptr<const Place> place_;
  Background background_;  ///< a run may be over, and its smoke tests still ask
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, std::unique_ptr<PortForward>>
      open_;  ///< before it in their lifetime: place and scope
};

}  // namespace harmony::k8s
