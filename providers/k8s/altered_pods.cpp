#include "k8s/altered_pods.hpp"

#include <algorithm>
#include <initializer_list>
#include <vector>

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "host/printable.hpp"
#include "k8s/field_set.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

bool owns(const Owner& owner, std::initializer_list<std::string> steps) {
  const FieldSet* at = &owner.fields;
  for (const std::string& step : steps)
    if (at = at->find(step); !at) return false;
  return true;
}

const json::value* named_in(const json::array& containers, std::string_view name) {
  const auto found = std::ranges::find(containers, name, [](const json::value& one) { return text_at(one, "name"); });
  return found == containers.end() ? nullptr : &*found;
}

/// Who has set the image of this container, where that is not who has made the pod.
std::optional<std::string> stranger(const json::value& pod, std::string_view container) {
  const std::string step = canonical_step("k:{\"name\":" + json::serialize(json::string(container)) + "}");
  const auto owners = owners_of(pod);
  const auto maker = std::ranges::find_if(owners, [](const Owner& one) {
    return one.subresource.empty() && owns(one, {"f:metadata", "f:ownerReferences"});
  });
  const auto setter = std::ranges::find_if(
      owners, [&](const Owner& one) { return owns(one, {"f:spec", "f:containers", step, "f:image"}); });
  if (maker == owners.end() || setter == owners.end() || maker->manager == setter->manager) return std::nullopt;
  return setter->manager;
}

}  // namespace

std::string Alteration::text() const {
  return fmt::format("pod `{}` runs `{}`, which `{}` has set", pod, image, manager);
}

std::optional<Alteration> alteration_of(const json::value& pod, const json::value& workload) {
  const json::array& made = list_at(workload, "spec.template.spec.containers");
  for (const json::value& container : list_at(pod, "spec.containers")) {
    const std::string_view name = text_at(container, "name"), image = text_at(container, "image");
    const json::value* wanted = named_in(made, name);
    if (!wanted || text_at(*wanted, "image") == image) continue;
    if (const auto by = stranger(pod, name))
      return Alteration{host::printable(name_of(pod)), host::printable(name), host::printable(image),
                        host::printable(*by)};
  }
  return std::nullopt;
}

}  // namespace harmony::k8s
