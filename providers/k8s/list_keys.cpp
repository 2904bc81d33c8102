#include "k8s/list_keys.hpp"

#include <algorithm>
#include <array>
#include <set>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

struct Row {
  std::string_view field;
  std::string_view first = {}, second = {};  ///< keys, sorted; none: a set of scalars
};

/// The x-kubernetes-list-map-keys of the built-in kinds. `ports` has two shapes and is told apart below; a list that has
/// another shape in another kind (`secrets`, `rules`, `items`, `versions`) is left out, and with that atomic.
constexpr auto rows = std::to_array<Row>({
    {"conditions", "type"},
    {"containerStatuses", "name"},
    {"containers", "name"},
    {"env", "name"},
    {"ephemeralContainers", "name"},
    {"finalizers"},
    {"hostAliases", "ip"},
    {"imagePullSecrets", "name"},
    {"initContainers", "name"},
    {"matchConditions", "name"},
    {"ownerReferences", "uid"},
    {"resourceClaims", "name"},
    {"schedulingGates", "name"},
    {"topologySpreadConstraints", "topologyKey", "whenUnsatisfiable"},
    {"volumeDevices", "devicePath"},
    {"volumeMounts", "mountPath"},
    {"volumes", "name"},
    {"webhooks", "name"},
});

bool every_item_has(const json::array& items, std::string_view field) {
  return !items.empty() && std::ranges::all_of(items, [&](const json::value& item) { return member(item, field); });
}

bool none_twice(const json::array& items, const std::vector<std::string_view>& keys) {
  std::set<std::string> seen;
  return std::ranges::all_of(items, [&](const json::value& item) {
    const auto key = key_of(item, keys);
    return key && seen.insert(*key).second;
  });
}

}  // namespace

ListShape shape_of(std::string_view group_kind, std::string_view field, const json::array& items) {
  using Kind = ListShape::Kind;
  // Two kinds in which a name has another shape than everywhere else.
  if (group_kind == "ServiceAccount" && field == "secrets") return {Kind::keyed, {"name"}, true};
  if (group_kind == "ServiceAccount" || group_kind == "discovery.k8s.io/EndpointSlice") return {};
  if (field == "ports" && every_item_has(items, "containerPort")) return {Kind::keyed, {"containerPort", "protocol"}};
  if (field == "ports" && every_item_has(items, "port")) return {Kind::keyed, {"port", "protocol"}};
  const auto row = std::ranges::find(rows, field, &Row::field);
  if (row == rows.end()) return {};
  if (row->first.empty()) return {Kind::set};
  if (row->second.empty()) return {Kind::keyed, {row->first}};
  return {Kind::keyed, {row->first, row->second}};
}

std::string_view default_of_key(std::string_view key) { return key == "protocol" ? "TCP" : ""; }

std::vector<std::string_view> keys_to_show(std::string_view group_kind, std::string_view field,
                                           const json::array& before, const json::array& after) {
  const ListShape shape = shape_of(group_kind, field, after.empty() ? before : after);
  const std::vector<std::string_view> by_name{"name"};
  for (const auto& keys : {shape.keys, by_name})
    if (!keys.empty() && none_twice(before, keys) && none_twice(after, keys)) return keys;
  return {};
}

std::optional<std::string> key_of(const json::value& item, const std::vector<std::string_view>& keys) {
  json::object key;
  for (const std::string_view name : keys) {
    const json::value* found = member(item, name);
    if (found && !found->is_structured()) key[name] = *found;
    else if (!found && !default_of_key(name).empty()) key[name] = default_of_key(name);
    else return std::nullopt;
  }
  return json::serialize(key);
}

}  // namespace harmony::k8s
