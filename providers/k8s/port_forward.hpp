#pragma once
/// A port of a pod, as if it were one of this machine: over WebSocket through the API server (v4.channel.k8s.io).
#include <memory>
#include <string>

#include "host/host.hpp"
#include "k8s/client.hpp"

namespace harmony::k8s {

/// H0423: the way to the port is not there.
class ForwardError final : public Error {
 public:
  using Error::Error;
};

struct PodPort {
  std::string space, pod;
  int port = 0;
};

/// Listens on a free port of 127.0.0.1 for as long as it lives; each connection there has a WebSocket of its own, since
/// the protocol knows neither several connections nor a half-closed one. Neither scope nor client may end before it.
class PortForward {
 public:
  PortForward(Scope&, Client&, PodPort);
  ~PortForward();
  PortForward(const PortForward&) = delete;
  PortForward& operator=(const PortForward&) = delete;
  host::Endpoint endpoint() const;
  /// Throws what the last connection failed with, if it did: who connects here sees only that it was closed.
  /// @throws ConnectionError, ApiError, ForwardError
  void check() const;

 private:
  class Listener;
  std::unique_ptr<Listener> listener_;
};

/// Opens the way as far as the pod's node, and closes it again: whether somebody listens there, only a connection tells.
/// @throws what `check` throws, Stopped
void probe_port(const Scope&, Client&, const PodPort&);

}  // namespace harmony::k8s
