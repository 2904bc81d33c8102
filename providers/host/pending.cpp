#include "host/host.hpp"

namespace harmony::host {

void PendingEndpoints::put(const Endpoint& endpoint, State state) {
  std::lock_guard hold{mutex_};
  endpoints_.insert_or_assign(endpoint, std::move(state));
}

std::optional<PendingEndpoints::State> PendingEndpoints::find(const Endpoint& endpoint) const {
  std::lock_guard hold{mutex_};
  const auto found = endpoints_.find(endpoint);
  if (found == endpoints_.end()) return std::nullopt;
  return found->second;
}

}  // namespace harmony::host
