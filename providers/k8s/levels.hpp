#pragma once
/// The order within a set: what others need comes first.
#include <mutex>
#include <vector>

#include "k8s/api.hpp"
#include "k8s/wanted.hpp"

namespace harmony::k8s {

/// Namespaces, definitions of kinds, configuration, workloads, routes, webhooks.
std::vector<std::vector<const Manifest*>> levels_of(const ObjectSet&);

/// One writer at a time for each of them, taken in an order that all who want several share.
std::vector<std::unique_lock<std::mutex>> hold_all(const Scope&, const std::vector<Wanted>&);

}  // namespace harmony::k8s
