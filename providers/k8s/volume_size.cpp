#include "k8s/volume_size.hpp"

#include <fmt/format.h>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "harmony/error.hpp"
#include "host/printable.hpp"
#include "k8s/cloud_native_pg.hpp"
#include "k8s/quantity.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

/// Where an object says how large its volume is; empty where it has none.
std::string_view path_of_size(const json::value& object) {
  if (is_cloud_native_pg(object)) return "spec.storage.size";
  return group_kind(object) == "PersistentVolumeClaim" ? "spec.resources.requests.storage" : "";
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

void set_volume_size(json::object& object, std::string_view size) {
  const std::string_view path = path_of_size(object);
  if (path.empty()) return;
  if (json::value& field = made_at(object, path); field.is_null()) field = size;
}

void keep_volume_size(json::value& object, const json::value& live) {
  const std::string_view path = path_of_size(object);
  if (path.empty()) return;
  const json::value *ours = find(object, path), *there = find(live, path);
  const auto wanted = ours ? quantity_of(*ours) : std::nullopt, is = there ? quantity_of(*there) : std::nullopt;
  if (wanted && is && *wanted < *is) made_at(object.get_object(), path) = *there;
}

}  // namespace harmony::k8s
