#include "k8s/gateway.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "host/printable.hpp"
#include "k8s/label_selector.hpp"
#include "k8s/readiness_rules.hpp"
#include "k8s/relations.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

bool takes_kind(const json::value& listener) {
  const json::array& kinds = list_at(listener, "allowedRoutes.kinds");
  return kinds.empty() || std::ranges::any_of(kinds, [](const json::value& one) {
           const std::string_view group = text_at(one, "group");
           return text_at(one, "kind") == "HTTPRoute" && (group.empty() || group == "gateway.networking.k8s.io");
         });
}

std::optional<std::string> refuses_space(const json::value& listener, std::string_view own,
                                         const RouteToAttach& route) {
  const std::string_view from = text_at(listener, "allowedRoutes.namespaces.from");
  if (from == "All") return std::nullopt;
  if (from == "Selector") {
    const json::value* selector = find(listener, "allowedRoutes.namespaces.selector");
    if (selector && selects(*selector, route.space_labels)) return std::nullopt;
    return fmt::format("takes routes of namespaces with labels that `{}` lacks", route.space);
  }
  if (from.empty() || from == "Same") {
    if (own == route.space) return std::nullopt;
    return "takes routes of its own namespace only";
  }
  return "takes routes of no namespace";
}

std::optional<std::string> refuses(const json::value& listener, std::string_view own, const RouteToAttach& route) {
  const std::string_view protocol = text_at(listener, "protocol"), host = text_at(listener, "hostname");
  if (protocol != "HTTP" && protocol != "HTTPS") return "speaks " + host::printable(protocol);
  if (!takes_kind(listener)) return "takes no HTTPRoute";
  if (auto why = refuses_space(listener, own, route)) return why;
  if (!fits_host(host, route.host)) return "is for the host " + host::printable(host);
  return std::nullopt;
}

}  // namespace

bool fits_host(std::string_view listener, std::string_view host) {
  if (listener.empty() || host.empty() || listener == host) return true;
  if (!listener.starts_with("*.")) return false;
  const std::string_view domain = listener.substr(1);
  return host.size() > domain.size() && host.ends_with(domain);
}

GatewayOffer offer_of(const json::value& gateway, const RouteToAttach& route) {
  const std::string_view space = text_at(gateway, "metadata.namespace");
  GatewayOffer offer{.space = host::printable(space), .name = host::printable(name_of(gateway))};
  if (const Condition accepted = condition_of(gateway, "Accepted"); !accepted.holds) {
    const std::string told = said(accepted);
    offer.refusals.emplace_back("Gateway", "no controller has accepted it" + (told.empty() ? "" : ": " + told));
    return offer;
  }
  for (const json::value& listener : list_at(gateway, "spec.listeners")) {
    if (auto why = refuses(listener, space, route)) {
      offer.refusals.emplace_back("listener " + host::printable(text_at(listener, "name")), std::move(*why));
      continue;
    }
    const bool plain = text_at(listener, "protocol") == "HTTP";
    if (offer.takes && (offer.scheme == "http" || !plain)) continue;
    offer.takes = true;
    offer.scheme = plain ? "http" : "https";
    offer.port = number_at(listener, "port").value_or(plain ? 80 : 443);
  }
  return offer;
}

}  // namespace harmony::k8s
