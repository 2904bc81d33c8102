#include "k8s/field_set.hpp"

#include <algorithm>
#include <array>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "k8s/list_keys.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

bool is_step(std::string_view text, char kind) { return text.size() >= 2 && text[0] == kind && text[1] == ':'; }

json::value parsed(std::string_view text) {
  boost::system::error_code failed;
  json::value value = json::parse(json::string_view(text.data(), text.size()), failed);
  return failed ? json::value{} : value;
}

/// A copy of an object with its keys sorted, as Go writes maps.
json::object sorted(const json::object& object) {
  std::vector<std::string_view> names;
  for (const auto& entry : object) names.push_back(entry.key());
  std::ranges::sort(names);
  json::object copy;
  for (const std::string_view name : names) copy[name] = object.at(name);
  return copy;
}

void collect(const FieldSet& set, const std::string& path, std::vector<std::string>& paths) {
  if (set.is_member()) paths.push_back(path);
  for (const auto& [step, below] : set.children()) collect(below, path + step_text(step), paths);
}

bool contains_below(const FieldSet& set, std::string_view rest) {
  if (rest.empty()) return set.is_member();
  return std::ranges::any_of(set.children(), [&](const auto& child) {
    const std::string text = step_text(child.first);
    if (!rest.starts_with(text)) return false;
    const std::string_view after = rest.substr(text.size());
    // `.data.a` is no beginning of `.data.ab`.
    return (after.empty() || after[0] == '.' || after[0] == '[') && contains_below(child.second, after);
  });
}

bool shows(const FieldSet* shown, char kind) {
  return shown && std::ranges::any_of(shown->children(), [&](const auto& child) { return is_step(child.first, kind); });
}

/// The keys that an owned list was told apart by; none where it was not.
std::vector<std::string> shown_keys(const FieldSet* shown) {
  if (!shows(shown, 'k')) return {};
  const auto keyed =
      std::ranges::find_if(shown->children(), [](const auto& child) { return is_step(child.first, 'k'); });
  std::vector<std::string> names;
  const json::value key = parsed(std::string_view(keyed->first).substr(2));
  if (const json::object* object = key.if_object())
    for (const auto& entry : *object) names.emplace_back(entry.key());
  return names;
}

/// Walks a desired object and what is already owned of it side by side.
class Leaves {
 public:
  explicit Leaves(const json::value& desired) : built_in_(built_in(desired)), kind_(group_kind(desired)) {}

  void object(const json::object& object, std::string_view name, FieldSet& set, const FieldSet* shown) {
    for (const auto& [field, value] : object)
      if (!names_object(name, field)) this->field(value, field, set, shown);
  }

  void field(const json::value& value, std::string_view name, FieldSet& set, const FieldSet* shown) {
    const std::string step = "f:" + std::string(name);
    node(value, name, set.below(step), shown ? shown->find(step) : nullptr);
  }

 private:
  void node(const json::value& value, std::string_view field, FieldSet& set, const FieldSet* shown) {
    const json::object* object = value.if_object();
    const json::array* list = value.if_array();
    if (object && !object->empty() && !atomic_map(field, shown)) {
      // Maps of resources that keep unknown fields are owned themselves, too.
      if (shown && shown->is_member()) set.insert();
      this->object(*object, field, set, shown);
    } else if (list && !list->empty()) items(*list, field, set, shown);
    else set.insert();
  }

  /// A map whose fields are owned together. Where it is owned as one already, it is one.
  bool atomic_map(std::string_view field, const FieldSet* shown) const {
    if (shown && shown->is_member() && shown->children().empty()) return true;
    return built_in_ &&
           (field == "selector" || field.ends_with("Selector") || field.ends_with("Ref") ||
            field.ends_with("KeySelector")) &&
           field != "scaleTargetRef" && field != "nodeSelector";
  }

  void items(const json::array& list, std::string_view field, FieldSet& set, const FieldSet* shown) {
    const ListShape shape = built_in_ ? shape_of(kind_, field, list) : ListShape{};
    std::vector<std::string> kept = shown_keys(shown);
    std::vector<std::string_view> keys(kept.begin(), kept.end());
    if (keys.empty()) keys = shape.keys;
    const bool as_set = shows(shown, 'v') || (!shown && shape.kind == ListShape::Kind::set);
    if (as_set) return values(list, set);
    if (keys.empty() || (shown && !shows(shown, 'k') && !shown->empty())) return set.insert();
    for (const json::value& item : list) {
      const auto key = key_of(item, keys);
      if (!key || !item.is_object()) return set.insert();
      const std::string step = canonical_step("k:" + *key);
      FieldSet& below = set.below(step);
      below.insert();
      const FieldSet* seen = shown ? shown->find(step) : nullptr;
      const bool whole = seen ? seen->children().empty() : shape.whole_items;
      if (!whole) object(item.get_object(), {}, below, seen);
    }
  }

