#include "k8s/restored.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/json.hpp>

#include "host/hash.hpp"
#include "k8s/field_set.hpp"
#include "k8s/object.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

/// Who else has set data, and since when.
std::string others_of_data(const json::value& live, std::string_view manager) {
  std::string others;
  for (const Owner& owner : owners_of(live))
    if (owner.fields.find("f:data") && !(owner.applied && owner.manager == manager))
      others += fmt::format("{} {}\n", owner.manager, owner.time);
  return others;
}

bool was_changed(const json::value& object, const json::value& live, std::string_view manager,
                 const std::function<bool(std::string_view)>& is_known) {
  const FieldSet applied = applied_by(live, manager);
  const FieldSet* ours = applied.find("f:data");
  const json::object &wanted = object_at(object, "data"), &there = object_at(live, "data");
  return std::ranges::any_of(wanted, [&](const auto& one) {
    const json::value* now = there.if_contains(one.key());
    return is_known(one.key()) && now && *now != one.value() && !(ours && ours->find("f:" + std::string(one.key())));
  });
}

}  // namespace

std::string_view restored_mark(const json::value& object) { return annotation_of(object, restored_annotation); }

bool mark_restored(json::value& object, const json::value& live, std::string_view manager,
                   const std::function<bool(std::string_view)>& is_known) {
  const std::string_view kind = text_at(object, "kind");
  if (kind != "ConfigMap" && kind != "Secret") return false;
  std::string mark{restored_mark(live)};
  // The same in a plan and in its deploy, another one each time, and nothing that tells of a Secret's values.
  if (was_changed(object, live, manager, is_known))
    mark =
        host::sha256(mark + std::string(text_at(live, "metadata.uid")) + others_of_data(live, manager)).substr(0, 16);
  if (mark.empty()) return false;
  child(child(object.get_object(), "metadata"), "annotations")[restored_annotation] = mark;
  return true;
}

bool restart_for(json::value& object, const std::vector<std::string>& marks) {
  if (marks.empty() || !find(object, "spec.template.metadata")) return false;
  child(child(child(child(object.get_object(), "spec"), "template"), "metadata"), "annotations")[restored_annotation] =
      fmt::format("{}", fmt::join(marks, "."));
  return true;
}

}  // namespace harmony::k8s
