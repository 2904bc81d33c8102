#include "k8s/restored.hpp"

#include <boost/json.hpp>

#include "catch.hpp"
#include "k8s/values.hpp"

using namespace harmony::k8s;
namespace json = boost::json;

namespace {

constexpr auto every_key_is_known = [](std::string_view) { return true; };

json::value settings(std::string_view value) {
  return {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", "db"}}}, {"data", {{"conf", value}}}};
}

/// As it is in the cluster: `manager` has set its data, by an apply where it is harmony.
json::value live(std::string_view value, std::string_view manager, std::string_view time = "2026-01-01T00:00:00Z") {
  json::value object = settings(value);
  object.as_object()["metadata"] = {
      {"name", "db"},
      {"uid", "1"},
      {"managedFields", json::array{{{"manager", manager},
                                     {"operation", manager == "harmony" ? "Apply" : "Update"},
                                     {"apiVersion", "v1"},
                                     {"time", time},
                                     {"fieldsType", "FieldsV1"},
                                     {"fieldsV1", {{"f:data", {{"f:conf", json::object{}}}}}}}}}};
  return object;
}

std::string mark_of(const json::value& wanted, const json::value& there) {
  json::value object = wanted;
  mark_restored(object, there, "harmony", every_key_is_known);
  return std::string(restored_mark(object));
}

}  // namespace

TEST_CASE("what others have changed gets a mark when it is put back, the same each time it is looked at") {
  const std::string mark = mark_of(settings("a"), live("b", "kubectl-edit"));
  CHECK(mark.size() == 16);
  CHECK(mark == mark_of(settings("a"), live("b", "kubectl-edit")));
  CHECK(mark != mark_of(settings("a"), live("b", "kubectl-edit", "2026-01-01T00:00:01Z")));
}

TEST_CASE("what is ours gets none") {
  CHECK(mark_of(settings("a"), live("a", "harmony")).empty());
  CHECK(mark_of(settings("b"), live("a", "harmony")).empty());  // a new version
  CHECK(mark_of(settings("a"), live("a", "kubectl-edit")).empty());  // said by two
  json::value pending = settings("filler");
  CHECK_FALSE(mark_restored(pending, live("b", "kubectl-edit"), "harmony", [](std::string_view) { return false; }));
}

TEST_CASE("a mark stays, and another change makes another one") {
  json::value there = live("a", "harmony");
  there.at("metadata").as_object()["annotations"] = {{restored_annotation, "before"}};
  CHECK(mark_of(settings("a"), there) == "before");
  CHECK(mark_of(settings("b"), there) == "before");
  json::value changed = live("b", "kubectl-edit");
  const std::string first = mark_of(settings("a"), changed);
  changed.at("metadata").as_object()["annotations"] = {{restored_annotation, first}};
  CHECK(mark_of(settings("a"), changed) != first);
}

TEST_CASE("only what has pods is restarted") {
  json::value workload{{"kind", "Deployment"}, {"spec", {{"template", {{"metadata", {{"labels", {{"a", "b"}}}}}}}}}};
  json::value service{{"kind", "Service"}, {"spec", {{"selector", {{"a", "b"}}}}}};
  const json::value before = workload;
  CHECK_FALSE(restart_for(workload, {}));
  CHECK(workload == before);
  CHECK(restart_for(workload, {"1", "2"}));
  CHECK(annotation_of(*find(workload, "spec.template"), restored_annotation) == "1.2");
  CHECK_FALSE(restart_for(service, {"1"}));
  CHECK_FALSE(mark_restored(workload, before, "harmony", every_key_is_known));
}
