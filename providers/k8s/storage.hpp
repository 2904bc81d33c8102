#pragma once
/// Whether a volume that is wanted can be had. Asks the server; what may not be seen is taken to be there.
#include "harmony/scope.hpp"
#include "k8s/wanted.hpp"

namespace harmony::k8s {

/// @throws Error H0437 where nobody makes the volume: no class is the default, or the named one is not there
void require_storage(Scope&, const Place&, const Wanted&);

/// @param claim that is being deleted. @throws Error H0472 where a pod still has it: the data can be saved as long as that
void require_unheld(Scope&, const Place&, const Wanted& claim);

}  // namespace harmony::k8s
