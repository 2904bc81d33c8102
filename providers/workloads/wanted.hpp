#pragma once
#include "harmony/capabilities/workloads.hpp"

namespace harmony::workloads {

/// What no topology could run. @throws Error H0251 (replicas), H0253 (the address to listen on)
void require_sound(const Workload&);

}  // namespace harmony::workloads
