#include "k8s/wanted.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <boost/json.hpp>

#include "host/content.hpp"
#include "host/printable.hpp"
#include "k8s/base64.hpp"
#include "k8s/cloud_native_pg.hpp"
#include "k8s/difference.hpp"
#include "k8s/field_set.hpp"
#include "k8s/manifest.hpp"
#include "k8s/readiness.hpp"
#include "k8s/relations.hpp"
#include "k8s/rest.hpp"
#include "k8s/restored.hpp"
#include "k8s/values.hpp"
#include "k8s/volume.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

constexpr const char* filler = "known-after-the-deploy";

void mark(json::object& object, const Place& place) {
  json::object& metadata = child(object, "metadata");
  metadata["namespace"] = place.space;
  json::object& labels = child(metadata, "labels");
  for (const auto& [name, value] : place.labels()) labels[name] = value;
}

/// Others may have pods of that name: what finds pods finds those of this deployment.
void mark_pods(json::object& object, const Place& place) {
  const auto add = [&](json::object& labels) { labels[deployment_label] = place.deployment; };
  if (find(object, "spec.template.metadata.labels")) {
    add(child(child(child(child(object, "spec"), "template"), "metadata"), "labels"));
    if (find(object, "spec.selector.matchLabels")) add(child(child(child(object, "spec"), "selector"), "matchLabels"));
    constexpr const char *pods = "podAntiAffinity", *required = "requiredDuringSchedulingIgnoredDuringExecution";
    if (find(object, fmt::format("spec.template.spec.affinity.{}.{}", pods, required)))
      for (json::value& term :
           child(child(child(child(object, "spec"), "template"), "spec"), "affinity")[pods].at(required).as_array())
        add(child(child(term.as_object(), "labelSelector"), "matchLabels"));
  } else if (text_at(object, "kind") == "Service" && find(object, "spec.selector")) {
    add(child(child(object, "spec"), "selector"));
  }
}

/// Nodes ask a registry that wants to know who they are with it.
void add_pull_secret(json::object& object, const std::string& secret) {
  if (secret.empty()) return;
  const json::array secrets{{{"name", secret}}};
  if (find(object, "spec.template.spec"))
    child(child(child(object, "spec"), "template"), "spec")["imagePullSecrets"] = secrets;
  else if (is_cloud_native_pg(object)) child(object, "spec")["imagePullSecrets"] = secrets;
}

/// So that fields which others take from us are told from those that never were ours.
void note_what_it_owns(json::object& object) {
  json::object& annotations = child(child(object, "metadata"), "annotations");
  annotations[applied_annotation] = "";
  annotations[applied_annotation] = json::serialize(fields_of(object).fields_v1());
}

Wanted described(json::object object, bool holds_data) {
  note_what_it_owns(object);
  Wanted made{.object = std::move(object), .reference = {}, .subject = {}, .holds_data = holds_data};
  made.reference = reference_of(made.object);
  made.subject = subject_of(made.reference);
  return made;
}

void put(json::object& into, const std::string& name, const host::Rendered& value, const std::string& path,
         const std::function<std::string(const std::string&)>& written, std::map<std::string, std::string>& pending) {
  into[name] = written(value.pending() ? filler : value.text());
  if (value.pending()) pending.emplace(path, value.because);
}

}  // namespace

FieldSet owned_fields(std::string_view annotation) {
  const auto fields = parse_json(annotation);
  return fields ? FieldSet::from_fields_v1(*fields) : FieldSet{};
}
FieldSet owned_before(const json::value& live) { return owned_fields(annotation_of(live, applied_annotation)); }

std::string subject_kind(const GroupVersionKind& what) {
  std::string text = what.kind;
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return what.group.empty() ? text : text + "." + what.group;
}

std::optional<Resource> resource_of(Scope& in, const Place& place, const std::string& kind) {
  const auto catalogue = place.client->catalogue(in);
  for (const auto& [what, resource] : catalogue->all())
    if (subject_kind(what) == kind)
      if (const Resource* preferred = catalogue->find_preferred(what.group, what.kind)) return *preferred;
  return std::nullopt;
}

Subject subject_of(const ObjectReference& reference) { return {"k8s", subject_kind(reference.what), reference.name}; }