  static void values(const json::array& list, FieldSet& set) {
    for (const json::value& item : list) set.below("v:" + json::serialize(item)).insert();
  }

  bool built_in_;
  std::string kind_;
};

}  // namespace

FieldSet FieldSet::from_fields_v1(const json::value& fields) {
  FieldSet set;
  const json::object* object = fields.if_object();
  if (!object) return set;
  for (const auto& [step, below] : *object) {
    const std::string_view text = step;
    if (text == ".") set.member_ = true;
    else if (text.size() < 2 || text[1] != ':') continue;
    else {
      FieldSet& child = set.children_[canonical_step(text)];
      child = from_fields_v1(below);
      if (child.children_.empty()) child.member_ = true;
    }
  }
  return set;
}

json::value FieldSet::fields_v1() const {
  json::object object;
  if (member_ && !children_.empty()) object["."] = json::object{};
  for (const auto& [step, below] : children_) object[step] = below.fields_v1();
  return object;
}

const FieldSet* FieldSet::find(std::string_view step) const {
  const auto found = children_.find(step);
  return found == children_.end() ? nullptr : &found->second;
}

void FieldSet::add(const FieldSet& other) {
  member_ = member_ || other.member_;
  for (const auto& [step, below] : other.children_) children_[step].add(below);
}

FieldSet FieldSet::without(const FieldSet& other) const {
  FieldSet rest;
  rest.member_ = member_ && !other.member_;
  for (const auto& [step, below] : children_) {
    const FieldSet* taken = other.find(step);
    FieldSet left = taken ? below.without(*taken) : below;
    if (!left.empty()) rest.children_.emplace(step, std::move(left));
  }
  return rest;
}

std::vector<std::string> FieldSet::paths() const {
  std::vector<std::string> paths;
  collect(*this, {}, paths);
  return paths;
}

bool FieldSet::contains(std::string_view path) const { return !path.empty() && contains_below(*this, path); }

std::string step_text(std::string_view step) {
  if (is_step(step, 'f')) return "." + std::string(step.substr(2));
  if (is_step(step, 'v')) return "[=" + std::string(step.substr(2)) + "]";
  if (is_step(step, 'i')) return "[" + std::string(step.substr(2)) + "]";
  std::string text;
  const json::value key = parsed(step.substr(std::min<std::size_t>(2, step.size())));
  if (const json::object* object = key.if_object())
    for (const auto& [name, value] : *object)
      text += (text.empty() ? "" : ",") + std::string(name) + "=" + json::serialize(value);
  return "[" + text + "]";
}

std::string canonical_step(std::string_view step) {
  if (!is_step(step, 'k') && !is_step(step, 'v')) return std::string(step);
  const json::value value = parsed(step.substr(2));
  const std::string kind(step.substr(0, 2));
  if (const json::object* object = value.if_object()) return kind + json::serialize(sorted(*object));
  return value.is_null() ? std::string(step) : kind + json::serialize(value);
}

std::vector<Owner> owners_of(const json::value& live) {
  std::vector<Owner> owners;
  for (const json::value& entry : list_at(live, "metadata.managedFields")) {
    const json::value* fields = member(entry, "fieldsV1");
    owners.push_back({.manager = std::string(text_at(entry, "manager")),
                      .applied = text_at(entry, "operation") == "Apply",
                      .subresource = std::string(text_at(entry, "subresource")),
                      .version = std::string(text_at(entry, "apiVersion")),
                      .time = std::string(text_at(entry, "time")),
                      .fields = fields ? FieldSet::from_fields_v1(*fields) : FieldSet{}});
  }
  return owners;
}

FieldSet applied_by(const json::value& live, std::string_view manager) {
  FieldSet all;
  for (const Owner& owner : owners_of(live))
    if (owner.applied && owner.manager == manager && owner.subresource.empty()) all.add(owner.fields);
  return all;
}

bool names_object(std::string_view parent, std::string_view field) {
  static constexpr auto of_object = std::to_array<std::string_view>({"apiVersion", "kind"});
  static constexpr auto of_metadata = std::to_array<std::string_view>(
      {"name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"});
  if (parent == "/") return std::ranges::find(of_object, field) != of_object.end();
  return parent == "/metadata" && std::ranges::find(of_metadata, field) != of_metadata.end();
}

FieldSet fields_of(const json::value& desired, const FieldSet& shown) {
  FieldSet set;
  const json::object* object = desired.if_object();
  if (!object) return set;
  Leaves leaves(desired);
  for (const auto& [field, value] : *object) {
    if (names_object("/", field)) continue;
    if (field != "metadata" || !value.is_object()) {
      leaves.field(value, field, set, &shown);
      continue;
    }
    FieldSet metadata;
    leaves.object(value.get_object(), "/metadata", metadata, shown.find("f:metadata"));
    if (!metadata.empty()) set.below("f:metadata") = std::move(metadata);
  }
  return set;
}

}  // namespace harmony::k8s
