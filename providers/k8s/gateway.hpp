#pragma once
/// Which routes a Gateway takes, by what its listeners say (gateway.networking.k8s.io/v1).
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

namespace harmony::k8s {

/// An HTTPRoute that looks for a Gateway.
struct RouteToAttach {
  std::string space;                       ///< its namespace
  boost::json::object space_labels = {};   ///< of that namespace
  std::string host = {};                   ///< empty: any
};

struct GatewayOffer {
  std::string space, name;
  bool takes = false;
  std::string scheme = "http";             ///< of the listener that takes it, one without TLS first
  std::int64_t port = 80;
  /// By listener, why it does not take the route: ("web", "takes routes of its own namespace only").
  std::vector<std::pair<std::string, std::string>> refusals = {};
  std::string text() const { return space + "/" + name; }
};

/// Pure. A Gateway that no controller has accepted takes nothing.
GatewayOffer offer_of(const boost::json::value& gateway, const RouteToAttach&);

/// "*.example.org" stands for any number of labels before it; an empty name of a listener for every host.
bool fits_host(std::string_view listener, std::string_view host);

}  // namespace harmony::k8s
