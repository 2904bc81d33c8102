#include "source_place.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <tuple>
#include <vector>

#include "text.hpp"

namespace harmony::cli {
namespace {

namespace fs = std::filesystem;

/// Where a source is on this machine. The compiler names it from the build folder; the program may run from anywhere.
std::optional<fs::path> find_source(const char* name) {
  const std::string stripped = shown_path(name);
  std::vector<fs::path> places{name, stripped};
  std::error_code failed;
  const fs::path self = fs::read_symlink("/proc/self/exe", failed);
  for (fs::path folder = self.parent_path(); !failed && folder.has_relative_path(); folder = folder.parent_path()) {
    places.push_back(folder / name);
    places.push_back(folder / stripped);
  }
  for (const fs::path& place : places)
    if (fs::is_regular_file(place, failed)) return place.lexically_normal();
  return std::nullopt;
}

std::string content_of(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>(in), {}};
}

/// From the current folder, where it lies below it: then an editor finds it.
std::string shown_source(const std::optional<fs::path>& file, const char* name) {
  std::error_code failed;
  const fs::path here = fs::current_path(failed);
  if (!file || failed) return shown_path(name);
  const fs::path relative = fs::absolute(*file).lexically_relative(here);
  return relative.empty() || *relative.begin() == ".." ? shown_path(name) : printable_line(relative.string());
}

std::size_t offset_of(std::string_view text, unsigned line, unsigned column) {
  std::size_t at = 0;
  for (unsigned i = 1; i < line && at != std::string_view::npos; ++i)
    at = text.find('\n', at) == std::string_view::npos ? std::string_view::npos : text.find('\n', at) + 1;
  return at == std::string_view::npos ? at : at + (column > 0 ? column - 1 : 0);
}

/// Behind the literal or comment that begins here; the same place where none does.
std::size_t skip_quiet(std::string_view text, std::size_t at) {
  const auto behind = [&](std::string_view end, std::size_t from) {
    const auto found = text.find(end, from);
    return found == std::string_view::npos ? text.size() : found + end.size();
  };
  if (text.substr(at).starts_with("//")) return behind("\n", at);
  if (text.substr(at).starts_with("/*")) return behind("*/", at + 2);
  if (text.substr(at).starts_with("R\"")) {
    const auto open = text.find('(', at);
    return open == std::string_view::npos ? text.size()
                                          : behind(")" + std::string(text.substr(at + 2, open - at - 2)) + "\"", open);
  }
  const char quote = text[at];
  const bool digit_separator = quote == '\'' && at > 0 && std::isalnum(static_cast<unsigned char>(text[at - 1]));
  if ((quote != '"' && quote != '\'') || digit_separator) return at;
  for (++at; at < text.size() && text[at] != quote && text[at] != '\n'; ++at)
    if (text[at] == '\\') ++at;
  return std::min(at + 1, text.size());
}

bool belongs_to_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == ':'; }

std::pair<unsigned, unsigned> line_and_column(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, offset);
  const auto start = before.rfind('\n');
  return {static_cast<unsigned>(std::ranges::count(before, '\n')) + 1,
          static_cast<unsigned>(offset - (start == std::string_view::npos ? 0 : start + 1)) + 1};
}

}  // namespace

std::pair<unsigned, unsigned> beginning_of(std::string_view source, unsigned line, unsigned column) {
  const std::size_t end = offset_of(source, line, column);
  if (end >= source.size() || (source[end] != '}' && source[end] != ')')) return {line, column};
  std::vector<std::size_t> open;
  for (std::size_t at = 0; at < end; ++at) {
    const std::size_t behind = skip_quiet(source, at);
    if (behind != at) at = behind - 1;
    else if (source[at] == '(' || source[at] == '{') open.push_back(at);
    else if ((source[at] == ')' || source[at] == '}') && !open.empty()) open.pop_back();
  }
  if (open.empty()) return {line, column};
  std::size_t name = open.back();
  while (name > 0 && belongs_to_name(source[name - 1])) --name;
  return line_and_column(source, name);
}

SourcePlace place_of(const std::source_location& at) {
  const auto file = find_source(at.file_name());
  SourcePlace place{.file = shown_source(file, at.file_name()), .line = at.line(), .column = at.column(), .code = {}};
  if (!file) return place;
  const std::string source = content_of(*file);
  std::tie(place.line, place.column) = beginning_of(source, at.line(), at.column());
  const auto lines = lines_of_text(source);
  if (place.line > 0 && place.line <= lines.size()) place.code = std::string(lines[place.line - 1]);
  return place;
}

std::string shown_path(const char* file_name) {
  std::string_view path{file_name};
  while (path.starts_with("../")) path.remove_prefix(3);
  return printable_line(path);
}

}  // namespace harmony::cli
