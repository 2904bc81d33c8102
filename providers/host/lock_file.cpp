#include "host/lock_file.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <ctime>
#include <fstream>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include "host/durable.hpp"
#include "host/printable.hpp"
#include "host/process_table.hpp"

namespace harmony::host {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

constexpr const char* time_format = "%Y-%m-%dT%H:%M:%SZ";

/// The name of the program a process runs; never its arguments.
std::string program_of(int pid) {
  std::ifstream file{fmt::format("/proc/{}/cmdline", pid)};
  std::string first;
  std::getline(file, first, '\0');
  if (!first.empty()) return printable(fs::path(first).filename().string());
  std::ifstream name{fmt::format("/proc/{}/comm", pid)};
  std::getline(name, first);
  return printable(first);
}

bool holds_open(int pid, const struct stat& wanted) {
  std::error_code unreadable;
  for (fs::directory_iterator entry{fmt::format("/proc/{}/fd", pid), unreadable}, end; !unreadable && entry != end;
       entry.increment(unreadable)) {
    struct stat found{};
    if (::stat(entry->path().c_str(), &found) == 0 && same_file(found, wanted)) return true;
  }
  return false;
}

/// Processes other than this one that have the file open; only those we may look into.
std::vector<int> processes_with(const fs::path& path) {
  std::vector<int> pids;
  struct stat wanted{};
  if (::stat(path.c_str(), &wanted) != 0) return pids;
  for (const int pid : all_processes())
    if (pid != ::getpid() && holds_open(pid, wanted)) pids.push_back(pid);
  return pids;
}

std::string to_text(const LockHolder& holder) {
  return json::serialize(json::object{{"verb", holder.verb},
                                      {"who", holder.who},
                                      {"pid", holder.pid},
                                      {"pid_started", holder.pid_started},
                                      {"since", holder.since}});
}

/// Nothing where the file says nothing: its holder is about to write, or could not.
std::optional<LockHolder> holder_in(const fs::path& path) {
  std::ifstream file{path};
  std::string line;
  std::getline(file, line);
  boost::system::error_code wrong;
  const json::value value = json::parse(line, wrong);
  if (wrong || !value.is_object()) return std::nullopt;
  const auto text = [&](const char* key) {
    const auto* found = value.as_object().if_contains(key);
    return found && found->is_string()
               ? printable(std::string_view(found->as_string().data(), found->as_string().size()))
               : std::string();
  };
  const auto* pid = value.as_object().if_contains("pid");
  return LockHolder{.verb = text("verb"),
                    .who = text("who"),
                    .pid = pid && pid->is_int64() ? static_cast<int>(pid->as_int64()) : 0,
                    .pid_started = text("pid_started"),
                    .since = text("since")};
}

/// "10:31:02", with its day where that is not today; as the clock on the wall says.
std::string wall_time(const std::string& since) {
  std::tm parts{};
  if (!::strptime(since.c_str(), time_format, &parts)) return since;
  const std::time_t then = ::timegm(&parts), now = std::time(nullptr);
  const std::tm local = fmt::localtime(then), today = fmt::localtime(now);
  const bool same_day = local.tm_year == today.tm_year && local.tm_yday == today.tm_yday;
  return same_day ? fmt::format("{:%H:%M:%S}", local) : fmt::format("{:%Y-%m-%d %H:%M:%S}", local);
}

bool still_named(int open, const fs::path& path) {
  struct stat ours{}, there{};
  return ::fstat(open, &ours) == 0 && ::lstat(path.c_str(), &there) == 0 && same_file(ours, there);
}

}  // namespace

bool is_alive(const LockHolder& holder) {
  return holder.pid > 0 && start_of(holder.pid) == holder.pid_started && !has_ended(holder.pid);
}

LockHolder this_process(const std::string& verb, const std::string& who) {
  return {.verb = verb,
          .who = who,
          .pid = ::getpid(),
          .pid_started = start_of(::getpid()),
          .since = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))};
}

std::optional<Descriptor> LockFile::try_take(const LockHolder& holder) const {
  Descriptor file{::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!file && errno == ENOENT) return std::nullopt;
  if (!file) throw write_failure(path_, errno);
  if (::flock(file.number(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK || errno == EINTR) return std::nullopt;
    throw write_failure(path_, errno);
  }
  if (!still_named(file.number(), path_)) return std::nullopt;  // its holder took the whole deployment away
  // Where a full disk keeps the name out, the lock is held all the same.
  if (::ftruncate(file.number(), 0) == 0) (void)write_whole(file.number(), to_text(holder) + "\n");
  return file;
}

bool LockFile::is_there() const {
  struct stat found{};
  return ::lstat(path_.c_str(), &found) == 0;
}

void LockFile::release(Descriptor file) {
  if (::ftruncate(file.number(), 0) != 0) return;  // the name of a process that has ended is told from one that lives
}

bool LockFile::held_elsewhere() const {
  const auto holder = holder_in(path_);
  return holder && holder->pid != ::getpid() && is_alive(*holder);
}

std::string LockFile::held_by() const {
  const auto holder = holder_in(path_);
  if (holder && is_alive(*holder))
    return fmt::format("{} by {}, pid {}, since {}", holder->verb, holder->who, holder->pid, wall_time(holder->since));
  const auto others = processes_with(path_);
  if (!holder)
    return others.empty() ? "another process"
                          : fmt::format("another process (pid {}, `{}`)", others.front(), program_of(others.front()));
  const std::string killed = fmt::format("a command of a {} that was killed", holder->verb);
  return others.empty() ? killed : fmt::format("{} (pid {}, `{}`)", killed, others.front(), program_of(others.front()));
}

}  // namespace harmony::host
