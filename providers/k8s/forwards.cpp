#include "k8s/forwards.hpp"

#include <algorithm>

#include "k8s/explained.hpp"
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

void Forwards::require_allowed(const host::Endpoint& endpoint) const {
  std::lock_guard hold{mutex_};
  const auto of_it = [&](const auto& each) { return each.second->endpoint() == endpoint; };
  const auto found = std::ranges::find_if(open_, of_it);
  if (found == open_.end()) return;
  try {
    found->second->check();
  } catch (const ApiError& error) {
    if (error.status().code == 401 || error.status().code == 403)
      throw_explained(error, {"k8s", "pod", found->first.first});
  } catch (const Error&) {
  }
}

}  // namespace harmony::k8s
