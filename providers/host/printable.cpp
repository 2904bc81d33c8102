#include "host/printable.hpp"

#include <cstdint>

namespace harmony::host {

namespace {

struct Character {
  std::uint32_t code = 0;
  std::size_t length = 0;  ///< in bytes; 0: not UTF-8
};

/// The first character of a text that is not empty. Overlong forms and surrogates are not UTF-8.
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {byte(0), 1};
  const std::size_t length = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < length) return {};
  std::uint32_t code = byte(0) & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {};
  return {code, length};
}

bool harmless(std::uint32_t code) {
  const auto within = [&](std::uint32_t first, std::uint32_t last) { return code >= first && code <= last; };
  if (code < 0x20 || within(0x7f, 0x9f)) return false;                       // control characters
  if (within(0x200b, 0x200f) || within(0x2028, 0x202e)) return false;        // zero width, separators, bidi
  if (within(0x2060, 0x206f) || code == 0xfeff || code == 0x61c) return false;
  return !within(0xe0000, 0xe007f);                                          // tags: text nobody sees
}

}  // namespace

std::string printable(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    const Character next = first_character(text);
    if (next.code == '\n' || next.code == '\r' || next.code == '\t') clean += ' ';
    else if (next.length == 0 || !harmless(next.code)) clean += '?';
    else clean += text.substr(0, next.length);
    text.remove_prefix(next.length == 0 ? 1 : next.length);
  }
  clean.erase(clean.find_last_not_of(' ') + 1);
  return clean;
}

}  // namespace harmony::host
