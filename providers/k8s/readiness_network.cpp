#include <algorithm>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "host/printable.hpp"
#include "k8s/foreign_endpoint.hpp"
#include "k8s/readiness_rules.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

using State = Readiness::State;

/// An endpoint that traffic is sent to. What is not said is yes.
bool serves(const json::value& endpoint) {
  const json::value* ready_flag = find(endpoint, "conditions.ready");
  return (!ready_flag || !ready_flag->is_bool() || ready_flag->get_bool()) &&
         !true_at(endpoint, "conditions.terminating");
}

Selected endpoints_of(const Seen& seen) {
  Selected found;
  for (const json::value* slice : of_kind(seen.related, "discovery.k8s.io/EndpointSlice"))
    if (label_of(*slice, "kubernetes.io/service-name") == name_of(seen.object))
      for (const json::value& endpoint : list_at(*slice, "endpoints"))
        if (serves(endpoint)) found.push_back(&endpoint);
  return found;
}

/// Pods become endpoints some time after they are ready, and only then is the Service theirs.
std::optional<Readiness> pods_without_endpoint(const Seen& seen, const Selected& endpoints) {
  for (const json::value* pod : of_kind(seen.related, "Pod")) {
    if (!is_ready_pod(*pod) || !has_labels(*pod, object_at(seen.object, "spec.selector"))) continue;
    const auto is_this = [&](const json::value* one) {
      return text_at(*one, "targetRef.uid") == text_at(*pod, "metadata.uid");
    };
    if (std::ranges::none_of(endpoints, is_this))
      return waits(fmt::format("ready pod `{}` is no endpoint yet", host::printable(name_of(*pod))));
  }
  return std::nullopt;
}

std::string endpoints(std::size_t number) { return fmt::format("{} endpoint{}", number, number == 1 ? "" : "s"); }

}  // namespace

std::optional<Readiness> lacks(const json::array& conditions, std::string_view type, const Seen& seen) {
  const Condition condition = condition_in(conditions, type);
  if (condition.generation.value_or(0) < seen.generation) return waits(fmt::format("{}: not yet told", type));
  if (condition.holds) return std::nullopt;
  return waits(fmt::format("not {}: {}", type, said(condition)));
}

Readiness service_readiness(const Seen& seen) {
  const json::value& object = seen.object;
  const std::string_view type = text_at(object, "spec.type");
  if (type == "ExternalName") return ready("is a name for another");
  if (type == "LoadBalancer" && list_at(object, "status.loadBalancer.ingress").empty())
    return waits("no load balancer has given it an address");
  const Selected found = endpoints_of(seen);
  if (object_at(object, "spec.selector").empty()) {
    if (found.empty()) return assumed("has no selector: its endpoints are somebody else's");
    return ready(endpoints(found.size()));
  }
  if (found.empty()) return waits("has no ready endpoint");
  if (const auto foreign = foreign_endpoint_of(object, seen.related)) return waits(foreign->text);
  if (auto not_yet = pods_without_endpoint(seen, found)) return *not_yet;
  return ready(endpoints(found.size()));
}

Readiness ingress_readiness(const Seen& seen) {
  if (!list_at(seen.object, "status.loadBalancer.ingress").empty()) return ready("has an address");
  // Not every controller says so; one that does nothing looks the same.
  return {State::assumed, "no controller has reported an address", true};
}

Readiness gateway_readiness(const Seen& seen) {
  for (const char* type : {"Accepted", "Programmed"})
    if (auto not_yet = lacks(list_at(seen.object, "status.conditions"), type, seen)) return *not_yet;
  return ready("is programmed");
}

}  // namespace harmony::k8s
