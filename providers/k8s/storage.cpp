#include "k8s/storage.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/json.hpp>

#include "host/printable.hpp"
#include "k8s/quantity.hpp"
#include "k8s/relations.hpp"
#include "k8s/values.hpp"
#include "k8s/volume.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

constexpr auto default_class = "storageclass.kubernetes.io/is-default-class";

/// A volume that somebody has made by hand takes a claim of its class, or one without a class, too.
bool may_be_bound(Scope& in, const Place& place, const Wanted& wanted, std::string_view storage_class) {
  const auto asked = find(wanted.object, "spec.resources.requests.storage");
  const auto size = asked ? quantity_of(*asked) : std::nullopt;
  try {
    const Resource volumes = place.client->resource(in, {"", "v1", "PersistentVolume"});
    return std::ranges::any_of(place.client->list(in, volumes, {}), [&](const json::value& one) {
      const auto capacity = find(one, "spec.capacity.storage");
      const auto has = capacity ? quantity_of(*capacity) : std::nullopt;
      return text_at(one, "status.phase") == "Available" && text_at(one, "spec.storageClassName") == storage_class &&
             has && size && !(*has < *size);
    });
  } catch (const ApiError& error) {
    if (!error.out_of_sight()) throw;
    return false;                            // who may not see volumes has made none
  }
}

/// Nothing where they may not be seen.
std::optional<Objects> storage_classes(Scope& in, const Place& place) {
  try {
    return place.client->list(in, place.client->resource(in, {"storage.k8s.io", "v1", "StorageClass"}), {});
  } catch (const ApiError& error) {
    if (error.status().code == 403) return std::nullopt;
    throw;
  }
}

Error no_default(const Wanted& wanted) {
  return Error(
      {.code = "H0437",
       .category = Category::refused,
       .message = fmt::format("the cluster has no default StorageClass, so nobody makes the volume of `{}`",
                              wanted.subject.text()),
       .subject = wanted.subject.text(),
       .help = fmt::format("choose a class with --storage-class NAME, have a provisioner of volumes installed, "
                           "or mark one of its classes as the default: kubectl annotate storageclass NAME {}=true",
                           default_class)});
}

Error no_such_class(const Wanted& wanted, const std::string& name, const Objects& classes) {
  std::vector<std::string> names;
  for (const json::value& one : classes) names.push_back(host::printable(name_of(one)));
  return Error({.code = "H0437",
                .category = Category::refused,
                .message = fmt::format("the cluster has no StorageClass `{}`, so nobody makes the volume of `{}`",
                                       host::printable(name), wanted.subject.text()),
                .subject = wanted.subject.text(),
                .facts = {{"there are", names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))}},
                .help = "choose another with --storage-class NAME, or leave it out for the default one"});
}

}  // namespace

void require_storage(Scope& in, const Place& place, const Wanted& wanted) {
  const auto named = storage_class_of(wanted.object);
  if (!named && wanted.reference.what.kind != "PersistentVolumeClaim") return;
  const auto classes = storage_classes(in, place);
  const auto makes_it = [&](const json::value& one) {
    return named ? name_of(one) == *named : annotation_of(one, default_class) == "true";
  };
  if (!classes || std::ranges::any_of(*classes, makes_it)) return;
  if (may_be_bound(in, place, wanted, named.value_or(""))) return;
  throw named ? no_such_class(wanted, *named, *classes) : no_default(wanted);
}

/// The data is there as long as a pod has it, and can be saved only as long.
void require_unheld(Scope& in, const Place& place, const Wanted& claim) {
  for (const json::value& pod :
       place.client->list(in, place.client->resource(in, {"", "v1", "Pod"}), {.space = place.space})) {
    if (is_going(pod)) continue;
    for (const json::value& volume : list_at(pod, "spec.volumes")) {
      if (text_at(volume, "persistentVolumeClaim.claimName") != claim.reference.name) continue;
      const std::string holder{text_at(pod, "metadata.name")};
      throw Error(
          {.code = "H0472",
           .category = Category::refused,
           .message = fmt::format("`{}` is being deleted, with the data that pod `{}` still serves",
                                  claim.subject.text(), holder),
           .subject = claim.subject.text(),
           .facts = {{"held by", "pod/" + holder}},
           .notes = {"a deletion cannot be taken back; it is done when the pod ends"},
           .help = fmt::format("save the data now; then let it go (kubectl delete pod {} -n {}), and deploy again",
                               holder, place.space)});
    }
  }
}

}  // namespace harmony::k8s
