#include "k8s/manifest.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

namespace harmony::k8s {

namespace json = boost::json;

json::object named(std::string_view api_version, std::string_view kind, const std::string& name) {
  return {{"apiVersion", api_version}, {"kind", kind}, {"metadata", {{"name", name}}}};
}

json::object selector_of(const std::string& instance) { return {{"app.kubernetes.io/name", instance}}; }

json::object container_port(std::string_view name, int port) {
  return {{"name", name}, {"containerPort", port}, {"protocol", "TCP"}};
}

json::object service(const std::string& name, const std::string& instance,
                     const std::vector<std::pair<std::string, int>>& ports) {
  json::object made = named("v1", "Service", name);
  json::array all;
  for (const auto& [port_name, port] : ports)
    all.push_back({{"name", port_name}, {"port", port}, {"protocol", "TCP"}, {"targetPort", port_name}});
  // Its type said, so that what somebody makes of it (a name for another host) is drift.
  made["spec"] = {{"type", "ClusterIP"}, {"selector", selector_of(instance)}, {"ports", std::move(all)}};
  return made;
}

json::object single_pod(const std::string& instance, json::object pod) {
  json::object made = named("apps/v1", "StatefulSet", instance);
  const json::object labels = selector_of(instance);
  // A volume for one node may be mounted there by two pods, and two servers at work on the same data destroy it.
  const json::value no_second{{"labelSelector", {{"matchLabels", labels}}}, {"topologyKey", "kubernetes.io/hostname"}};
  pod["affinity"] = {{"podAntiAffinity", {{"requiredDuringSchedulingIgnoredDuringExecution", json::array{no_second}}}}};
  made["spec"] = {{"serviceName", instance},
                  {"replicas", 1},
                  // In order, a pod that never gets ready keeps its own mending waiting.
                  {"podManagementPolicy", "Parallel"},
                  // Said, so that a canary of somebody else's is drift, and no deploy ends with old pods.
                  {"updateStrategy", {{"type", "RollingUpdate"}, {"rollingUpdate", {{"partition", 0}}}}},
                  {"selector", {{"matchLabels", labels}}},
                  {"template", {{"metadata", {{"labels", labels}}}, {"spec", std::move(pod)}}}};
  return made;
}

json::object claim(const std::string& name) {
  json::object made = named("v1", "PersistentVolumeClaim", name);
  made["spec"] = {{"accessModes", json::array{"ReadWriteOnce"}}};
  return made;
}

json::object pod_user(int user) {
  return {{"runAsUser", user},
          {"runAsGroup", user},
          {"fsGroup", user},
          {"fsGroupChangePolicy", "OnRootMismatch"},
          {"runAsNonRoot", true}};
}

json::object confined() {
  return {{"allowPrivilegeEscalation", false},
          {"capabilities", {{"drop", json::array{"ALL"}}}},
          {"runAsNonRoot", true},
          {"seccompProfile", {{"type", "RuntimeDefault"}}}};
}

void give(json::object& container, const Resources& resources) {
  json::object requests, limits;
  if (resources.millicores > 0) requests["cpu"] = fmt::format("{}m", resources.millicores);
  if (resources.mebibytes > 0) requests["memory"] = limits["memory"] = fmt::format("{}Mi", resources.mebibytes);
  if (requests.empty()) return;
  json::object all{{"requests", std::move(requests)}};
  if (!limits.empty()) all["limits"] = std::move(limits);
  container["resources"] = std::move(all);
}

json::object secret_variable(const std::string& variable, const std::string& secret, const std::string& key) {
  return {{"name", variable}, {"valueFrom", {{"secretKeyRef", {{"name", secret}, {"key", key}}}}}};
}

}  // namespace harmony::k8s
