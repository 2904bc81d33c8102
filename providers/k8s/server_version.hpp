#pragma once
/// Which release of Kubernetes an API server is of. Pure.
#include <string_view>

namespace harmony::k8s {

struct ServerVersion {
  int major = 0, minor = 0;
  auto operator<=>(const ServerVersion&) const = default;
};

/// Of what it says at /version; 0.0 where that cannot be read. Some vendors write `30+`.
ServerVersion server_version(std::string_view body);

}  // namespace harmony::k8s
