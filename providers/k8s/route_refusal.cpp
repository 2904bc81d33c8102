#include "k8s/route_refusal.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "host/printable.hpp"
#include "k8s/readiness_rules.hpp"
#include "k8s/relations.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

/// Where a reference names no namespace, it is the route's own.
std::string_view space_of(const json::value& parent, const json::value& route) {
  const std::string_view given = text_at(parent, "namespace");
  return given.empty() ? text_at(route, "metadata.namespace") : given;
}

/// A Service that was made a moment ago may not have come to the controller yet.
bool may_heal(std::string_view reason) { return reason == "Pending" || reason == "BackendNotFound"; }

void keep(std::optional<RouteRefusal>& kept, RouteRefusal found) {
  if (!kept || (found.final && !kept->final)) kept = std::move(found);
}

std::optional<RouteRefusal> by_gateway(const json::value& route, std::int64_t generation) {
  std::optional<RouteRefusal> refusal;
  for (const json::value& parent : list_at(route, "spec.parentRefs")) {
    const json::value* told = told_of_parent(route, parent);
    if (!told) continue;
    for (const char* type : {"Accepted", "ResolvedRefs"}) {
      const Condition condition = condition_in(list_at(*told, "conditions"), type);
      if (condition.fails && condition.generation.value_or(0) >= generation)
        keep(refusal, {.by = fmt::format("gateway `{}`", gateway_name(route, parent)),
                       .condition = type,
                       .told = said(condition),
                       .final = !may_heal(condition.reason)});
    }
  }
  return refusal;
}

/// Its conditions count no generations: what a router says of another host is of the route as it was.
std::optional<RouteRefusal> by_router(const json::value& route) {
  const std::string_view host = text_at(route, "spec.host");
  for (const json::value& router : list_at(route, "status.ingress")) {
    const Condition condition = condition_in(list_at(router, "conditions"), "Admitted");
    if (condition.fails && (host.empty() || text_at(router, "host") == host))
      return RouteRefusal{.by = fmt::format("router `{}`", host::printable(text_at(router, "routerName"))),
                          .condition = "Admitted",
                          .told = said(condition)};
  }
  return std::nullopt;
}

}  // namespace

const json::value* told_of_parent(const json::value& route, const json::value& parent) {
  for (const json::value& told : list_at(route, "status.parents")) {
    const json::value* about = find(told, "parentRef");
    if (about && text_at(*about, "name") == text_at(parent, "name") &&
        space_of(*about, route) == space_of(parent, route) &&
        text_at(*about, "sectionName") == text_at(parent, "sectionName"))
      return &told;
  }
  return nullptr;
}

std::string gateway_name(const json::value& route, const json::value& parent) {
  const std::string name = host::printable(text_at(parent, "name"));
  const std::string_view space = space_of(parent, route);
  return space == text_at(route, "metadata.namespace") ? name : host::printable(space) + "/" + name;
}

std::optional<RouteRefusal> refusal_of_route(const json::value& route, std::int64_t generation) {
  const std::string group(group_of(route));
  if (group == "gateway.networking.k8s.io") return by_gateway(route, generation);
  if (group == "route.openshift.io") return by_router(route);
  return std::nullopt;
}

}  // namespace harmony::k8s
