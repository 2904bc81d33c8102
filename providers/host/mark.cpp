#include "host/mark.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "host/account.hpp"
#include "host/process_table.hpp"
#include "host/text.hpp"

namespace harmony::host {

namespace {

constexpr std::string_view variable = "HARMONY_SERVICE";

/// Its value in the text of /proc/PID/environ.
std::optional<std::string_view> marked_with(std::string_view environment) {
  while (!environment.empty()) {
    const std::string_view entry = environment.substr(0, environment.find('\0'));
    if (entry.starts_with(variable) && entry.substr(variable.size()).starts_with('='))
      return entry.substr(variable.size() + 1);
    environment.remove_prefix(std::min(entry.size() + 1, environment.size()));
  }
  return std::nullopt;
}

/// The part before the next colon, taken off.
std::string_view next_part(std::string_view& text) {
  const std::string_view part = text.substr(0, text.find(':'));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return part;
}

int number_in(std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// It works in a folder that lay here and was deleted. Elsewhere, in a container, the same path is another's.
bool was_in(int pid, const std::filesystem::path& path) {
  const std::string works_in = link_of(pid, "cwd"), mounts = link_of(pid, "ns/mnt");
  return works_in.starts_with(path.string() + "/") && works_in.ends_with(" (deleted)") && !mounts.empty() &&
         mounts == link_of(::getpid(), "ns/mnt");
}

/// Anybody may give a process of his a mark. What counts is one of root, of ourselves, or of the service user, and of
/// nobody else besides: a set-uid program has the environment that its caller gave it.
bool trusted(int pid, const std::set<uid_t>& ours) {
  const auto users = users_of(pid);
  return !users.empty() && std::ranges::includes(ours, users);
}

std::set<uid_t> trusted_users() {
  std::set<uid_t> users{0, ::geteuid()};
  if (const auto service = ::geteuid() == 0 ? account_of(service_user_name) : std::nullopt) users.insert(service->user);
  return users;
}

/// Nothing where it carries no mark of this folder, nor of one that was deleted from its path.
std::optional<MarkedProcess> read_mark(int pid, std::string_view folder, const std::filesystem::path& path,
                                       const std::set<uid_t>& ours) {
  // First: what is read afterwards is of this process, or it is over and no signal reaches anybody.
  Descriptor handle{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  if (!handle) return std::nullopt;
  const std::string environment = whole_file(fmt::format("/proc/{}/environ", pid));
  const auto value = marked_with(environment);
  if (!value) return std::nullopt;
  std::string_view rest = *value;
  const std::string_view device = next_part(rest), inode = next_part(rest);
  if (fmt::format("{}:{}", device, inode) != folder && !was_in(pid, path)) return std::nullopt;
  if (!trusted(pid, ours)) return std::nullopt;
  MarkedProcess found{.pid = pid, .handle = std::move(handle)};
  if (rest.empty()) return found;
  const int stop_signal = number_in(next_part(rest));
  found.main = number_in(next_part(rest)) == pid;
  found.stop_signal = found.main ? stop_signal : 0;
  found.name = rest;
  return found;
}

}  // namespace

bool MarkedProcess::over() const {
  pollfd event{handle.number(), POLLIN, 0};
  return ::poll(&event, 1, 0) > 0;
}

void MarkedProcess::signal(int number) const { ::syscall(SYS_pidfd_send_signal, handle.number(), number, nullptr, 0); }

std::string Mark::value() const {
  struct stat facts{};
  if (::stat(folder_.c_str(), &facts) != 0) return {};
  return fmt::format("{}:{}", facts.st_dev, facts.st_ino);
}

std::string Mark::of_supervision() const {
  const std::string folder = value();
  return folder.empty() ? std::string{} : fmt::format("{}={}", variable, folder);
}

std::string Mark::line_of(const std::string& process, int stop_signal) const {
  return fmt::format("export {}={}:{}:$$:{}\n", variable, value(), stop_signal, shell_word(process));
}

std::vector<MarkedProcess> Mark::carriers() const {
  const std::string folder = value();
  std::vector<MarkedProcess> all;
  std::vector<int> above{::getpid()};
  while (above.back() > 1) above.push_back(parent_of(above.back()));
  const std::set<uid_t> ours = trusted_users();
  for (const int pid : all_processes()) {
    if (std::ranges::find(above, pid) != above.end()) continue;
    if (auto found = read_mark(pid, folder, folder_, ours)) all.push_back(std::move(*found));
  }
  return all;
}

}  // namespace harmony::host
