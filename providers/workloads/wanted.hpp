#pragma once
#include "harmony/capabilities/workloads.hpp"

namespace harmony::workloads {

/// @throws Error H0251
void require_replicas(const Workload&);

}  // namespace harmony::workloads
