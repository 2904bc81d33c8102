#pragma once
#include "harmony/capabilities/http_route.hpp"

namespace harmony::workloads {

/// It becomes a word of a proxy's configuration, which knows words that a host name has none of. @throws Error H0264
void require_host_name(const Route&);

}  // namespace harmony::workloads
