#pragma once
#include <string>
#include <string_view>

namespace harmony::cli {

/// Writes a file that anybody may read (0644): beside, flushed, renamed, so that a reader finds the old one or the new
/// one, whole. Symbolic links stay, and what is no regular file (a pipe, /dev/stdout) is written to. @throws Error H0704
void publish_file(const std::string& path, std::string_view content);

/// Takes it away; fine where there is none, or where it was written to in place. @throws Error H0704
void unpublish_file(const std::string& path);

}  // namespace harmony::cli
