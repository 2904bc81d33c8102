#include "k8s/volume.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "harmony/error.hpp"
#include "host/printable.hpp"
#include "k8s/cloud_native_pg.hpp"
#include "k8s/field_set.hpp"
#include "k8s/quantity.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

/// Where an object says what its volume is; empty where it has none.
struct Paths {
  std::string_view size, storage_class;
};
Paths paths_of(const json::value& object) {
  if (is_cloud_native_pg(object)) return {"spec.storage.size", "spec.storage.storageClass"};
  if (group_kind(object) != "PersistentVolumeClaim") return {};
  return {"spec.resources.requests.storage", "spec.storageClassName"};
}

/// Null where it was not there.
json::value& made_at(json::object& object, std::string_view path) {
  json::object* at = &object;
  for (;;) {
    const auto dot = path.find('.');
    json::value& next = (*at)[path.substr(0, dot)];
    if (dot == std::string_view::npos) return next;
    at = next.is_object() ? &next.get_object() : &next.emplace_object();
    path.remove_prefix(dot + 1);
  }
}

/// It is there.
void erase_at(json::object& object, std::string_view path) {
  const auto dot = path.rfind('.');
  made_at(object, path.substr(0, dot)).get_object().erase(path.substr(dot + 1));
}

}  // namespace

std::string checked_volume_size(const std::string& text) {
  // Without a unit it would be bytes, which nobody means.
  const auto size = parse_quantity(text), least = parse_quantity("1Mi");
  if (size && !(*size < *least)) return text;
  throw Error({.code = "H0408",
               .category = Category::usage,
               .message = fmt::format("`{}` is no size of a volume", host::printable(text)),
               .help = "give --volume-size an amount as Kubernetes writes it: 10Gi"});
}

void set_volume(json::object& object, const VolumeDefaults& defaults) {
  const Paths paths = paths_of(object);
  if (paths.size.empty()) return;
  if (json::value& size = made_at(object, paths.size); size.is_null())
    size = defaults.size.value_or(std::string(default_volume_size));
  if (defaults.storage_class.empty()) return;
  if (json::value& name = made_at(object, paths.storage_class); name.is_null()) name = defaults.storage_class;
}

bool has_volume(const json::value& object) { return !paths_of(object).size.empty(); }

bool is_volume_size(const json::value& object, std::string_view path) {
  return has_volume(object) && path == "." + std::string(paths_of(object).size);
}

std::optional<std::string> larger_size(const json::value& object, const json::value& live) {
  const Paths paths = paths_of(object);
  if (paths.size.empty()) return std::nullopt;
  const json::value *ours = find(object, paths.size), *there = find(live, paths.size);
  const auto wanted = ours ? quantity_of(*ours) : std::nullopt, is = there ? quantity_of(*there) : std::nullopt;
  if (!wanted || !is || !(*wanted < *is)) return std::nullopt;
  return there->is_string() ? std::string(there->get_string()) : json::serialize(*there);
}

void keep_volume(json::value& object, const json::value& live, std::string_view manager) {
  const Paths paths = paths_of(object);
  if (paths.size.empty()) return;
  if (const auto size = larger_size(object, live)) made_at(object.get_object(), paths.size) = *size;

  const json::value* name = find(live, paths.storage_class);
  const bool ours = name && applied_by(live, manager).contains("." + std::string(paths.storage_class));
  if (ours) made_at(object.get_object(), paths.storage_class) = *name;
  else if (find(object, paths.storage_class)) erase_at(object.get_object(), paths.storage_class);
}

std::optional<std::string> storage_class_of(const json::value& object) {
  const Paths paths = paths_of(object);
  const json::value* name = paths.size.empty() ? nullptr : find(object, paths.storage_class);
  if (!name || !name->is_string()) return std::nullopt;
  return std::string(name->get_string());
}

}  // namespace harmony::k8s
