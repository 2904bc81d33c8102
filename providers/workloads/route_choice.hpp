#pragma once
/// By what a route of a cluster is led in: what was asked for, or the first that the cluster has.
#include <optional>
#include <string>
#include <string_view>

#include "harmony/capabilities/http_route.hpp"
#include "k8s/gateway.hpp"
#include "k8s/others.hpp"

namespace harmony::workloads {

enum class RouteKind { service, ingress, gateway, openshift };

/// What was asked for; empty where nothing was.
struct RouteOptions {
  std::optional<RouteKind> kind = {};
  std::string ingress_class = {};
  std::string gateway = {};                        ///< "[NAMESPACE/]NAME"
};
/// A class is one of Ingress, and a Gateway one of `gateway`, without saying so. @throws Error H0268
RouteOptions route_options(const std::string& kind, const std::string& ingress_class, const std::string& gateway);

/// What a cluster has, as far as it was read.
struct RouteOffers {
  bool openshift = false;
  k8s::Others gateways = {};                       ///< or the one that was named
  k8s::Others ingress_classes = {};                ///< or the one that was named
  boost::json::object space_labels = {};           ///< of the namespace that the route is in
};

struct ChosenRoute {
  RouteKind kind = RouteKind::service;
  std::string ingress_class = {};                  ///< empty: the API server puts its default there
  k8s::GatewayOffer gateway = {};
  bool unseen = false;                             ///< there may be more than the user may see

  /// "Ingress, class nginx", "Gateway infra/public"
  std::string text() const;
  /// Where people open it; nothing where nobody outside of the cluster can.
  std::optional<std::string> url(const std::string& host) const;
};

/// Pure, so that a rehearsal and its deploy choose the same. Without a host name nothing but the Service is made, unless
/// it was asked for. @throws Error H0266 (what was asked for is not there), H0267 (several would do)
ChosenRoute choose(const RouteOptions&, const Route&, const std::string& space, const RouteOffers&);

/// A Gateway's namespace and name, of one that may go without the first.
std::pair<std::string, std::string> gateway_name(const std::string& option, const std::string& space);

}  // namespace harmony::workloads
