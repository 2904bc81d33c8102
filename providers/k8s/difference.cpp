#include "k8s/difference.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "host/diff.hpp"
#include "host/printable.hpp"
#include "k8s/base64.hpp"
#include "k8s/list_keys.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

constexpr auto of_server =
    std::to_array<std::string_view>({"creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp",
                                     "generation", "managedFields", "resourceVersion", "selfLink", "uid"});
constexpr std::string_view last_applied = "kubectl.kubernetes.io/last-applied-configuration";

/// `.image`, `["nginx.conf"]`: what has dots or other signs of its own is quoted.
std::string step(std::string_view field) {
  const bool plain =
      std::ranges::all_of(field, [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; });
  return plain && !field.empty() ? "." + std::string(field) : "[\"" + host::printable(field) + "\"]";
}

std::string item_step(const json::value& item, const std::vector<std::string_view>& keys, std::size_t place) {
  if (keys.empty()) return fmt::format("[{}]", place);
  std::string text;
  for (const std::string_view key : keys) {
    const json::value* found = member(item, key);
    const json::string* name = found ? found->if_string() : nullptr;
    const std::string value = name    ? std::string(*name)
                              : found ? json::serialize(*found)
                                      : std::string(default_of_key(key));
    text += (text.empty() ? "" : ",") + std::string(key) + "=" + host::printable(value);
  }
  return "[" + text + "]";
}

/// Text as it is, anything else as JSON.
std::string plain(const json::value& value) {
  const json::string* text = value.if_string();
  return text ? std::string(*text) : json::serialize(value);
}

class Comparison {
 public:
  Comparison(const json::value& object, const Fingerprinter& fingerprinter)
      : kind_(group_kind(object)), secret_(kind_ == "Secret"), fingerprinter_(fingerprinter) {}

  void objects(const json::object& before, const json::object& after, const std::string& path) {
    for (const auto& [field, value] : after)
      if (!ignored(path, field)) values(before.if_contains(field), &value, path + step(field), field);
    for (const auto& [field, value] : before)
      if (!after.contains(field) && !ignored(path, field)) values(&value, nullptr, path + step(field), field);
  }

  std::vector<FieldChange> changes;

 private:
  static bool ignored(const std::string& path, std::string_view field) {
    if (path.empty()) return field == "status" || field == "apiVersion" || field == "kind";
    if (path != ".metadata") return false;
    if (field == "name" || field == "namespace") return true;  // which object it is, no field of it
    return std::ranges::find(of_server, field) != of_server.end();
  }

  /// `stringData` is what the server makes `data` of: one name for both.
  std::string shown_path(const std::string& path) const {
    constexpr std::string_view written = ".stringData";
    return secret_ && path.starts_with(written) ? "data" + path.substr(written.size()) : path.substr(1);
  }

  bool hidden(const std::string& path) const {
    return secret_ && (path.starts_with(".data") || path.starts_with(".stringData") ||
                       path.find(last_applied) != std::string::npos);
  }

  void values(const json::value* before, const json::value* after, const std::string& path, std::string_view field) {
    if (before && after && *before == *after) return;
    static const json::object no_fields;
    static const json::array no_items;
    const json::object* old_fields = before ? before->if_object() : &no_fields;
    const json::object* new_fields = after ? after->if_object() : &no_fields;
    if (old_fields && new_fields && (!old_fields->empty() || !new_fields->empty()) && (before || after))
      return objects(*old_fields, *new_fields, path);
    const json::array* old_items = before ? before->if_array() : &no_items;
    const json::array* new_items = after ? after->if_array() : &no_items;
    if (old_items && new_items && of_objects(*old_items, *new_items)) return items(*old_items, *new_items, path, field);
    scalar(before, after, path);
  }

  static bool of_objects(const json::array& before, const json::array& after) {
    const auto object = [](const json::value& value) { return value.is_object(); };
    return (!before.empty() || !after.empty()) && std::ranges::all_of(before, object) &&
           std::ranges::all_of(after, object);
  }

