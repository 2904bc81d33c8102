#pragma once
#include <string>
#include <string_view>

namespace harmony {

/// `text` with each byte that is no valid UTF-8 replaced by U+FFFD: one odd name must not spoil a whole document.
std::string valid_utf8(std::string_view text);

}  // namespace harmony
