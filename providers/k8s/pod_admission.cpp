#include "k8s/pod_admission.hpp"

#include <boost/json.hpp>

#include "k8s/explained.hpp"
#include "k8s/manifest.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

/// By a name that no controller gives.
json::object pod_of(const json::value& workload, const json::value& pod_template, const std::string& space) {
  json::object pod = named("v1", "Pod", std::string(name_of(workload)) + "-dry-run");
  json::object& metadata = pod["metadata"].get_object();
  metadata["namespace"] = space;
  for (const char* marks : {"labels", "annotations"})
    if (const json::value* said = member(find(pod_template, "metadata"), marks)) metadata[marks] = *said;
  if (const json::value* spec = find(pod_template, "spec")) pod["spec"] = *spec;
  return pod;
}

}  // namespace

void require_admitted_pods(Scope& in, const Place& place, const Subject& subject, const json::value& workload,
                           const json::value* live) {
  const json::value* pods = find(workload, "spec.template");
  if (!pods || !built_in(workload)) return;
  if (const json::value* running = live ? find(*live, "spec.template") : nullptr; running && *running == *pods) return;
  try {
    place.client->create(in, place.client->resource(in, {"", "v1", "Pod"}), pod_of(workload, *pods, place.space),
                         {.manager = field_manager, .storing = Storing::previewed});
  } catch (const ApiError& error) {
    if (auto known = explained(error, subject); known && known->diagnostic.code == "H0463")
      throw Error(std::move(known->diagnostic));
  }
}

}  // namespace harmony::k8s
