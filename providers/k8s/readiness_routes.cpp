#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "k8s/readiness_rules.hpp"
#include "k8s/route_refusal.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

using State = Readiness::State;

/// Who carries it has decided; until the one or the other is changed it stays so.
std::optional<Readiness> refused(const Seen& seen) {
  const auto refusal = refusal_of_route(seen.object, seen.generation);
  if (!refusal || !refusal->final) return std::nullopt;
  return Readiness{State::failed, fmt::format("{}: not {}: {}", refusal->by, refusal->condition, refusal->told)};
}

}  // namespace

/// Every gateway that a route names has to have taken it.
Readiness gateway_route_readiness(const Seen& seen) {
  if (auto no = refused(seen)) return *no;
  for (const json::value& parent : list_at(seen.object, "spec.parentRefs")) {
    const std::string name = gateway_name(seen.object, parent);
    const json::value* told = told_of_parent(seen.object, parent);
    if (!told) return waits(fmt::format("gateway `{}` has not looked at it yet", name));
    for (const char* type : {"Accepted", "ResolvedRefs"})
      if (auto not_yet = lacks(list_at(*told, "conditions"), type, seen))
        return waits(fmt::format("gateway `{}`: {}", name, not_yet->reason));
  }
  if (list_at(seen.object, "spec.parentRefs").empty()) return assumed("names no gateway");
  return ready("its gateways have taken it");
}

/// Every router that has looked at it as it is has to have admitted it.
Readiness openshift_route_readiness(const Seen& seen) {
  if (auto no = refused(seen)) return *no;
  const std::string_view host = text_at(seen.object, "spec.host");
  for (const json::value& router : list_at(seen.object, "status.ingress"))
    if ((host.empty() || text_at(router, "host") == host) &&
        condition_in(list_at(router, "conditions"), "Admitted").holds)
      return ready("is admitted");
  return waits("no router has admitted it yet");
}

}  // namespace harmony::k8s
