#pragma once
/// Small texts that several parts of this primitive write or read.
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace harmony::host {

/// One word of a shell command, whatever it holds (but NUL).
std::string shell_word(std::string_view);
/// A command as people would type it: only words that need quotes have them.
std::string command_line(const std::vector<std::string>&);
/// A part of a URL, whatever it holds: all but letters, digits and -._~ as %XX.
std::string url_part(std::string_view);
/// "2026-11-23T10:00:00Z"
std::string rfc3339(std::chrono::system_clock::time_point);
/// "0700"
std::string octal(int mode);
/// "2 h 5 min", "14 s": the two largest units.
std::string duration_text(std::chrono::seconds);
/// "1 line", "2 lines"
std::string counted(int count, std::string_view singular);
/// Lines without their ends; an empty last one does not count.
std::vector<std::string> lines_of(std::string_view);

}  // namespace harmony::host
