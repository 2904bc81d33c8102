#include "k8s/forwards.hpp"

#include "k8s/assessment.hpp"
#include "k8s/port_forward.hpp"

namespace harmony::k8s {

namespace {

/// Connections through it are made by others, who only see that they break. What heals by itself is theirs to try again.
void require_allowed(const PortForward& forward, const std::string& pod) {
  try {
    forward.check();
  } catch (const ApiError& error) {
    if (error.status().code == 401 || error.status().code == 403) throw_explained(error, {"k8s", "pod", pod});
  } catch (const Error&) {
  }
}

}  // namespace

Forwards::Forwards(std::shared_ptr<const Place> place) : place_(std::move(place)), background_(place_->deployment) {}
Forwards::~Forwards() = default;

host::Endpoint Forwards::to(const std::string& pod, int port) {
  std::lock_guard hold{mutex_};
  auto& forward = open_[{pod, port}];
  if (!forward) {
    Scope in = background_.scope();
    forward = std::make_unique<PortForward>(in, *place_->client, PodPort{place_->space, pod, port});
  }
  require_allowed(*forward, pod);
  return forward->endpoint();
}

}  // namespace harmony::k8s