void keep_what_stays(Wanted& wanted, const json::value& live) {
  if (is_going(live)) return;                // as good as gone
  const bool has_size = has_volume(wanted.object);
  if (has_size) keep_volume(wanted.object, live, field_manager);
  const bool marked = mark_restored(wanted.object, live, field_manager, [&](std::string_view key) {
    return !wanted.pending.contains(field_path({"data", key}));
  });
  if (has_size || marked) note_what_it_owns(wanted.object.get_object());
}

void restart_for(std::vector<Wanted>& all, std::vector<std::string>& marks) {
  for (Wanted& wanted : all)
    if (restart_for(wanted.object, marks)) note_what_it_owns(wanted.object.get_object());
  for (const Wanted& wanted : all)
    if (const auto mark = restored_mark(wanted.object); !mark.empty()) marks.emplace_back(mark);
}

namespace {
/// Not only by the garbage collector, which lets go by itself.
bool is_held_by_others(const json::value& live) {
  return std::ranges::any_of(list_at(live, "metadata.finalizers"), [](const json::value& finalizer) {
    return finalizer.is_string() && finalizer.get_string() != "foregroundDeletion" &&
           finalizer.get_string() != "orphan";
  });
}
}  // namespace

std::vector<std::string> what_stays(const Wanted& wanted, const json::value& live, const VolumeDefaults& asked) {
  std::vector<std::string> kept;
  if (is_going(live)) {
    if (is_held_by_others(live))
      kept.push_back(fmt::format("{} {}: it is waited for until it is gone, and made anew", wanted.subject.text(),
                                 readiness_of(&live, {}).reason));
    return kept;
  }
  if (!has_volume(wanted.object)) return kept;
  if (const auto size_now = larger_size(wanted.object, live); size_now && asked.size)
    kept.push_back(fmt::format("{} keeps its size `{}`: a volume never shrinks", wanted.subject.text(),
                               host::printable(*size_now)));
  const std::string storage_class_now = storage_class_of(live).value_or("");
  if (const auto named = storage_class_of(wanted.object); named && *named != storage_class_now)
    kept.push_back(fmt::format("{} keeps its StorageClass{}: --storage-class is of new volumes", wanted.subject.text(),
                               storage_class_now.empty() ? "" : " `" + host::printable(storage_class_now) + "`"));
  return kept;
}

Wanted wanted(const Scope& in, const Manifest& manifest, const Place& place, PrimitiveKey key) {
  json::object object = manifest.object;
  std::map<std::string, std::string> pending;
  mark(object, place);
  mark_pods(object, place);
  add_pull_secret(object, place.pull_secret);
  set_volume(object, place.volumes);
  for (const auto& [name, content] : manifest.data)
    put(child(object, "data"), name, host::rendered(in, content, key), field_path({"data", name}), to_base64, pending);
  for (const auto& [name, content] : manifest.fingerprints) {
    json::object& annotations = child(child(child(child(object, "spec"), "template"), "metadata"), "annotations");
    put(
        annotations, name, host::rendered(in, content, key),
        field_path({"spec", "template", "metadata", "annotations", name}),
        [&](const std::string& text) { return text == filler ? text : in.fingerprinter().of(text); }, pending);
  }
  if (!manifest.at_rest.empty())
    child(child(object, "metadata"), "annotations")[rest_annotation] = rest_text(manifest.at_rest);
  Wanted made = described(std::move(object), manifest.holds_data);
  made.pending = std::move(pending);
  return made;
}

Wanted wanted(const GeneratedSecret& secret, const std::map<std::string, std::string>& values, const Place& place) {
  json::object object = named("v1", "Secret", secret.name);
  std::map<std::string, std::string> pending;
  mark(object, place);
  if (!secret.type.empty()) object["type"] = secret.type;
  for (const auto& [name, text] : secret.plain) child(object, "data")[name] = to_base64(text);
  for (const std::string& key : secret.keys) {
    const auto found = values.find(key);
    child(object, "data")[key] = to_base64(found == values.end() ? filler : found->second);
    if (found == values.end()) pending.emplace(field_path({"data", key}), "generated");
  }
  Wanted made = described(std::move(object), true);
  made.pending = std::move(pending);
  made.pending_origin = harmony::Origin::generated;
  return made;
}

}  // namespace harmony::k8s
