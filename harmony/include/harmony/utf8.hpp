#pragma once
/// Texts from elsewhere, character by character: what is none, and what harms who looks at it.
#include <cstddef>
#include <string>
#include <string_view>

namespace harmony {

struct Character {
  char32_t code;       ///< U+FFFD where the bytes are no UTF-8
  std::size_t length;  ///< in bytes
  bool valid;
};

/// The first one of a text that is not empty; overlong forms and surrogates are invalid.
Character first_character(std::string_view text);

/// Controls, and what turns the direction of writing around or hides text. A line break is none of them.
bool harmful(char32_t code);

/// `text` with each byte that is no valid UTF-8 replaced by U+FFFD: one odd name must not spoil a whole document.
std::string valid_utf8(std::string_view text);

/// A JSON text, with harmful characters as `\uXXXX`: it means the same, and may be shown on a terminal.
std::string harmless_json(std::string json);

}  // namespace harmony
