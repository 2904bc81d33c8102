#include "k8s/readiness.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "host/printable.hpp"
#include "k8s/cloud_native_pg.hpp"
#include "k8s/readiness_rules.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

using State = Readiness::State;

struct Row {
  std::string_view kind;
  Rule rule;
};

constexpr auto rules = std::to_array<Row>({
    {"HorizontalPodAutoscaler", autoscaler_readiness},
    {"Namespace", namespace_readiness},
    {"PersistentVolumeClaim", claim_readiness},
    {"Pod", pod_readiness},
    {"ReplicationController", replica_set_readiness},
    {"ResourceQuota", quota_readiness},
    {"Service", service_readiness},
    {"apiextensions.k8s.io/CustomResourceDefinition", definition_readiness},
    {"apiregistration.k8s.io/APIService", api_service_readiness},
    {"apps/DaemonSet", daemon_set_readiness},
    {"apps/Deployment", deployment_readiness},
    {"apps/ReplicaSet", replica_set_readiness},
    {"apps/StatefulSet", stateful_set_readiness},
    {"autoscaling/HorizontalPodAutoscaler", autoscaler_readiness},
    {"batch/CronJob", cron_job_readiness},
    {"batch/Job", job_readiness},
    {"gateway.networking.k8s.io/GRPCRoute", gateway_route_readiness},
    {"gateway.networking.k8s.io/Gateway", gateway_readiness},
    {"gateway.networking.k8s.io/HTTPRoute", gateway_route_readiness},
    {"gateway.networking.k8s.io/TCPRoute", gateway_route_readiness},
    {"gateway.networking.k8s.io/TLSRoute", gateway_route_readiness},
    {"networking.k8s.io/Ingress", ingress_readiness},
    {"policy/PodDisruptionBudget", budget_readiness},
    {cloud_native_pg_kind, postgresql_readiness},
    {"route.openshift.io/Route", openshift_route_readiness},
});

/// Kinds that do all they ever do by being there: the API server itself, or whoever reads them, takes them as they are.
constexpr auto passive = std::to_array<std::string_view>({
    "ConfigMap",
    "Endpoints",
    "LimitRange",
    "PodTemplate",
    "Secret",
    "ServiceAccount",
    "admissionregistration.k8s.io/MutatingWebhookConfiguration",
    "admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding",
    "admissionregistration.k8s.io/ValidatingWebhookConfiguration",
    "apps/ControllerRevision",
    "coordination.k8s.io/Lease",
    "discovery.k8s.io/EndpointSlice",
    "networking.k8s.io/IngressClass",
    "node.k8s.io/RuntimeClass",
    "rbac.authorization.k8s.io/ClusterRole",
    "rbac.authorization.k8s.io/ClusterRoleBinding",
    "rbac.authorization.k8s.io/Role",
    "rbac.authorization.k8s.io/RoleBinding",
    "scheduling.k8s.io/PriorityClass",
    "storage.k8s.io/CSIDriver",
    "storage.k8s.io/StorageClass",
});
static_assert(std::ranges::is_sorted(rules, {}, &Row::kind) && std::ranges::is_sorted(passive));

Readiness terminating(const json::value& object) {
  std::string reason = "is being deleted";
  if (const std::string held = finalizers_of(object); !held.empty()) reason += ", held by " + held;
  // A namespace says what is still in it.
  for (const char* type : {"NamespaceDeletionDiscoveryFailure", "NamespaceDeletionContentFailure",
                           "NamespaceContentRemaining", "NamespaceFinalizersRemaining"})
    if (const Condition one = condition_of(object, type); one.holds) reason += "; " + host::printable(one.message);
  return {State::terminating, reason};
}

}  // namespace

std::string_view to_string(State state) {
  switch (state) {
    case State::ready: return "ready";
    case State::in_progress: return "in progress";
    case State::failed: return "failed";
    case State::terminating: return "terminating";
    case State::assumed: return "assumed";
    case State::not_found: return "not found";
  }
  return "?";
}

StatusContract status_contract(const json::value& definition, std::string_view version) {
  for (const json::value& one : list_at(definition, "spec.versions"))
    if (text_at(one, "name") == version && true_at(one, "served"))
      return {.subresource = find(one, "subresources.status") != nullptr};
  return {};
}

Readiness ready(std::string reason) { return {State::ready, std::move(reason)}; }
Readiness waits(std::string reason) { return {State::in_progress, std::move(reason)}; }
Readiness assumed(std::string reason) { return {State::assumed, std::move(reason)}; }

std::optional<Readiness> unobserved(const Seen& seen) {
  const auto observed = number_at(seen.object, "status.observedGeneration");
  if (observed && *observed >= seen.generation) return std::nullopt;
  if (!observed) return waits("its controller has not looked at it yet");
  return waits(fmt::format("its controller has seen generation {} of {}", *observed, seen.generation));
}

std::string said(const Condition& condition) {
  const std::string reason = host::printable(condition.reason), message = host::printable(condition.message);
  if (reason.empty() || message.empty()) return reason + message;
  return reason + ": " + message;
}

std::string share(std::int64_t done, std::int64_t all, std::string_view what) {
  return fmt::format("{} of {} pods {}", done, all, what);
}

Rule rule_of(std::string_view kind) {
  const auto row = std::ranges::lower_bound(rules, kind, {}, &Row::kind);
  return row != rules.end() && row->kind == kind ? row->rule : nullptr;
}

Readiness readiness_of(const json::value* live, const Objects& related, const Expected& expected) {
  if (!live) return {State::not_found, "there is no such object"};
  if (!expected.uid.empty() && text_at(*live, "metadata.uid") != expected.uid)
    return {State::not_found, "another object has taken its name"};
  if (is_going(*live)) return terminating(*live);
  const std::int64_t generation = number_at(*live, "metadata.generation").value_or(0);
  if (generation != 0 && generation < expected.generation)
    return waits(fmt::format("what was read is generation {}, and {} was written", generation, expected.generation));
  const Seen seen{*live, related, expected.generation != 0 ? expected.generation : generation, expected.contract};
  const std::string kind = group_kind(*live);
  if (const Rule rule = rule_of(kind)) return rule(seen);
  if (!built_in(*live)) return custom_readiness(seen);
  if (std::ranges::binary_search(passive, std::string_view(kind))) return ready("is there");
  return assumed("no rule says when a " + host::printable(text_at(*live, "kind")) + " works");
}

}  // namespace harmony::k8s
