#include "k8s/relations.hpp"

#include <algorithm>
#include <iterator>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "host/printable.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

std::string_view time_of(const json::value& event) {
  const std::string_view last = text_at(event, "lastTimestamp");
  return last.empty() ? text_at(event, "eventTime") : last;
}

}  // namespace

Selected of_kind(const Objects& objects, std::string_view kind) {
  Selected found;
  for (const json::value& object : objects)
    if (group_kind(object) == kind) found.push_back(&object);
  return found;
}

Selected owned_by(const Selected& objects, const json::value& owner) {
  const std::string_view uid = text_at(owner, "metadata.uid");
  Selected found;
  for (const json::value* object : objects) {
    const json::array& owners = list_at(*object, "metadata.ownerReferences");
    if (!uid.empty() && std::ranges::any_of(owners, [&](const json::value& one) { return text_at(one, "uid") == uid; }))
      found.push_back(object);
  }
  return found;
}

bool is_newest_set(const json::value& replica_set, const json::value& deployment) {
  constexpr std::string_view revision = "deployment.kubernetes.io/revision";
  return annotation_of(replica_set, revision) == annotation_of(deployment, revision);
}

Selected pods_made_by(const json::value& workload, const Objects& objects) {
  const Selected pods = of_kind(objects, "Pod");
  if (group_kind(workload) != "apps/Deployment") return owned_by(pods, workload);
  Selected made;
  for (const json::value* set : owned_by(of_kind(objects, "apps/ReplicaSet"), workload))
    std::ranges::copy(owned_by(pods, *set), std::back_inserter(made));
  return made;
}

Selected warnings_about(const Objects& objects, const json::value& object) {
  const std::string_view uid = text_at(object, "metadata.uid");
  Selected found;
  for (const json::value* event : of_kind(objects, "Event"))
    if (text_at(*event, "type") == "Warning" && !uid.empty() && text_at(*event, "involvedObject.uid") == uid)
      found.push_back(event);
  std::ranges::stable_sort(found, {}, [](const json::value* event) { return time_of(*event); });
  return found;
}

Condition condition_in(const json::array& conditions, std::string_view type) {
  for (const json::value& one : conditions) {
    if (text_at(one, "type") != type) continue;
    const std::string_view status = text_at(one, "status");
    return {.holds = status == "True",
            .fails = status == "False",
            .reason = text_at(one, "reason"),
            .message = text_at(one, "message"),
            .generation = number_at(one, "observedGeneration")};
  }
  return {};
}

Condition condition_of(const json::value& object, std::string_view type) {
  return condition_in(list_at(object, "status.conditions"), type);
}

bool is_ready_pod(const json::value& pod) { return !is_going(pod) && condition_of(pod, "Ready").holds; }

bool is_going(const json::value& object) { return find(object, "metadata.deletionTimestamp") != nullptr; }

bool is_scaled_to_none(const json::value& workload) {
  return group_of(workload) == "apps" && number_at(workload, "spec.replicas") == 0;
}

std::string finalizers_of(const json::value& object) {
  std::string names;
  for (const json::value& one : list_at(object, "metadata.finalizers"))
    if (const json::string* name = one.if_string())
      names += (names.empty() ? "" : ", ") + host::printable(std::string_view(*name));
  return names;
}

bool has_labels(const json::value& object, const json::object& selector) {
  return !selector.empty() && std::ranges::all_of(selector, [&](const auto& one) {
    const json::string* value = one.value().if_string();
    return value && label_of(object, one.key()) == std::string_view(*value);
  });
}

}  // namespace harmony::k8s
