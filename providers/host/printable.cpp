#include "host/printable.hpp"

#include "harmony/utf8.hpp"

namespace harmony::host {

std::string printable(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    const Character next = first_character(text);
    if (next.code == '\n' || next.code == '\r' || next.code == '\t') clean += ' ';
    else if (!next.valid || harmful(next.code)) clean += '?';
    else clean += text.substr(0, next.length);
    text.remove_prefix(next.length);
  }
  clean.erase(clean.find_last_not_of(' ') + 1);
  return clean;
}

}  // namespace harmony::host
