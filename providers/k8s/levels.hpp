#pragma once
/// The order within a set: what others need comes first.
#include <vector>

#include "k8s/api.hpp"

namespace harmony::k8s {

/// Namespaces, definitions of kinds, configuration, workloads, routes, webhooks.
std::vector<std::vector<const Manifest*>> levels_of(const ObjectSet&);

}  // namespace harmony::k8s
