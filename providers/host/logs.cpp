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

/// The end of a file, at most so many bytes, from the beginning of a line.
std::string end_of(const Folder& state, const fs::path& path, off_t longest) {
  const Descriptor file = state.open(path, O_RDONLY);
  struct stat found{};
  if (!file || ::fstat(file.number(), &found) != 0 || !S_ISREG(found.st_mode)) return {};
  const off_t from = std::max<off_t>(0, found.st_size - longest);
  std::string content(static_cast<std::size_t>(found.st_size - from), '\0');
  const auto got = ::pread(file.number(), content.data(), content.size(), from);
  content.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  if (from > 0) content.erase(0, content.find('\n') + 1);
  return content;
}

std::vector<std::string> raw_lines(const Folder& state, const fs::path& folder, std::size_t count) {
  std::vector<std::string> parts{"current"};
  auto older = state.names(folder);
  std::erase_if(older, [](const std::string& name) { return !name.starts_with('@'); });
  parts.insert(parts.end(), older.rbegin(), older.rend());
  std::vector<std::string> lines;
  const auto longest = static_cast<off_t>(std::max<std::size_t>(64 * 1024, count * 1024));
  for (const std::string& part : parts) {
    auto more = lines_of(end_of(state, folder / part, longest));
    lines.insert(lines.begin(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    if (lines.size() >= count) break;
  }
  if (lines.size() > count) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(count));
  return lines;
}

/// A file that grows, read on from its end.
struct Growing {
  Descriptor file;
  ino_t inode = 0;
  std::string rest;

  void open(const Folder& state, const fs::path& path) {
    struct stat found{};
    file = state.open(path, O_RDONLY);
    inode = file && ::fstat(file.number(), &found) == 0 ? found.st_ino : 0;
  }
  bool replaced(const Folder& state, const fs::path& path) const {
    const Descriptor now = state.open(path, O_RDONLY);
    struct stat found{};
    return now && ::fstat(now.number(), &found) == 0 && found.st_ino != inode;
  }
  void read_on(const std::function<void(std::string_view)>& sink) {
    char buffer[1 << 14];
    for (ssize_t got; file && (got = ::read(file.number(), buffer, sizeof buffer)) > 0;)
      rest.append(buffer, static_cast<std::size_t>(got));
    for (auto end = rest.find('\n'); end != std::string::npos; end = rest.find('\n')) {
      sink(printable(std::string_view(rest).substr(0, end)));
      rest.erase(0, end + 1);
    }
  }
};

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

std::vector<std::string> last_lines(const Folder& state, const fs::path& folder, std::size_t count) {
  auto lines = raw_lines(state, folder, count);
  for (std::string& line : lines) line = printable(line);
  return lines;
}

std::vector<std::string> last_lines_since(const Folder& state, const fs::path& folder, std::size_t count, Time since) {
  const std::string first = stamp_of(since);
  std::vector<std::string> lines;
  for (const std::string& line : raw_lines(state, folder, count)) {
    const LogLine parsed = parse_log_line(line);
    if (parsed.stamp >= first) lines.push_back(printable(parsed.text));
  }
  return lines;
}

void follow(const Scope& at, const Folder& state, const fs::path& folder,
            const std::function<void(std::string_view)>& sink) {
  constexpr auto pace = 100ms;
  const fs::path current = folder / "current";
  Growing log;
  log.open(state, current);
  if (log.file) ::lseek(log.file.number(), 0, SEEK_END);
  for (;; at.pause(pace)) {
    const bool rotated = log.replaced(state, current);  // asked first: what was written until then is in the old one
    log.read_on(sink);
    if (!rotated) continue;
    log.open(state, current);
    log.read_on(sink);
  }
}

}  // namespace harmony::host
