#include "k8s/environment.hpp"

#include <unistd.h>

#include <string_view>

namespace harmony::k8s {

Environment process_environment() {
  Environment made;
  for (char** each = ::environ; each && *each; ++each) {
    const std::string_view line = *each;
    const auto equals = line.find('=');
    if (equals != std::string_view::npos && equals != 0)
      made.variables.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return made;
}

}  // namespace harmony::k8s
