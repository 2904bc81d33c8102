#include "harmony/utf8.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace harmony {

Character first_character(std::string_view text) {
  constexpr Character broken{0xfffd, 1, false};
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t length = lead >= 0xf0 && lead < 0xf5   ? 4
                             : lead >= 0xe0 && lead < 0xf0 ? 3
                             : lead >= 0xc2 && lead < 0xe0 ? 2
                                                           : 0;
  if (length == 0 || text.size() < length) return broken;
  char32_t code = lead & (0xff >> (length + 1));
  for (std::size_t at = 1; at < length; ++at) {
    if ((byte(at) & 0xc0) != 0x80) return broken;
    code = (code << 6) | (byte(at) & 0x3f);
  }
  constexpr std::array<char32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
  if (code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return broken;
  return {code, length, true};
}

bool harmful(char32_t code) {
  static constexpr std::pair<char32_t, char32_t> ranges[] = {
      {0x00, 0x09},     {0x0b, 0x1f},     {0x7f, 0x9f},     {0x61c, 0x61c},   {0x180e, 0x180e},  {0x200b, 0x200f},
      {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};
  return std::ranges::any_of(ranges, [&](const auto& range) { return code >= range.first && code <= range.second; });
}

std::string valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const Character next = first_character(text);
    valid += next.valid ? text.substr(0, next.length) : std::string_view("\xef\xbf\xbd");
    text.remove_prefix(next.length);
  }
  return valid;
}

std::string harmless_json(std::string json) {
  const auto to_look_at = [](char c) { return static_cast<unsigned char>(c) >= 0x7f; };  // all before is escaped in it
  if (std::ranges::none_of(json, to_look_at)) return json;
  std::string harmless;
  harmless.reserve(json.size());
  for (std::string_view rest = json; !rest.empty();) {
    const Character next = first_character(rest);
    const auto escape = [&](char32_t unit) {
      fmt::format_to(std::back_inserter(harmless), "\\u{:04x}", static_cast<unsigned>(unit));
    };
    if (!next.valid || !harmful(next.code)) {
      harmless += rest.substr(0, next.length);
    } else if (next.code < 0x10000) {
      escape(next.code);
    } else {  // two halves, as JSON has it
      escape(0xd800 + ((next.code - 0x10000) >> 10));
      escape(0xdc00 + (next.code & 0x3ff));
    }
    rest.remove_prefix(next.length);
  }
  return harmless;
}

}  // namespace harmony
