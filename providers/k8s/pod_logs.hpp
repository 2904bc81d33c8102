#pragma once
/// What the pods of a workload write, all of them and each of their containers.
#include <string>

#include "harmony/primitive.hpp"
#include "k8s/place.hpp"

namespace harmony::k8s {

/// The last lines of the pods that are there now.
void read_logs(Scope&, const Place&, const std::string& selector, const LogQuery&, const LogSink&);

/// The same, then what comes, until the scope is stopped; of a pod or a run of a container that begins meanwhile all of it.
/// The sink is called from several threads. @throws what ended the watch, or a log
void follow_logs(const Scope&, const Place&, const std::string& selector, const LogQuery&, const LogSink&);

}  // namespace harmony::k8s
