#pragma once
#include <string_view>

namespace harmony::cli {

/// Of Harmony: "0.1.0".
extern const std::string_view harmony_version;

}  // namespace harmony::cli
