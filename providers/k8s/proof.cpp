#include "k8s/proof.hpp"

#include <algorithm>
#include <array>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "k8s/base64.hpp"
#include "k8s/field_set.hpp"
#include "k8s/list_keys.hpp"
#include "k8s/quantity.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

using Why = Doubt::Why;

/// Maps of amounts in the built-in kinds: the server stores them in one way of writing.
bool holds_quantities(std::string_view field) {
  static constexpr auto maps = std::to_array<std::string_view>({"limits", "requests", "hard", "capacity"});
  return std::ranges::find(maps, field) != maps.end();
}

/// What the server does not store in a built-in kind, where the field is no pointer.
bool is_zero(const json::value& value) {
  if (value.is_null()) return true;
  if (const bool* flag = value.if_bool()) return !*flag;
  if (const std::int64_t* number = value.if_int64()) return *number == 0;
  if (const json::string* text = value.if_string()) return text->empty();
  if (const json::array* list = value.if_array()) return list->empty();
  const json::object* object = value.if_object();
  return object && object->empty();
}

/// What the server fills in inside of fields that have one owner, where the item does not say it.
struct Default {
  std::string_view kind, leaf, field, value;
};
constexpr auto defaults = std::to_array<Default>({
    {"", "fieldRef", "apiVersion", "v1"},
    {"admissionregistration.k8s.io/MutatingWebhookConfiguration", "rules", "scope", "*"},
    {"admissionregistration.k8s.io/ValidatingWebhookConfiguration", "rules", "scope", "*"},
    {"networking.k8s.io/NetworkPolicy", "egress", "protocol", "TCP"},
    {"networking.k8s.io/NetworkPolicy", "ingress", "protocol", "TCP"},
});

std::string_view text_of(const json::value& value) {
  const json::string* text = value.if_string();
  return text ? std::string_view(*text) : std::string_view{};
}

/// Walks what is wanted, what is there and what we own (the raw fieldsV1) side by side. Steps become text only where
/// there is a doubt, so that ten thousand objects are proven in the time of reading them.
class Prover {
 public:
  Prover(const json::value& desired, const json::value& live)
      : built_in_(built_in(desired)), kind_(group_kind(desired)), live_(live) {}

  void object(const json::object& wanted, const json::object& live, const json::object& owned, std::string_view name) {
    std::size_t used = owned.contains(".") ? 1 : 0;
    for (const auto& [field, value] : wanted) {
      if (names_object(name, field)) continue;
      const std::string step = "f:" + std::string(field);
      const json::value* ours = owned.if_contains(step);
      const Step here(*this, step);
      if (!ours || !ours->is_object()) {
        if (!only_names(field, value)) doubt(Why::not_owned);
        continue;
      }
      ++used;
      if (kind_ == "Secret" && path_.size() == 1 && field == "stringData") string_data(value, ours->get_object());
      else this->field(value, live.if_contains(field), ours->get_object(), field, name);
    }
    if (used == owned.size()) return;
    for (const auto& [step, ours] : owned) {
      const std::string_view text = step;
      if (text == "." || (text.starts_with("f:") && wanted.contains(text.substr(2)))) continue;
      const Step here(*this, text);
      doubt(Why::given_up);
    }
  }

  std::vector<Doubt> doubts;

 private:
  /// Where the walk is, for as long as it is there.
  struct Step {
    Step(Prover& prover, std::string_view step) : path(prover.path_) { path.push_back(step); }
    ~Step() { path.pop_back(); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;
    std::vector<std::string_view>& path;
  };

  void doubt(Why why) {
    std::string text;
    for (const std::string_view step : path_) text += step_text(step);
    doubts.push_back({std::move(text), why});
  }

  /// Metadata without labels or annotations: there is nothing in it that could be owned.
  bool only_names(std::string_view field, const json::value& value) const {
    return path_.size() == 1 && field == "metadata" && value.is_object() &&
           std::ranges::all_of(value.get_object(),
                               [](const auto& one) { return names_object("/metadata", one.key()); });
  }

