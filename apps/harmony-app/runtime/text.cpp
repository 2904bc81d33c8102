#include "text.hpp"

#include <algorithm>
#include <cctype>

namespace guestbook {
namespace {

/// C1 controls are U+0080..U+009F, in UTF-8 the byte C2 and then the code itself.
bool is_second_half_of_c1(std::string_view text, std::size_t index) {
  const auto byte = static_cast<unsigned char>(text[index]);
  return index > 0 && static_cast<unsigned char>(text[index - 1]) == 0xC2 && byte >= 0x80 && byte <= 0x9F;
}

bool is_continuation(char character) { return (static_cast<unsigned char>(character) & 0xC0) == 0x80; }

}  // namespace

std::string one_line(std::string_view text) {
  constexpr std::size_t longest = 300;
  std::string line;
  for (std::size_t index = 0; index < text.size(); ++index) {
    const auto byte = static_cast<unsigned char>(text[index]);
    if (is_second_half_of_c1(text, index)) {
      line.back() = ' ';
    } else {
      line += byte < 0x20 || byte == 0x7F ? ' ' : text[index];
    }
  }
  if (line.size() > longest) {
    std::size_t end = longest;
    while (end > 0 && is_continuation(line[end])) --end;
    line.resize(end);
    line += "...";
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

std::size_t count_characters(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return !is_continuation(c); }));
}

bool has_control_character(std::string_view utf8, LineBreaks breaks) {
  for (std::size_t index = 0; index < utf8.size(); ++index) {
    const auto byte = static_cast<unsigned char>(utf8[index]);
    if (breaks == LineBreaks::allowed && (byte == '\n' || byte == '\t')) continue;
    if (byte < 0x20 || byte == 0x7F || is_second_half_of_c1(utf8, index)) return true;
  }
  return false;
}

std::string tidy(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  text = text.substr(first, text.find_last_not_of(blank) - first + 1);
  std::string tidied;
  for (std::size_t index = 0; index < text.size(); ++index) {
    const bool before_line_feed = text[index] == '\r' && index + 1 < text.size() && text[index + 1] == '\n';
    if (!before_line_feed) tidied += text[index];
  }
  return tidied;
}

std::string lower_first(std::string text) {
  const bool is_word = text.size() > 1 && std::islower(static_cast<unsigned char>(text[1])) != 0;
  if (is_word) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

}  // namespace guestbook
