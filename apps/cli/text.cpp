#include "text.hpp"

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <optional>
#include <span>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "harmony/utf8.hpp"

namespace harmony::cli {
namespace {

struct Range {
  char32_t first, last;
};

bool within(char32_t code, std::span<const Range> ranges) {
  return std::ranges::any_of(ranges, [&](Range range) { return code >= range.first && code <= range.last; });
}

bool combining(char32_t code) {
  static constexpr Range ranges[] = {{0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},
                                     {0x64b, 0x65f},   {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff},
                                     {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}};
  return within(code, ranges);
}

bool wide(char32_t code) {
  static constexpr Range ranges[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},  {0x3041, 0x33ff}, {0x3400, 0x4dbf},
                                     {0x4e00, 0x9fff},   {0xa000, 0xa4cf},  {0xac00, 0xd7a3}, {0xf900, 0xfaff},
                                     {0xfe30, 0xfe6f},   {0xff00, 0xff60},  {0xffe0, 0xffe6}, {0x1f300, 0x1f64f},
                                     {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
  return within(code, ranges);
}

std::size_t columns_of(char32_t code) { return combining(code) ? 0 : wide(code) ? 2 : 1; }

/// Bytes of the escape sequence that `text` starts with: CSI … final, OSC/DCS … terminator, or two.
std::size_t escape_length(std::string_view text) {
  if (text.size() < 2) return text.size();
  const char kind = text[1];
  std::size_t at = 2;
  if (kind == '[') {
    while (at < text.size() && (text[at] < 0x40 || text[at] > 0x7e) && static_cast<unsigned char>(text[at]) >= 0x20)
      ++at;
    return at < text.size() ? at + (text[at] >= 0x40) : at;
  }
  if (kind == ']' || kind == 'P' || kind == '_' || kind == '^' || kind == 'X') {
    for (; at < text.size() && text[at] != '\n'; ++at) {
      if (text[at] == '\a') return at + 1;
      if (text[at] == '\x1b' && at + 1 < text.size() && text[at + 1] == '\\') return at + 2;
    }
    return at;
  }
  return static_cast<unsigned char>(kind) < 0x80 && kind != '\n' ? 2 : 1;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  while (!text.empty()) {
    if (text.front() == '\x1b') {
      text.remove_prefix(escape_length(text));
      continue;
    }
    const Character next = first_character(text);
    if (!next.valid) safe += "\xef\xbf\xbd";
    else if (next.code == '\t') safe += "  ";
    else if (!harmful(next.code)) safe += text.substr(0, next.length);
    text.remove_prefix(next.length);
  }
  return safe;
}

std::string printable_line(std::string_view text) {
  std::string line = printable(text);
  while (!line.empty() && line.back() == '\n') line.pop_back();
  std::ranges::replace(line, '\n', ' ');
  return line;
}

std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const Character next = first_character(text);
    width += columns_of(next.code);
    text.remove_prefix(next.length);
  }
  return width;
}

std::string cut(std::string_view text, std::size_t columns) {
  if (width_of(text) <= columns) return std::string(text);
  if (columns == 0) return {};
  std::size_t used = 0, bytes = 0;
  while (bytes < text.size()) {
    const Character next = first_character(text.substr(bytes));
    if (used + columns_of(next.code) > columns - 1) break;
    used += columns_of(next.code);
    bytes += next.length;
  }
  return std::string(text.substr(0, bytes)) + "…";
}

namespace {

/// Bytes of what cannot be divided at the beginning, and its width: an escape sequence or a character.
std::pair<std::size_t, std::size_t> first_of(std::string_view text) {
  if (text.front() == '\x1b') return {escape_length(text), 0};
  const Character next = first_character(text);
  return {next.length, columns_of(next.code)};
}

std::size_t width_on_terminal(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const auto [bytes, columns] = first_of(text);
    width += columns;
    text.remove_prefix(bytes);
  }
  return width;
}

/// One line being broken into rows.
class Folding {
 public:
  Folding(std::size_t indent, std::size_t columns)
      : columns_(columns), hang_(std::min(indent + 4, columns / 2)), text_(std::min(indent, columns / 2), ' ') {
    used_ = text_.size();
  }
  void add(std::string_view word, std::size_t gap) {
    const std::size_t width = width_on_terminal(word);
    if (at_start_ || used_ + gap + width <= columns_) {
      if (!at_start_) text_.append(gap, ' '), used_ += gap;
    } else {
      next_row();
    }
    while (!word.empty()) {  // longer than a row: broken where it must be
      const auto [bytes, columns] = first_of(word);
      if (used_ + columns > columns_ && used_ > hang_) next_row();
      text_ += word.substr(0, bytes);
      used_ += columns;
      word.remove_prefix(bytes);
    }
    at_start_ = false;
  }
  const std::string& text() const { return text_; }