  void field(const json::value& wanted, const json::value* live, const json::object& owned, std::string_view name,
             std::string_view parent) {
    if (owned.empty()) return leaf(wanted, live, name, parent);
    const std::string_view first = owned.begin()->key() == "." && owned.size() > 1
                                       ? std::string_view((owned.begin() + 1)->key())
                                       : std::string_view(owned.begin()->key());
    if (!live) return doubt(Why::differs);
    if (first.starts_with("f:")) {
      if (!wanted.is_object() || !live->is_object()) return doubt(Why::differs);
      return object(wanted.get_object(), live->get_object(), owned,
                    name == "metadata" && path_.size() == 1 ? "/metadata" : name);
    }
    if (!wanted.is_array() || !live->is_array()) return doubt(Why::differs);
    if (first.starts_with("k:")) return items(wanted.get_array(), live->get_array(), owned);
    if (first.starts_with("v:")) return values(wanted.get_array(), live->get_array(), owned);
    doubt(Why::unreadable);
  }

  void leaf(const json::value& wanted, const json::value* live, std::string_view name, std::string_view parent) {
    if (!live) {
      // Ours and not there: the server has dropped what we said, and drops nothing but empty values.
      if (!built_in_ || !is_zero(wanted)) doubt(Why::differs);
      return;
    }
    if (wanted == *live) return;
    const bool amount = built_in_ && (holds_quantities(parent) || (parent == "emptyDir" && name == "sizeLimit"));
    if (amount && same_quantity(wanted, *live)) return;
    if (!built_in_ || !equal_with_defaults(wanted, *live, name)) doubt(Why::differs);
  }

  bool equal_with_defaults(const json::value& wanted, const json::value& live, std::string_view leaf) const {
    if (wanted == live) return true;
    const json::array* items = wanted.if_array();
    const json::array* stored_items = live.if_array();
    if (items && stored_items)
      return std::ranges::equal(*items, *stored_items, [&](const json::value& one, const json::value& other) {
        return equal_with_defaults(one, other, leaf);
      });
    const json::object* fields = wanted.if_object();
    const json::object* stored = live.if_object();
    return fields && stored &&
           std::ranges::all_of(*fields, [&](const auto& one) { return stored->contains(one.key()); }) &&
           std::ranges::all_of(*stored, [&](const auto& one) {
             const json::value* said = fields->if_contains(one.key());
             return said ? equal_with_defaults(*said, one.value(), leaf) : is_default(leaf, one.key(), one.value());
           });
  }

  bool is_default(std::string_view leaf, std::string_view field, const json::value& value) const {
    return std::ranges::any_of(defaults, [&](const Default& one) {
      return one.leaf == leaf && one.field == field && one.value == text_of(value) &&
             (one.kind.empty() || one.kind == kind_);
    });
  }

  /// The server keeps it as `data`, where nobody but this says what it has to be.
  void string_data(const json::value& wanted, const json::object& owned) {
    if (!wanted.is_object()) return doubt(Why::unreadable);
    for (const auto& [key, value] : wanted.get_object()) {
      const std::string step = "f:" + std::string(key);
      const Step here(*this, step);
      const json::value* stored = member(find(live_, "data"), key);
      if (!owned.contains(step)) doubt(Why::not_owned);
      else if (!stored || !value.is_string() || to_base64(text_of(value)) != text_of(*stored)) doubt(Why::differs);
    }
    if (owned.size() != wanted.get_object().size()) doubt(Why::given_up);
  }

  void items(const json::array& wanted, const json::array& live, const json::object& owned) {
    const std::vector<OwnedItem> ours = owned_items(owned);
    std::vector<bool> used(ours.size());
    std::size_t last = 0;
    for (const json::value& item : wanted) {
      const auto found = std::ranges::find_if(ours, [&](const OwnedItem& one) { return one.is(item); });
      if (found == ours.end()) {
        doubt(Why::not_owned);
        continue;
      }
      const auto index = static_cast<std::size_t>(found - ours.begin());
      const Step here(*this, found->step);
      if (used[index]) return doubt(Why::unreadable);  // two items of one key: nobody knows which is meant
      used[index] = true;
      const auto there = std::ranges::find_if(live, [&](const json::value& one) { return found->is(one); });
      if (there == live.end() || !item.is_object() || !found->fields) {
        doubt(Why::differs);
        continue;
      }
      const auto place = static_cast<std::size_t>(there - live.begin()) + 1;
      if (place <= last) doubt(Why::order);
      last = std::max(last, place);
      if (!found->fields->empty()) object(item.get_object(), there->get_object(), *found->fields, {});
      else if (item != *there) doubt(Why::differs);
    }
    for (std::size_t i = 0; i < ours.size(); ++i) {
      if (used[i]) continue;
      const Step here(*this, ours[i].step);
      doubt(Why::given_up);
    }
  }

