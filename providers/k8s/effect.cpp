#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "host/printable.hpp"
#include "k8s/cloud_native_pg.hpp"
#include "k8s/difference.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

struct Fixed {
  std::string_view kind, path;
};

/// What the API server refuses to change; for StatefulSets and claims it is the other way round, see below.
constexpr auto fixed = std::to_array<Fixed>({
    {"apps/Deployment", "spec.selector"},
    {"apps/ReplicaSet", "spec.selector"},
    {"apps/DaemonSet", "spec.selector"},
    {"batch/Job", "spec.selector"},
    {"batch/Job", "spec.template"},
    {"batch/Job", "spec.completionMode"},
    {"Service", "spec.clusterIP"},
    {"Secret", "type"},
    {"rbac.authorization.k8s.io/RoleBinding", "roleRef"},
    {"rbac.authorization.k8s.io/ClusterRoleBinding", "roleRef"},
    {"storage.k8s.io/StorageClass", "provisioner"},
    {"storage.k8s.io/StorageClass", "parameters"},
    {"storage.k8s.io/StorageClass", "volumeBindingMode"},
    {"scheduling.k8s.io/PriorityClass", "value"},
    {"apiextensions.k8s.io/CustomResourceDefinition", "spec.group"},
    {"apiextensions.k8s.io/CustomResourceDefinition", "spec.scope"},
});

constexpr auto changeable_of_stateful_set =
    std::to_array<std::string_view>({"minReadySeconds", "ordinals", "persistentVolumeClaimRetentionPolicy", "replicas",
                                     "revisionHistoryLimit", "template", "updateStrategy"});
constexpr auto changeable_of_claim = std::to_array<std::string_view>({"resources", "volumeAttributesClassName"});

bool equal(const json::value* one, const json::value* other) { return one && other ? *one == *other : one == other; }
bool moved(const json::value& live, const json::value& result, std::string_view path) {
  return !equal(find(live, path), find(result, path));
}

/// The spec of these kinds is fixed but for a few fields.
template <std::size_t n>
void all_but(const std::array<std::string_view, n>& changeable, const json::value& live, const json::value& result,
             std::vector<std::string>& paths) {
  for (const auto& [field, value] : object_at(result, "spec"))
    if (std::ranges::find(changeable, std::string_view(field)) == changeable.end() &&
        moved(live, result, "spec." + std::string(field)))
      paths.push_back("spec." + std::string(field));
}

std::string pods(std::int64_t count) { return fmt::format("{} pod{}", count, count == 1 ? "" : "s"); }

bool runs_pods(std::string_view kind) {
  return kind == "apps/Deployment" || kind == "apps/StatefulSet" || kind == "apps/DaemonSet";
}

std::int64_t pod_count(const json::value& live, const json::value& result, std::string_view kind) {
  if (kind == "apps/DaemonSet") return number_at(live, "status.desiredNumberScheduled").value_or(0);
  return number_at(result, "spec.replicas").value_or(1);
}

/// What a changed template does to the pods that run.
std::string restart(const json::value& live, const json::value& result, std::string_view kind) {
  // Those that run now and stay are restarted; new ones start with the new template anyway.
  const std::int64_t count = std::min(pod_count(live, live, kind), pod_count(live, result, kind));
  if (count == 0) return "no pod is restarted: there is none";
  const std::string_view strategy =
      kind == "apps/Deployment" ? text_at(result, "spec.strategy.type") : text_at(result, "spec.updateStrategy.type");
  if (strategy == "OnDelete")
    return fmt::format("{} the old template until {} deleted", count == 1 ? "1 pod keeps" : pods(count) + " keep",
                       count == 1 ? "it is" : "they are");
  if (strategy == "Recreate") return fmt::format("interrupts service: stops {}, then starts them anew", pods(count));
  if (true_at(result, "spec.paused")) return "no pod is restarted: it is paused";
  // A Deployment starts the new pod first; the others end the old one first, and here there is no second to serve.
  if (count == 1 && kind != "apps/Deployment") return "interrupts service: restarts 1 pod";
  return "rolling restart of " + pods(count);
}

std::string pods_effect(const json::value& live, const json::value& result, std::string_view kind) {
  std::string effect;
  if (moved(live, result, "spec.template")) effect = restart(live, result, kind);
  const std::int64_t before = pod_count(live, live, kind), after = pod_count(live, result, kind);
  if (before != after) effect += fmt::format("{}scales {} -> {}", effect.empty() ? "" : ", ", before, after);
  return effect.empty() ? "in place" : effect;
}

/// Which settings need a restart is known to the server alone.
std::string postgresql_effect(const json::value& live, const json::value& result) {
  if (hibernates(result) != hibernates(live))
    return hibernates(result) ? "stops its pods: its data stays" : "starts its pods again";
  const std::string instances = pods(number_at(result, "spec.instances").value_or(1));
  if (moved(live, result, "spec.imageName") || moved(live, result, "spec.resources"))
    return "interrupts service: restarts " + instances;
  if (moved(live, result, "spec.postgresql"))
    return fmt::format("reloads, or restarts {} where a setting needs it", instances);
  return "in place";
}

bool same_but_for_server(const json::value& live, const json::value& result) {
  const auto bare = [](json::value object) {
    json::object* fields = object.if_object();
    if (!fields) return object;
    fields->erase("status");
    json::value* metadata = fields->if_contains("metadata");
    if (metadata && metadata->is_object())
      for (const auto* field : {"creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"})
        metadata->get_object().erase(field);
    return object;
  };
  return bare(live) == bare(result);
}

}  // namespace

std::vector<std::string> immutable_changes(const json::value& live, const json::value& result) {
  std::vector<std::string> paths;
  const std::string kind = group_kind(result);
  for (const Fixed& one : fixed)
    // What the result does not say is the server's to fill in, unless the server said it.
    if (one.kind == kind && find(result, one.path) && find(live, one.path) && moved(live, result, one.path))
      paths.emplace_back(one.path);
  if (kind == "apps/StatefulSet") all_but(changeable_of_stateful_set, live, result, paths);
  if (kind == "PersistentVolumeClaim") all_but(changeable_of_claim, live, result, paths);
  if ((kind == "Secret" || kind == "ConfigMap") && true_at(live, "immutable"))
    for (const auto* field : {"data", "binaryData", "stringData"})
      if (find(result, field) && moved(live, result, field)) paths.emplace_back(field);
  return paths;
}

std::string effect_of(const json::value& live, const json::value& result) {
  if (same_but_for_server(live, result)) return {};
  const auto immutable = immutable_changes(live, result);
  if (!immutable.empty()) return fmt::format("recreates it: {} is immutable", immutable.front());
  const std::string kind = group_kind(result);
  if (runs_pods(kind)) return pods_effect(live, result, kind);
  if (kind == cloud_native_pg_kind) return postgresql_effect(live, result);
  constexpr std::string_view size = "spec.resources.requests.storage";
  if (kind == "PersistentVolumeClaim" && moved(live, result, size))
    return fmt::format("grows the volume {} -> {}", host::printable(text_at(live, size)),
                       host::printable(text_at(result, size)));
  return "in place";
}

}  // namespace harmony::k8s