  void items(const json::array& before, const json::array& after, const std::string& path, std::string_view field) {
    const auto keys = keys_to_show(kind_, field, before, after);
    const std::size_t known = changes.size();
    for (std::size_t i = 0; i < after.size(); ++i)
      values(same_item(before, after[i], keys, i), &after[i], path + item_step(after[i], keys, i), {});
    for (std::size_t i = 0; i < before.size(); ++i)
      if (!same_item(after, before[i], keys, i)) values(&before[i], nullptr, path + item_step(before[i], keys, i), {});
    // The same items in another order are a change, too: variables may build on those before them.
    if (known == changes.size()) add(path, names(before, keys), names(after, keys));
  }

  static const json::value* same_item(const json::array& items, const json::value& item,
                                      const std::vector<std::string_view>& keys, std::size_t place) {
    if (keys.empty()) return place < items.size() ? &items[place] : nullptr;
    const auto key = key_of(item, keys);
    const auto found = std::ranges::find_if(items, [&](const json::value& one) { return key_of(one, keys) == key; });
    return found == items.end() ? nullptr : &*found;
  }

  static std::string names(const json::array& items, const std::vector<std::string_view>& keys) {
    std::string text;
    for (std::size_t i = 0; i < items.size(); ++i) text += item_step(items[i], keys, i);
    return text;
  }

  void scalar(const json::value* before, const json::value* after, const std::string& path) {
    if (hidden(path)) return add(path, fingerprint(path, before), fingerprint(path, after));
    const std::string old_text = before ? plain(*before) : "", new_text = after ? plain(*after) : "";
    if (old_text.find('\n') == std::string::npos && new_text.find('\n') == std::string::npos)
      return add(path, host::printable(old_text), host::printable(new_text));
    for (const FieldChange& line : host::line_changes(old_text, new_text))
      changes.push_back(
          {shown_path(path) + " " + line.path, host::printable(line.before), host::printable(line.after)});
  }

  void add(const std::string& path, std::string before, std::string after) {
    if (before != after) changes.push_back({shown_path(path), std::move(before), std::move(after)});
  }

  /// Of the value itself, so that `data` and `stringData` of one password look alike.
  std::string fingerprint(const std::string& path, const json::value* value) const {
    if (!value) return {};
    const std::string text = plain(*value);
    const auto bytes = path.starts_with(".data") ? from_base64(text) : std::optional{text};
    return "fingerprint " + fingerprinter_.of(bytes.value_or(text));
  }

  std::string kind_;
  bool secret_;
  const Fingerprinter& fingerprinter_;
};

}  // namespace

std::string field_path(std::initializer_list<std::string_view> fields) {
  std::string path;
  for (const std::string_view field : fields) path += step(field);
  return path.substr(1);
}

std::vector<FieldChange> field_changes(const json::value* live, const json::value& result,
                                       const Fingerprinter& fingerprinter) {
  static const json::object none;
  const json::object* before = live ? live->if_object() : &none;
  const json::object* after = result.if_object();
  if (!before || !after) return {};
  Comparison comparison(result, fingerprinter);
  comparison.objects(*before, *after, {});
  return std::move(comparison.changes);
}

Change object_change(Subject subject, const json::value* live, const json::value& result,
                     const Fingerprinter& fingerprinter) {
  Change change{.subject = std::move(subject), .fields = field_changes(live, result, fingerprinter)};
  if (!live) {
    change.action = Action::create;
    return change;
  }
  change.identity = text_at(*live, "metadata.uid");
  if (change.fields.empty()) return change;
  const auto immutable = immutable_changes(*live, result);
  change.action = immutable.empty() ? Action::update : Action::replace;
  if (!immutable.empty()) change.reason = fmt::format("`{}` cannot be changed in place", immutable.front());
  change.effect = effect_of(*live, result);
  return change;
}

}  // namespace harmony::k8s
