#pragma once
/// Whether the cluster admits the pods of a workload. Its controller makes them, and would be refused only after the deploy
/// has written it.
#include <boost/json/value.hpp>

#include "harmony/change.hpp"
#include "harmony/scope.hpp"
#include "k8s/place.hpp"

namespace harmony::k8s {

/// Sends a dry run of one pod, where `live` has no such pods yet. What may heal is a warning, and so is what a policy or a
/// webhook refuses, since it may look at who asks. Who deploys needs no right to make pods: what may not be asked is left to
/// the deploy.
/// @param workload as the server would have it; one without a pod template asks nothing
/// @throws Error H0458, H0463, H0466 where the pods will be refused: a quota, a rule of the server's own, a wrong field
void require_admitted_pods(Scope&, const Place&, const Subject&, const boost::json::value& workload,
                           const boost::json::value* live = nullptr);

}  // namespace harmony::k8s
