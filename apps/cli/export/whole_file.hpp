#pragma once
/// Writing files that are named on the command line.
#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace harmony::cli {

struct NotWritten {
  std::string_view what;  ///< could not be done: "rename a file to"
  int error;              ///< an errno
};

/// Beside, flushed, renamed: a reader finds the old file or the new one, whole. Symbolic links stay, and what is no
/// regular file (a pipe, /dev/stdout) is written to. @returns what went wrong.
std::optional<NotWritten> write_file(const std::string& path, std::string_view content, mode_t mode);

/// @returns false, with errno, where not all could be written.
bool write_whole(int descriptor, std::string_view content);

}  // namespace harmony::cli
