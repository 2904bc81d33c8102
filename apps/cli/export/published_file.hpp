#pragma once
#include <string>
#include <string_view>

namespace harmony::cli {

/// As `write_file` does, for anybody to read. @throws Error H0704
void publish_file(const std::string& path, std::string_view content);

/// Takes it away; fine where there is none, or where it was written to in place. @throws Error H0704
void unpublish_file(const std::string& path);

}  // namespace harmony::cli
