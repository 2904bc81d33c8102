#include "k8s/forwards.hpp"

#include "k8s/port_forward.hpp"

namespace harmony::k8s {

Forwards::Forwards(std::shared_ptr<const Place> place) : place_(std::move(place)), background_(place_->deployment) {}
Forwards::~Forwards() = default;

host::Endpoint Forwards::to(const std::string& pod, int port) {
  std::lock_guard hold{mutex_};
  auto& forward = open_[{pod, port}];
  if (!forward) {
    Scope in = background_.scope();
    forward = std::make_unique<PortForward>(in, *place_->client, PodPort{place_->space, pod, port});
  }
  return forward->endpoint();
}

}  // namespace harmony::k8s
