#pragma once
/// What the supervised wrote: s6-log's folders, `current` and its older parts `@…`, each line with its time in UTC.
#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/scope.hpp"
#include "host/descriptor.hpp"
#include "host/folder.hpp"
#include "host/status.hpp"

namespace harmony::host {

/// Relative to the state folder.
std::filesystem::path log_folder(const std::string& process);
/// Of the command that made a tree.
std::filesystem::path log_of_tree(const std::filesystem::path& tree);

struct LogLine {
  std::string_view stamp;  ///< "2026-11-23 10:00:00.123456789"; empty where the line has none
  std::string_view text;
};
LogLine parse_log_line(std::string_view);

/// How far a log was read. It stays in that file, whatever becomes of its name.
struct LogPlace {
  Descriptor file = {};  ///< reads on from there; empty where there is none yet
  ino_t inode = 0;
  static LogPlace beginning(const Folder&, const std::filesystem::path& folder);  ///< of the newest part
};

/// The last lines, printable, with their times; older parts are read where the newest has too few.
std::vector<std::string> last_lines(const Folder&, const std::filesystem::path& folder, std::size_t count,
                                    LogPlace& read_to);
/// Those since a time, without their times.
std::vector<std::string> last_lines_since(const Folder&, const std::filesystem::path& folder, std::size_t count,
                                          Time since);
/// Hands over what is written from there on, until the scope is stopped. @throws Stopped
void follow(const Scope&, const Folder&, const std::filesystem::path& folder, LogPlace from,
            const std::function<void(std::string_view line)>&);

}  // namespace harmony::host
