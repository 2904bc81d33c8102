#pragma once
#include <string>
#include <string_view>

namespace harmony::cli {

/// As `write_file` does, for its owner alone. @throws Error H0514
void write_privately(const std::string& path, std::string_view content);

}  // namespace harmony::cli
