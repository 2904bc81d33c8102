#pragma once
/// Text for people: made safe, measured, cut, counted.
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace harmony::cli {

/// Without control and bidirectional characters and escape sequences; invalid UTF-8 becomes U+FFFD. Keeps line breaks.
std::string printable(std::string_view);
/// The same, on one line: line breaks and tabs become spaces.
std::string printable_line(std::string_view);

/// Columns on a terminal: wide characters count two, combining ones none. Expects printable text.
std::size_t width_of(std::string_view);
/// At most `columns` wide; what was cut is replaced by "…".
std::string cut(std::string_view, std::size_t columns);
/// Each line at most `columns` wide, broken between words where it can be and hung below its beginning; 0: as it is.
/// Escape sequences take no room.
std::string folded(std::string_view, std::size_t columns);
/// Filled with spaces on the right.
std::string padded(std::string_view, std::size_t columns);

/// One word of a shell's command line, quoted where it has to be.
std::string shell_word(std::string_view);

std::vector<std::string_view> lines_of_text(std::string_view);

/// "0.03 s", "6.8 s", "2 min 5 s".
std::string seconds_text(std::chrono::nanoseconds);
/// "1 check", "3 checks".
std::string counted(long count, std::string_view singular, std::string_view plural = {});
/// RFC 3339 in UTC -> "3 min ago"; the text itself where it is no such time.
std::string ago(std::string_view time, std::chrono::system_clock::time_point now);
/// RFC 3339, UTC; nothing where it is none.
std::optional<std::chrono::system_clock::time_point> time_of(std::string_view);
/// RFC 3339, UTC, with milliseconds.
std::string timestamp(std::chrono::system_clock::time_point);

}  // namespace harmony::cli
