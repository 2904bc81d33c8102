#pragma once
/// What those say of a route who are to carry it: the controller of a Gateway, a router of OpenShift.
#include <cstdint>
#include <optional>
#include <string>

#include <boost/json/fwd.hpp>

namespace harmony::k8s {

struct RouteRefusal {
  std::string by;         ///< "gateway `infra/public`", "router `default`"; fit for a terminal, as what follows
  std::string condition;  ///< "Accepted"
  std::string told;       ///< "NotAllowedByListeners: …", the controller's own words
  bool final = true;      ///< else what it lacks may be on its way to the controller
};

/// Of a route of the Gateway API, the entry of its status about a parent that it names.
const boost::json::value* told_of_parent(const boost::json::value& route, const boost::json::value& parent);
std::string gateway_name(const boost::json::value& route, const boost::json::value& parent);

/// Pure. The first refusal of a route of OpenShift or of the Gateway API, final ones first, as far as it speaks of this
/// generation.
std::optional<RouteRefusal> refusal_of_route(const boost::json::value& route, std::int64_t generation);

}  // namespace harmony::k8s
