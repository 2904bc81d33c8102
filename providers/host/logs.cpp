#include "host/logs.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "host/printable.hpp"
#include "host/text.hpp"

namespace harmony::host {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

constexpr const char* newest = "current";
constexpr std::string_view stamp_form = "0000-00-00 00:00:00.000000000";

bool is_stamp(std::string_view text) {
  return std::ranges::equal(text, stamp_form,
                            [](char c, char form) { return form == '0' ? c >= '0' && c <= '9' : c == form; });
}

std::string stamp_of(Time time) {
  const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  return fmt::format("{:%Y-%m-%d %H:%M:%S}.{:09}", fmt::gmtime(static_cast<std::time_t>(nanoseconds / 1'000'000'000)),
                     nanoseconds % 1'000'000'000);
}

constexpr off_t first_look = 64 * 1024;

struct Ending {
  std::vector<std::string> lines;
  bool whole = true;  ///< the file has no more than these
};

/// The last lines of a file, at least so many where it has them. What is read next from it comes behind them.
Ending ending_of(int file, std::size_t count) {
  struct stat found{};
  if (::fstat(file, &found) != 0 || !S_ISREG(found.st_mode)) return {};
  for (off_t longest = first_look;; longest *= 4) {
    const off_t from = std::max<off_t>(0, found.st_size - longest);
    std::string content(static_cast<std::size_t>(found.st_size - from), '\0');
    const auto got = ::pread(file, content.data(), content.size(), from);
    content.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    ::lseek(file, from + static_cast<off_t>(content.size()), SEEK_SET);
    if (from == 0) return {lines_of(content), true};
    const auto first_end = content.find('\n');
    if (first_end == std::string::npos) continue;
    if (auto lines = lines_of(content.substr(first_end + 1)); lines.size() >= count) return {std::move(lines), false};
  }
}

/// From an older part only where a newer one has too few: what lies between would be missing.
std::vector<std::string> raw_lines(const Folder& state, const fs::path& folder, std::size_t count, LogPlace& read_to) {
  read_to = LogPlace::beginning(state, folder);
  Ending ending = read_to.file ? ending_of(read_to.file.number(), count) : Ending{};
  std::vector<std::string> lines = std::move(ending.lines);
  const auto parts = state.names(folder);
  for (auto part = parts.rbegin(); part != parts.rend() && ending.whole && lines.size() < count; ++part) {
    if (!part->starts_with('@')) continue;
    const Descriptor file = state.open(folder / *part, O_RDONLY);
    struct stat found{};
    if (!file || ::fstat(file.number(), &found) != 0 || found.st_ino == read_to.inode)
      continue;  // it has just become one
    ending = ending_of(file.number(), count - lines.size());
    lines.insert(lines.begin(), std::make_move_iterator(ending.lines.begin()),
                 std::make_move_iterator(ending.lines.end()));
  }
  if (lines.size() > count) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(count));
  return lines;
}

bool replaced(const LogPlace& at, const Folder& state, const fs::path& folder) {
  const Descriptor now = state.open(folder / newest, O_RDONLY);
  struct stat found{};
  return now && ::fstat(now.number(), &found) == 0 && found.st_ino != at.inode;
}

/// Hands over the lines that have come, and keeps one that is not whole yet.
void read_on(const LogPlace& at, std::string& rest, const std::function<void(std::string_view)>& sink) {
  char buffer[1 << 14];
  for (ssize_t got; at.file && (got = ::read(at.file.number(), buffer, sizeof buffer)) > 0;)
    rest.append(buffer, static_cast<std::size_t>(got));
  for (auto end = rest.find('\n'); end != std::string::npos; end = rest.find('\n')) {
    sink(printable(std::string_view(rest).substr(0, end)));
    rest.erase(0, end + 1);
  }
}

}  // namespace

fs::path log_folder(const std::string& process) { return fs::path("logs") / process; }

fs::path log_of_tree(const fs::path& tree) {
  std::string name = tree;
  std::ranges::replace(name, '/', '.');
  return fs::path("logs") / (".made." + name);
}

LogLine parse_log_line(std::string_view line) {
  if (line.size() < stamp_form.size() || !is_stamp(line.substr(0, stamp_form.size()))) return {{}, line};
  auto text = line.substr(stamp_form.size());
  text.remove_prefix(std::min<std::size_t>(2, text.size()));
  return {line.substr(0, stamp_form.size()), text};
}

LogPlace LogPlace::beginning(const Folder& state, const fs::path& folder) {
  LogPlace place{.file = state.open(folder / newest, O_RDONLY)};
  struct stat found{};
  if (place.file && ::fstat(place.file.number(), &found) == 0) place.inode = found.st_ino;
  return place;
}

std::vector<std::string> last_lines(const Folder& state, const fs::path& folder, std::size_t count, LogPlace& read_to) {
  auto lines = raw_lines(state, folder, count, read_to);
  for (std::string& line : lines) line = printable(line);
  return lines;
}

std::vector<std::string> last_lines_since(const Folder& state, const fs::path& folder, std::size_t count, Time since) {
  const std::string first = stamp_of(since);
  std::vector<std::string> lines;
  LogPlace read_to;
  for (const std::string& line : raw_lines(state, folder, count, read_to)) {
    const LogLine parsed = parse_log_line(line);
    if (parsed.stamp >= first) lines.push_back(printable(parsed.text));
  }
  return lines;
}

void follow(const Scope& at, const Folder& state, const fs::path& folder, LogPlace from,
            const std::function<void(std::string_view)>& sink) {
  constexpr auto pace = 100ms;
  std::string rest;
  for (;; at.pause(pace)) {
    const bool rotated = replaced(from, state, folder);  // asked first: what was written until then is in the old one
    read_on(from, rest, sink);
    if (!rotated) continue;
    from = LogPlace::beginning(state, folder);
    read_on(from, rest, sink);
  }
}

}  // namespace harmony::host
