#include "workloads/route_choice.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/json.hpp>

#include "host/printable.hpp"
#include "k8s/object.hpp"
#include "k8s/values.hpp"

namespace harmony::workloads {

namespace json = boost::json;

namespace {

constexpr std::array<std::pair<std::string_view, RouteKind>, 4> kinds{{{"service", RouteKind::service},
                                                                       {"ingress", RouteKind::ingress},
                                                                       {"gateway", RouteKind::gateway},
                                                                       {"openshift", RouteKind::openshift}}};

Error bad_option(std::string message, std::string help) {
  return Error({.code = "H0268", .category = Category::usage, .message = std::move(message), .help = std::move(help)});
}

constexpr std::string_view other_ways = "--route service, or --route ingress where an Ingress controller runs";

using Facts = std::vector<std::pair<std::string, std::string>>;

Error not_there(const Route& route, std::string message, std::string help, Facts facts = {}) {
  return Error({.code = "H0266",
                .category = Category::refused,
                .message = std::move(message),
                .subject = "route/" + route.instance,
                .facts = std::move(facts),
                .help = std::move(help)});
}

Error several(const Route& route, std::string_view what, const std::vector<std::string>& names, std::string help) {
  return Error({.code = "H0267",
                .category = Category::refused,
                .message = fmt::format("{} {} could lead to route `{}`", names.size(), what, route.instance),
                .subject = "route/" + route.instance,
                .facts = {{"there are", fmt::format("{}", fmt::join(names, ", "))}},
                .help = std::move(help)});
}

// ---------------------------------------------------------------- Ingress

bool is_default(const json::value& one) {
  return k8s::annotation_of(one, "ingressclass.kubernetes.io/is-default-class") == "true";
}

std::string name_of(const json::value& one) { return host::printable(k8s::text_at(one, "metadata.name")); }

/// The default one, or the only one. @throws Error H0267
std::optional<ChosenRoute> only_class(const Route& route, const k8s::Others& classes) {
  std::vector<std::string> all, defaults;
  for (const json::value& one : classes.objects) {
    all.push_back(name_of(one));
    if (is_default(one)) defaults.push_back(name_of(one));
  }
  const std::vector<std::string>& candidates = defaults.empty() ? all : defaults;
  if (candidates.empty()) return std::nullopt;
  if (candidates.size() > 1)
    throw several(route, defaults.empty() ? "IngressClasses" : "default IngressClasses", candidates,
                  "name one: --ingress-class NAME");
  return ChosenRoute{.kind = RouteKind::ingress, .ingress_class = candidates.front()};
}

ChosenRoute ingress_for(const RouteOptions& options, const Route& route, const k8s::Others& classes) {
  const ChosenRoute named{.kind = RouteKind::ingress, .ingress_class = options.ingress_class};
  if (!classes.allowed && classes.served) return named;  // the API server knows what may not be seen
  if (!options.ingress_class.empty()) {
    if (!classes.objects.empty()) return named;
    throw not_there(route, fmt::format("there is no IngressClass `{}`", host::printable(options.ingress_class)),
                    "choose one that is there: kubectl get ingressclass");
  }
  if (auto chosen = only_class(route, classes)) return *chosen;
  throw not_there(route, "the cluster has no IngressClass, so nobody acts upon an Ingress",
                  "have an Ingress controller installed, or let the Service do: --route service");
}

// ---------------------------------------------------------------- Gateway

std::vector<k8s::GatewayOffer> offers_of(const Route& route, const std::string& space, const RouteOffers& offers) {
  std::vector<k8s::GatewayOffer> all;
  for (const json::value& one : offers.gateways.objects)
    all.push_back(k8s::offer_of(one, {.space = space, .space_labels = offers.space_labels, .host = route.host}));
  return all;
}

Facts refusals_of(const std::vector<k8s::GatewayOffer>& all) {
  Facts facts;
  for (const k8s::GatewayOffer& one : all)
    for (const auto& [listener, why] : one.refusals) facts.emplace_back(one.text(), listener + " " + why);
  return facts;
}

/// @throws Error H0267
std::optional<ChosenRoute> only_gateway(const Route& route, const std::vector<k8s::GatewayOffer>& all) {
  std::vector<std::string> names;
  ChosenRoute chosen{.kind = RouteKind::gateway};
  for (const k8s::GatewayOffer& one : all)
    if (one.takes) {
      names.push_back(one.text());
      chosen.gateway = one;
    }
  if (names.empty()) return std::nullopt;
  if (names.size() > 1) throw several(route, "Gateways", names, "name one: --gateway NAMESPACE/NAME");
  return chosen;
}

ChosenRoute gateway_for(const RouteOptions& options, const Route& route, const std::string& space,
                        const RouteOffers& offers) {
  if (!offers.gateways.served)
    throw not_there(route, "the cluster has no Gateway API (gateway.networking.k8s.io/v1)",
                    fmt::format("have it and a controller of it installed, or choose another way in: {}", other_ways));
  const auto [named_space, named] = gateway_name(options.gateway, space);
  if (!offers.gateways.allowed) {
    if (!named.empty())
      return {.kind = RouteKind::gateway, .gateway = {.space = named_space, .name = named, .takes = true}};
    throw not_there(route, "you may not see which Gateways the cluster has",
                    "name one: --gateway NAMESPACE/NAME, or have `get, list` on gateways allowed");
  }
  const auto all = offers_of(route, space, offers);
  if (auto chosen = only_gateway(route, all)) return *chosen;
  if (!named.empty() && all.empty())
    throw not_there(route,
                    fmt::format("there is no Gateway `{}/{}`", host::printable(named_space), host::printable(named)),
                    "choose one that is there: kubectl get gateways --all-namespaces");
  throw not_there(route,
                  named.empty() ? fmt::format("no Gateway of the cluster takes routes of namespace `{}`", space)
                                : fmt::format("Gateway `{}` does not take this route", all.front().text()),
                  fmt::format("have a listener allow it (allowedRoutes), or choose another way in: {}", other_ways),
                  refusals_of(all));
}

}  // namespace

RouteOptions route_options(const std::string& kind, const std::string& ingress_class, const std::string& gateway) {
  RouteOptions made{.ingress_class = ingress_class, .gateway = gateway};
  if (!kind.empty()) {
    const auto found = std::ranges::find(kinds, std::string_view(kind), &decltype(kinds)::value_type::first);
    if (found == kinds.end())
      throw bad_option(fmt::format("`--route {}` is no kind of route", host::printable(kind)),
                       "it is one of service, ingress, gateway, openshift");
    made.kind = found->second;
  }
  const auto implies = [&](const std::string& value, std::string_view option, RouteKind implied) {
    if (value.empty()) return;
    if (made.kind && *made.kind != implied)
      throw bad_option(fmt::format("`{}` does not go with another kind of route", option),
                       "leave one of the two out: --route, --ingress-class and --gateway each choose a kind");
    made.kind = implied;
  };
  implies(ingress_class, "--ingress-class", RouteKind::ingress);
  implies(gateway, "--gateway", RouteKind::gateway);
  const auto slashes = std::ranges::count(gateway, '/');
  if (slashes > 1 || gateway.starts_with('/') || gateway.ends_with('/'))
    throw bad_option(fmt::format("`--gateway {}` names no Gateway", host::printable(gateway)),
                     "write NAME, of one in the deployment's namespace, or NAMESPACE/NAME");
  return made;
}

std::pair<std::string, std::string> gateway_name(const std::string& option, const std::string& space) {
  const auto slash = option.find('/');
  if (slash == option.npos) return {space, option};
  return {option.substr(0, slash), option.substr(slash + 1)};
}

ChosenRoute choose(const RouteOptions& options, const Route& route, const std::string& space,
                   const RouteOffers& offers) {
  const ChosenRoute openshift{.kind = RouteKind::openshift};
  if (options.kind == RouteKind::service || (!options.kind && route.host.empty())) return {};
  if (options.kind == RouteKind::ingress) return ingress_for(options, route, offers.ingress_classes);
  if (options.kind == RouteKind::gateway) return gateway_for(options, route, space, offers);
  if (offers.openshift) return openshift;
  if (options.kind)
    throw not_there(
        route, "the cluster has no Routes of OpenShift (route.openshift.io/v1)",
        fmt::format("choose another way in: {}, or --route gateway where a Gateway takes routes of this namespace",
                    other_ways));
  if (auto chosen = only_gateway(route, offers_of(route, space, offers))) return *chosen;
  if (auto chosen = only_class(route, offers.ingress_classes)) return *chosen;
  const auto hidden = [](const k8s::Others& others) { return others.served && !others.allowed; };
  return {.unseen = hidden(offers.gateways) || hidden(offers.ingress_classes)};
}

std::string ChosenRoute::text() const {
  switch (kind) {
    case RouteKind::service: return unseen ? "Service; what else there is may not be seen" : "Service";
    case RouteKind::ingress: return "Ingress, " + (ingress_class.empty() ? "default class" : "class " + ingress_class);
    case RouteKind::gateway: return "Gateway " + gateway.text();
    case RouteKind::openshift: return "OpenShift Route";
  }
  return {};
}

std::optional<std::string> ChosenRoute::url(const std::string& host) const {
  if (kind == RouteKind::service || host.empty()) return std::nullopt;
  if (kind != RouteKind::gateway) return "http://" + host;
  const bool usual = gateway.port == (gateway.scheme == "http" ? 80 : 443);
  return fmt::format("{}://{}{}", gateway.scheme, host, usual ? "" : fmt::format(":{}", gateway.port));
}

}  // namespace harmony::workloads
