#include "k8s/volume_size.hpp"

#include <algorithm>

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

using Names = std::initializer_list<std::string_view>;

/// The object that has the field, and the field's name; nothing where the object is no volume's.
struct Field {
  json::object* holder = nullptr;
  std::string_view name;
};

json::object* down(json::object& from, Names names) {
  json::object* at = &from;
  for (const std::string_view name : names) {
    json::value& next = (*at)[name];
    if (next.is_null()) next.emplace_object();
    at = next.if_object();
    if (!at) return nullptr;
  }
  return at;
}

Field size_in(json::object& object) {
  const auto text = [&](std::string_view name) {
    const json::value* found = object.if_contains(name);
    return found && found->is_string() ? std::string_view(found->get_string()) : std::string_view();
  };
  const std::string_view kind = text("kind");
  if (kind == "PersistentVolumeClaim") return {down(object, {"spec", "resources", "requests"}), "storage"};
  if (kind == cloud_native_pg_cluster.kind && text("apiVersion").starts_with(cloud_native_pg_cluster.group + "/"))
    return {down(object, {"spec", "storage"}), "size"};
  return {};
}

std::string_view path_of_size(const json::value& object) {
  return is_cloud_native_pg(object) ? "spec.storage.size" : "spec.resources.requests.storage";
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
  const Field field = size_in(object);
  if (field.holder && !field.holder->contains(field.name)) (*field.holder)[field.name] = size;
}

void keep_volume_size(json::value& object, const json::value& live) {
  const Field field = size_in(object.get_object());
  if (!field.holder) return;
  const json::value* there = find(live, path_of_size(live));
  const auto wanted = quantity_of((*field.holder)[field.name]), is = there ? quantity_of(*there) : std::nullopt;
  if (wanted && is && *wanted < *is) (*field.holder)[field.name] = *there;
}

}  // namespace harmony::k8s
