#include "k8s/pod_admission.hpp"

#include <boost/json.hpp>

#include "k8s/explained.hpp"
#include "k8s/manifest.hpp"
#include "k8s/refusal.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

/// What its controller will add: rules may look at it, and a label may become too long.
void add_maker(json::object& metadata, const json::value& workload) {
  constexpr std::string_view hash = "0123456789";  // as long as those of the controllers
  const std::string name{name_of(workload)};
  const bool is_deployment = text_at(workload, "kind") == "Deployment";
  const std::string label = is_deployment ? "pod-template-hash" : "controller-revision-hash";
  metadata["labels"].get_object()[label] = is_deployment ? std::string(hash) : name + "-" + std::string(hash);
  metadata["ownerReferences"] = json::array{{{"apiVersion", "apps/v1"},
                                             {"kind", is_deployment ? "ReplicaSet" : text_at(workload, "kind")},
                                             {"name", is_deployment ? name + "-" + std::string(hash) : name},
                                             {"uid", text_at(workload, "metadata.uid")},
                                             {"controller", true}}};
}

/// By a name that no controller gives.
json::object pod_of(const json::value& workload, const json::value& pod_template, const std::string& space) {
  json::object pod = named("v1", "Pod", std::string(name_of(workload)) + "-dry-run");
  json::object& metadata = pod["metadata"].get_object();
  metadata["namespace"] = space;
  metadata["labels"] = object_at(pod_template, "metadata.labels");
  metadata["annotations"] = object_at(pod_template, "metadata.annotations");
  if (const json::value* spec = find(pod_template, "spec")) pod["spec"] = *spec;
  add_maker(metadata, workload);
  return pod;
}

/// A cluster may ask who names an owner whether he may delete what is owned (OpenShift does): no more is known then.
bool is_of_the_owner(std::string_view message) { return message.find("set an ownerRef") != message.npos; }

/// "… refuses the pods of `deployment.apps/web`"
Diagnostic of_its_pods(Diagnostic said, const Subject& subject) {
  const std::string name = "`" + subject.text() + "`";
  if (const auto at = said.message.find(name); at != std::string::npos) said.message.insert(at, "the pods of ");
  return said;
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
    auto known = explained(error, subject);
    if (!known || known->diagnostic.code == "H0461" || is_of_the_owner(error.status().message)) return;
    // The pods of a StatefulSet make room for their successors.
    const bool makes_room = live && text_at(workload, "kind") == "StatefulSet" && known->diagnostic.code == "H0458";
    if (makes_room && known->prospect == Prospect::may_heal) return;
    const Diagnostic said = of_its_pods(std::move(known->diagnostic), subject);
    if (known->prospect == Prospect::hopeless && !is_of_a_policy(error.status().message)) throw Error(said);
    in.note("warning", said.message + (said.facts.empty() ? "" : ": " + said.facts.front().second));
  }
}

}  // namespace harmony::k8s
