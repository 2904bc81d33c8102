#include <algorithm>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "host/printable.hpp"
#include "k8s/cloud_native_pg.hpp"
#include "k8s/quantity.hpp"
#include "k8s/readiness_rules.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

/// What is asked for is there; rules of the namespace may have added to it.
bool has_resources(const json::value& container, const json::value& cluster) {
  for (const char* list : {"requests", "limits"})
    for (const auto& [name, amount] : object_at(cluster, std::string("spec.resources.") + list)) {
      const json::value* given = member(find(container, std::string("resources.") + list), name);
      if (!given || !same_quantity(amount, *given)) return false;
    }
  return true;
}

bool is_as_wanted(const json::value& pod, const json::value& cluster) {
  const std::string_view image = text_at(cluster, "spec.imageName");
  return std::ranges::all_of(list_at(pod, "spec.containers"), [&](const json::value& container) {
    if (text_at(container, "name") != "postgres") return true;
    return (image.empty() || text_at(container, "image") == image) && has_resources(container, cluster);
  });
}

/// What its pods run, not what it says of them: its status names no generation, and may be of the object as it was.
std::optional<Readiness> old_instances(const Seen& seen, std::int64_t wanted) {
  std::int64_t ready_pods = 0, all = 0;
  for (const json::value* pod : owned_by(of_kind(seen.related, "Pod"), seen.object)) {
    if (label_of(*pod, "cnpg.io/podRole") != "instance") continue;
    ++all;
    ready_pods += is_ready_pod(*pod);
    if (!is_as_wanted(*pod, seen.object))
      return waits(fmt::format("pod `{}` is of the old version", host::printable(name_of(*pod))));
  }
  if (all > 0 && ready_pods < wanted) return waits(share(ready_pods, wanted, "ready"));
  return std::nullopt;
}

std::optional<Readiness> at_rest(const Seen& seen) {
  const Condition told = condition_of(seen.object, hibernation);
  const bool on = hibernates(seen.object);
  if (on && told.holds) return ready("is hibernated");
  if (on) return waits(told.fails ? said(told) : "is not hibernated yet");
  if (told.holds || told.fails) return waits("is hibernated still");
  return std::nullopt;
}

}  // namespace

Readiness postgresql_readiness(const Seen& seen) {
  if (object_at(seen.object, "status").empty()) return waits("no controller has said anything about it");
  if (auto resting = at_rest(seen)) return *resting;
  const std::string phase = host::printable(text_at(seen.object, "status.phase"));
  if (phase.empty()) return waits("its controller does not say how it is yet");
  if (phase != "Cluster in healthy state") {
    const std::string why = host::printable(text_at(seen.object, "status.phaseReason"));
    const std::string text = why.empty() ? phase : phase + ": " + why;
    if (phase.starts_with("Cluster is unrecoverable")) return {Readiness::State::failed, text};
    return waits(text);
  }
  if (const Condition condition = condition_of(seen.object, "Ready"); !condition.holds)
    return waits(condition.fails ? said(condition) : "does not say that it is ready");
  const std::int64_t wanted = number_at(seen.object, "spec.instances").value_or(1);
  const std::int64_t ready_instances = number_at(seen.object, "status.readyInstances").value_or(0);
  if (ready_instances < wanted) return waits(share(ready_instances, wanted, "ready"));
  if (auto not_yet = old_instances(seen, wanted)) return *not_yet;
  return ready(share(ready_instances, wanted, "ready"));
}

}  // namespace harmony::k8s
