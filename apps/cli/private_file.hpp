#pragma once
#include <string>
#include <string_view>

namespace harmony::cli {

/// Writes a file that only its owner may read: beside, flushed, renamed; whole or not there. Symbolic links
/// stay, and what is no regular file (a pipe, /dev/stdout) is written to. @throws Error H0514
void write_privately(const std::string& path, std::string_view content);

}  // namespace harmony::cli
