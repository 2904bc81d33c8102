#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace harmony::k8s {

/// Standard alphabet with padding; line breaks are skipped. Nothing where it is no base64.
std::optional<std::string> from_base64(std::string_view);
std::string to_base64(std::string_view);

}  // namespace harmony::k8s
