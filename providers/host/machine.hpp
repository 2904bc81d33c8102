#pragma once
/// This machine, for one deployment.
#include <memory>

#include "host/host.hpp"
#include "host/state.hpp"

namespace harmony::host {

/// Touches nothing until it is asked to. The ledger is the one of the same deployment; commands inherit its lock.
std::shared_ptr<Host> machine(const State&, std::shared_ptr<Ledger>);

}  // namespace harmony::host