 private:
  void next_row() {
    text_ += "\n" + std::string(hang_, ' ');
    used_ = hang_;
  }
  std::size_t columns_, hang_, used_ = 0;
  bool at_start_ = true;
  std::string text_;
};

std::string folded_line(std::string_view line, std::size_t columns) {
  if (width_on_terminal(line) <= columns) return std::string(line);
  std::size_t gap = std::min(line.find_first_not_of(' '), line.size());
  Folding folding{gap, columns};
  for (line.remove_prefix(gap); !line.empty();) {
    const std::string_view word = line.substr(0, line.find(' '));
    folding.add(word, gap);
    line.remove_prefix(word.size());
    gap = std::min(line.find_first_not_of(' '), line.size());
    line.remove_prefix(gap);
  }
  return folding.text();
}

}  // namespace

std::string folded(std::string_view text, std::size_t columns) {
  if (columns == 0) return std::string(text);
  std::string all;
  for (const std::string_view line : lines_of_text(text)) all += folded_line(line, columns) + "\n";
  if (!text.ends_with('\n') && !all.empty()) all.pop_back();
  return all;
}

std::string padded(std::string_view text, std::size_t columns) {
  const std::size_t width = width_of(text);
  return std::string(text) + std::string(width < columns ? columns - width : 0, ' ');
}

std::string shell_word(std::string_view text) {
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:=@-";
  if (!text.empty() && text.find_first_not_of(plain) == text.npos) return std::string(text);
  std::string word = "'";
  for (const char c : text) {
    if (c == '\'') word += "'\\''";
    else word += c;
  }
  return word + "'";
}

std::vector<std::string_view> lines_of_text(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  return lines;
}

std::string seconds_text(std::chrono::nanoseconds took) {
  const double seconds = std::chrono::duration<double>(took).count();
  if (seconds < 1) return fmt::format("{:.2f} s", seconds);
  if (seconds < 59.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string counted(long count, std::string_view singular, std::string_view plural) {
  if (count == 1) return fmt::format("1 {}", singular);
  return plural.empty() ? fmt::format("{} {}s", count, singular) : fmt::format("{} {}", count, plural);
}

std::optional<std::chrono::system_clock::time_point> time_of(std::string_view text) {
  std::tm fields{};
  const std::string copy{text};
  const char* end = strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &fields);
  if (!end) return std::nullopt;
  return std::chrono::system_clock::from_time_t(timegm(&fields));
}

std::string ago(std::string_view time, std::chrono::system_clock::time_point now) {
  const auto then = time_of(time);
  if (!then) return printable_line(time);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - *then).count();
  if (seconds < 1) return "just now";
  if (seconds < 120) return fmt::format("{} s ago", seconds);
  if (seconds < 7200) return fmt::format("{} min ago", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{} h ago", seconds / 3600);
  return fmt::format("{} days ago", seconds / 86400);
}

std::string timestamp(std::chrono::system_clock::time_point time) {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const auto seconds = static_cast<std::time_t>(milliseconds / 1000);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), milliseconds % 1000);
}

}  // namespace harmony::cli
