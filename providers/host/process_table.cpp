#include "host/process_table.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>

#include <fmt/format.h>

#include "host/printable.hpp"

namespace harmony::host {

namespace fs = std::filesystem;

namespace {

std::optional<int> pid_of(const fs::path& name) {
  const std::string text = name;
  int pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return pid;
}

/// The kernel's own list, where it was built with one (Debian's is).
std::optional<std::vector<int>> children_of(int pid) {
  std::vector<int> children;
  std::error_code ignored;
  for (fs::directory_iterator at{fmt::format("/proc/{}/task", pid), ignored}, end; !ignored && at != end;
       at.increment(ignored)) {
    std::ifstream list{at->path() / "children"};
    if (!list) return std::nullopt;
    for (int child; list >> child;) children.push_back(child);
  }
  return children;
}

struct Stat {
  char state = 0;
  int parent = 0;
  std::string start;
};

Stat stat_of(int pid) {
  const std::string text = whole_file(fmt::format("/proc/{}/stat", pid));
  const auto name_end = text.rfind(')');  // the name before it may hold anything
  Stat stat;
  if (name_end == std::string::npos) return stat;
  std::istringstream rest{text.substr(name_end + 1)};
  rest >> stat.state >> stat.parent;
  constexpr int fields_between = 17;
  for (int i = 0; i <= fields_between; ++i) rest >> stat.start;
  return stat;
}

std::multimap<int, int> children_by_parent() {
  std::multimap<int, int> children;
  for (const int each : all_processes()) children.emplace(parent_of(each), each);
  return children;
}

}  // namespace

std::string link_of(int pid, std::string_view name) {
  std::error_code gone;
  return fs::read_symlink(fmt::format("/proc/{}/{}", pid, name), gone);
}

std::string whole_file(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<int> all_processes() {
  std::vector<int> all;
  std::error_code ignored;
  for (fs::directory_iterator at{"/proc", ignored}, end; !ignored && at != end; at.increment(ignored))
    if (const auto pid = pid_of(at->path().filename())) all.push_back(*pid);
  return all;
}

int parent_of(int pid) { return stat_of(pid).parent; }

std::string start_of(int pid) { return stat_of(pid).start; }

std::set<uid_t> users_of(int pid) {
  constexpr std::string_view key = "\nUid:";
  constexpr int kinds = 3;
  const std::string text = whole_file(fmt::format("/proc/{}/status", pid));  // its name in there has no line ends
  const auto at = text.find(key);
  std::set<uid_t> users;
  if (at == std::string::npos) return users;
  std::istringstream rest{text.substr(at + key.size())};
  uid_t user = 0;
  for (int i = 0; i < kinds && rest >> user; ++i) users.insert(user);
  return users;
}

bool has_ended(int pid) {
  const char state = stat_of(pid).state;
  return state == 'Z' || state == 'X';
}
bool is_paused(int pid) {
  const char state = stat_of(pid).state;
  return state == 'T' || state == 't';
}

std::set<int> with_descendants(const std::set<int>& pids) {
  std::optional<std::multimap<int, int>> all;
  std::set<int> family;
  std::vector<int> open{pids.begin(), pids.end()};
  while (!open.empty()) {
    const int next = open.back();
    open.pop_back();
    if (!family.insert(next).second) continue;
    if (const auto children = all ? std::nullopt : children_of(next)) {
      open.insert(open.end(), children->begin(), children->end());
      continue;
    }
    if (!all) all = children_by_parent();
    for (auto [at, end] = all->equal_range(next); at != end; ++at) open.push_back(at->second);
  }
  return family;
}

/// Without its arguments: it may be a stranger's, and one of them a password.
std::string command_of(int pid) {
  constexpr std::size_t longest = 120;
  std::string line = whole_file(fmt::format("/proc/{}/cmdline", pid));
  if (line.empty()) line = whole_file(fmt::format("/proc/{}/comm", pid));
  const std::string program = printable(line.substr(0, line.find('\0')));
  return program.size() > longest ? printable(program.substr(0, longest)) + "…" : program;
}

}  // namespace harmony::host
