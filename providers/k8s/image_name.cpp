#include "k8s/image_name.hpp"

#include <regex>
#include <string>

namespace harmony::k8s {

namespace {

/// That of the reference package of the distribution project, which kubelets and registries share.
std::regex grammar() {
  const std::string part = "[a-z0-9]+(?:(?:\\.|__?|-+)[a-z0-9]+)*";
  const std::string label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
  const std::string registry = "(?:" + label + "(?:\\." + label + ")*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?";
  const std::string name = "(?:" + registry + "/)?" + part + "(?:/" + part + ")*";
  const std::string algorithm = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*";
  return std::regex(name + "(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@" + algorithm + ":[a-fA-F0-9]{32,})?",
                    std::regex::optimize);
}

}  // namespace

bool is_image_name(std::string_view name) {
  constexpr std::size_t longest = 512;  // a name has 255 at most, with 128 of a tag and a digest
  static const std::regex image = grammar();
  return name.size() <= longest && std::regex_match(name.begin(), name.end(), image);
}

}  // namespace harmony::k8s
