#include "k8s/label_selector.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

bool holds(const json::value& expression, const json::object& labels) {
  const std::string_view key = text_at(expression, "key"), relation = text_at(expression, "operator");
  const json::value* label = labels.if_contains(key);
  const bool is_one_of = label && std::ranges::count(list_at(expression, "values"), *label) > 0;
  if (relation == "In") return is_one_of;
  if (relation == "NotIn") return !is_one_of;
  if (relation == "Exists") return label != nullptr;
  return relation == "DoesNotExist" && !label;
}

}  // namespace

bool selects(const json::value& selector, const json::object& labels) {
  const bool all_equal = std::ranges::all_of(object_at(selector, "matchLabels"), [&](const auto& wanted) {
    const json::value* label = labels.if_contains(wanted.key());
    return label && *label == wanted.value();
  });
  return all_equal && std::ranges::all_of(list_at(selector, "matchExpressions"),
                                          [&](const json::value& one) { return holds(one, labels); });
}

}  // namespace harmony::k8s