  struct OwnedItem {
    std::string_view step;
    json::value key;
    const json::object* fields = nullptr;  ///< nothing: it cannot be read
    /// A key field that an item leaves out has the schema's default.
    bool is(const json::value& item) const {
      const json::object* keys = key.if_object();
      return keys && item.is_object() && !keys->empty() && std::ranges::all_of(*keys, [&](const auto& one) {
               const json::value* said = item.get_object().if_contains(one.key());
               if (said) return *said == one.value();
               const std::string_view standard = default_of_key(one.key());
               return !standard.empty() && text_of(one.value()) == standard;
             });
    }
  };

  static std::vector<OwnedItem> owned_items(const json::object& owned) {
    std::vector<OwnedItem> items;
    for (const auto& [step, fields] : owned) {
      const std::string_view text = step;
      if (text == ".") continue;
      boost::system::error_code failed;
      json::value key = text.starts_with("k:") ? json::parse(step.substr(2), failed) : json::value{};
      items.push_back({text, failed ? json::value{} : std::move(key), fields.if_object()});
    }
    return items;
  }

  /// A set of scalars: each is there, and in the same order.
  void values(const json::array& wanted, const json::array& live, const json::object& owned) {
    std::size_t last = 0, used = owned.contains(".") ? 1 : 0;
    for (const json::value& value : wanted) {
      const std::string step = "v:" + json::serialize(value);
      const Step here(*this, step);
      const auto ours = std::ranges::find_if(owned, [&](const auto& one) { return canonical_step(one.key()) == step; });
      if (ours == owned.end()) {
        doubt(Why::not_owned);
        continue;
      }
      ++used;
      const auto there = std::ranges::find(live, value);
      const auto place = static_cast<std::size_t>(there - live.begin()) + 1;
      if (there == live.end()) doubt(Why::differs);
      else if (place <= last) doubt(Why::order);
      last = std::max(last, place);
    }
    if (used != owned.size()) doubt(Why::given_up);
  }

  bool built_in_;
  std::string kind_;
  const json::value& live_;
  std::vector<std::string_view> path_;
};

/// The fieldsV1 of our applies. Empty where we have applied nothing that could be owned; nothing where it is of another
/// version of the API, whose paths may be others.
const json::object* applied_by(const json::value& live, std::string_view manager, std::string_view version) {
  static const json::object none;
  const json::object* found = &none;
  for (const json::value& entry : list_at(live, "metadata.managedFields")) {
    if (text_at(entry, "manager") != manager || text_at(entry, "operation") != "Apply") continue;
    if (!text_at(entry, "subresource").empty()) continue;
    const json::value* fields = member(entry, "fieldsV1");
    if (found != &none || !fields || text_at(entry, "apiVersion") != version) return nullptr;
    found = fields->if_object();
  }
  return found;
}

}  // namespace

std::string_view to_string(Doubt::Why why) {
  switch (why) {
    case Why::never_applied: return "not applied by this field manager";
    case Why::not_owned: return "not owned by this field manager";
    case Why::differs: return "another value";
    case Why::given_up: return "owned and no longer wanted";
    case Why::order: return "in another order";
    case Why::unreadable: return "cannot be compared";
  }
  return "?";
}

Proof prove_unchanged(const json::value& desired, const json::value& live, std::string_view manager) {
  const json::object* wanted = desired.if_object();
  const json::object* there = live.if_object();
  if (!wanted || !there || group_kind(desired) != group_kind(live)) return {{{"", Why::unreadable}}};
  const json::object* owned = applied_by(live, manager, text_at(desired, "apiVersion"));
  // An object that is going is not what anybody wants, and its uid is no longer worth a proof.
  if (!owned || find(live, "metadata.deletionTimestamp")) return {{{"", Why::never_applied}}};
  Prover prover(desired, live);
  prover.object(*wanted, *there, *owned, "/");
  if (owned->empty() && !prover.doubts.empty()) return {{{"", Why::never_applied}}};
  return {std::move(prover.doubts)};
}

}  // namespace harmony::k8s
