#pragma once
/// What a Service leads to besides the pods of the deployment: addresses that somebody has put there by hand, pods that no
/// workload controls, a port of another container. Pure.
#include <optional>
#include <string>

#include <boost/json/fwd.hpp>

#include "k8s/relations.hpp"

namespace harmony::k8s {

struct ForeignEndpoint {
  std::string text;  ///< "leads to pod `web-x`, which no workload controls", fit for a terminal
  std::string help;
};

/// @param related its EndpointSlices, and the pods of the namespace, or those behind it. Without pods nothing is known.
std::optional<ForeignEndpoint> foreign_endpoint_of(const boost::json::value& service, const Objects& related);

}  // namespace harmony::k8s
