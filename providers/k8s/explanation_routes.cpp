#include <fmt/format.h>
#include <boost/json/value.hpp>

#include "k8s/explanation_causes.hpp"
#include "k8s/route_refusal.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace {

std::string help_with(const RouteRefusal& refusal) {
  if (refusal.told.starts_with("HostAlreadyClaimed"))
    return "choose another host name, or have the older route taken away: kubectl get routes --all-namespaces";
  if (refusal.condition == "Admitted") return "see which routes the router admits, or choose another host name";
  return "see which routes the listeners of the Gateway take (kubectl get gateway -o yaml), or choose another: "
         "--gateway";
}

}  // namespace

std::optional<Explanation> route_cause(const std::string& subject, const boost::json::value& route) {
  const auto refusal = refusal_of_route(route, number_at(route, "metadata.generation").value_or(0));
  if (!refusal) return std::nullopt;
  Explanation found{.diagnostic = {.code = "H0471",
                                   .message = fmt::format("{} refuses `{}`", refusal->by, subject),
                                   .subject = subject,
                                   .facts = {{"told", refusal->told}}},
                    .prospect = refusal->final ? Prospect::hopeless : Prospect::may_heal};
  found.diagnostic.help = help_with(*refusal);
  found.rule = refusal->final ? "who is to carry it has decided" : "what it lacks may be on its way; waited for";
  return found;
}

}  // namespace harmony::k8s
