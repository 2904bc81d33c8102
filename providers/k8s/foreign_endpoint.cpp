#include "k8s/foreign_endpoint.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "host/printable.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

bool is_controlled(const json::value& object) {
  return std::ranges::any_of(list_at(object, "metadata.ownerReferences"),
                             [](const json::value& owner) { return true_at(owner, "controller"); });
}

std::string shown(const json::value& object) { return host::printable(name_of(object)); }

/// A controller of endpoints names the pod of each; who writes a slice by hand does not.
std::optional<ForeignEndpoint> address_by_hand(const json::value& service, const Objects& related) {
  for (const json::value* slice : of_kind(related, "discovery.k8s.io/EndpointSlice")) {
    if (label_of(*slice, "kubernetes.io/service-name") != name_of(service)) continue;
    for (const json::value& endpoint : list_at(*slice, "endpoints"))
      if (!find(endpoint, "targetRef")) {
        const json::array& addresses = list_at(endpoint, "addresses");
        const bool is_text = !addresses.empty() && addresses.front().is_string();
        return ForeignEndpoint{
            fmt::format("leads to {}, which is no pod, by EndpointSlice `{}`",
                        is_text ? host::printable(addresses.front().get_string().c_str()) : "an address",
                        shown(*slice)),
            fmt::format("take it away: kubectl delete endpointslice {} -n {}", shown(*slice),
                        host::printable(text_at(*slice, "metadata.namespace")))};
      }
  }
  return std::nullopt;
}

std::optional<ForeignEndpoint> stray_pod(const Selected& pods) {
  for (const json::value* pod : pods)
    if (is_ready_pod(*pod) && !is_controlled(*pod))
      return ForeignEndpoint{fmt::format("leads to pod `{}`, which no workload controls", shown(*pod)),
                             fmt::format("delete it (kubectl delete pod {} -n {}), or take its labels away",
                                         shown(*pod), host::printable(text_at(*pod, "metadata.namespace")))};
  return std::nullopt;
}

/// As they name their containers: an application's like its instance, a server's like its port.
bool is_of_the_deployment(const json::value& container, const json::value& pod, std::string_view port) {
  const std::string_view name = text_at(container, "name");
  return name == port || name == label_of(pod, "app.kubernetes.io/name");
}

/// The containers of a pod that have this port of a Service; it leads to the first of them.
std::vector<const json::value*> containers_with(const json::value& pod, const json::value& port) {
  const auto protocol = [](const json::value& of) {
    const std::string_view said = text_at(of, "protocol");
    return said.empty() ? std::string_view("TCP") : said;
  };
  std::vector<const json::value*> found;
  for (const json::value& container : list_at(pod, "spec.containers"))
    if (std::ranges::any_of(list_at(container, "ports"), [&](const json::value& one) {
          return text_at(one, "name") == text_at(port, "targetPort") && protocol(one) == protocol(port);
        }))
      found.push_back(&container);
  return found;
}

std::optional<ForeignEndpoint> port_of_another(const json::value& service, const Selected& pods) {
  for (const json::value& port : list_at(service, "spec.ports"))
    for (const json::value* pod : pods) {
      const std::string_view name = text_at(port, "targetPort");
      if (name.empty()) continue;
      const auto containers = containers_with(*pod, port);
      const auto ours = std::ranges::find_if(
          containers, [&](const json::value* one) { return is_of_the_deployment(*one, *pod, name); });
      if (ours != containers.end() && ours != containers.begin())
        return ForeignEndpoint{fmt::format("leads to the port `{}` of container `{}` of pod `{}`, not to that of `{}`",
                                           host::printable(name), host::printable(text_at(*containers.front(), "name")),
                                           shown(*pod), host::printable(text_at(**ours, "name"))),
                               "give the port of the container that somebody has added another name, or take it away"};
    }
  return std::nullopt;
}

}  // namespace

std::optional<ForeignEndpoint> foreign_endpoint_of(const json::value& service, const Objects& related) {
  if (group_kind(service) != "Service" || object_at(service, "spec.selector").empty()) return std::nullopt;
  Selected pods = of_kind(related, "Pod");
  if (pods.empty()) return std::nullopt;
  std::erase_if(pods, [&](const json::value* pod) {
    return is_going(*pod) || !has_labels(*pod, object_at(service, "spec.selector"));
  });
  if (auto found = address_by_hand(service, related)) return found;
  if (auto found = stray_pod(pods)) return found;
  return port_of_another(service, pods);
}

}  // namespace harmony::k8s
