#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace guestbook {

/// The text as one printable line of at most 300 bytes: what comes from a server is data, not terminal control.
std::string one_line(std::string_view text);

/// Code points of valid UTF-8.
std::size_t count_characters(std::string_view utf8);

enum class LineBreaks { allowed, refused };

/// True when valid UTF-8 holds a control character (C0, DEL, C1); line feed and tab count as `breaks` says.
bool has_control_character(std::string_view utf8, LineBreaks breaks);

/// Without white space at both ends, and with CR LF turned into LF.
std::string tidy(std::string_view text);

/// The case of an error text: `Connection refused` becomes `connection refused`, `SSL error` stays.
std::string lower_first(std::string text);

}  // namespace guestbook
