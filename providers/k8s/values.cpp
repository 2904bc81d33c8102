#include "k8s/values.hpp"

#include <algorithm>
#include <array>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace harmony::k8s {

namespace json = boost::json;

namespace {

/// Groups of the API server itself. Others end with .k8s.io, too, but are custom resources (gateway.networking.k8s.io).
constexpr auto own_groups = std::to_array<std::string_view>({"",
                                                             "admissionregistration.k8s.io",
                                                             "apiextensions.k8s.io",
                                                             "apiregistration.k8s.io",
                                                             "apps",
                                                             "authentication.k8s.io",
                                                             "authorization.k8s.io",
                                                             "autoscaling",
                                                             "batch",
                                                             "certificates.k8s.io",
                                                             "coordination.k8s.io",
                                                             "discovery.k8s.io",
                                                             "events.k8s.io",
                                                             "flowcontrol.apiserver.k8s.io",
                                                             "networking.k8s.io",
                                                             "node.k8s.io",
                                                             "policy",
                                                             "rbac.authorization.k8s.io",
                                                             "resource.k8s.io",
                                                             "scheduling.k8s.io",
                                                             "storage.k8s.io"});

std::string_view text_of(const json::value* found) {
  const json::string* text = found ? found->if_string() : nullptr;
  return text ? std::string_view(*text) : std::string_view{};
}

}  // namespace

const json::value* member(const json::value& value, std::string_view name) {
  const json::object* object = value.if_object();
  return object ? object->if_contains(name) : nullptr;
}

const json::value* member(const json::value* value, std::string_view name) {
  return value ? member(*value, name) : nullptr;
}

const json::value* find(const json::value& value, std::string_view path) {
  const json::value* found = &value;
  while (found && !path.empty()) {
    const auto dot = path.find('.');
    found = member(found, path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
  }
  return found;
}

std::string_view text_at(const json::value& value, std::string_view path) { return text_of(find(value, path)); }

std::optional<std::int64_t> number_at(const json::value& value, std::string_view path) {
  const json::value* found = find(value, path);
  const std::int64_t* number = found ? found->if_int64() : nullptr;
  return number ? std::optional{*number} : std::nullopt;
}

bool true_at(const json::value& value, std::string_view path) {
  const json::value* found = find(value, path);
  const bool* flag = found ? found->if_bool() : nullptr;
  return flag && *flag;
}

const json::array& list_at(const json::value& value, std::string_view path) {
  static const json::array none;
  const json::value* found = find(value, path);
  const json::array* list = found ? found->if_array() : nullptr;
  return list ? *list : none;
}

const json::object& object_at(const json::value& value, std::string_view path) {
  static const json::object none;
  const json::value* found = find(value, path);
  const json::object* object = found ? found->if_object() : nullptr;
  return object ? *object : none;
}

json::object& child(json::object& of, std::string_view name) {
  json::value& value = of[name];
  if (!value.is_object()) value.emplace_object();
  return value.get_object();
}

std::string_view name_of(const json::value& object) { return text_at(object, "metadata.name"); }

std::string_view label_of(const json::value& object, std::string_view label) {
  return text_of(member(find(object, "metadata.labels"), label));
}

std::string_view annotation_of(const json::value& object, std::string_view annotation) {
  return text_of(member(find(object, "metadata.annotations"), annotation));
}

std::string_view group_of(const json::value& object) {
  const std::string_view version = text_at(object, "apiVersion");
  const auto slash = version.find('/');
  return slash == std::string_view::npos ? std::string_view{} : version.substr(0, slash);
}

std::string group_kind(const json::value& object) {
  std::string text(group_of(object));
  if (!text.empty()) text += '/';
  return text += text_at(object, "kind");
}

bool built_in(const json::value& object) { return std::ranges::binary_search(own_groups, group_of(object)); }

}  // namespace harmony::k8s
