/// The other half of Supervisor: how what it keeps up ends, and what is no longer kept up.
#include <signal.h>

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "host/logs.hpp"
#include "host/process_table.hpp"
#include "host/supervisor.hpp"
#include "host/supervisor_layout.hpp"
#include "host/text.hpp"

namespace harmony::host {

namespace fs = std::filesystem;

void Supervisor::bring_down(const Scope& at, const std::string& name) const {
  const auto over = [&]() -> std::optional<std::string> {
    const auto now = status(name);
    if (!supervised(service(name)) || !now || (now->pid == 0 && !now->finishing && !now->wants_up)) return std::nullopt;
    return fmt::format("`{}` has not ended yet", name);
  };
  const Wait wait{.limit = stop_limit, .what = fmt::format("`{}` ends", name), .subject = "process/" + name};
  tell(service(name) / "supervise/control", "d");
  if (came_true(at, wait, over)) return;
  at.retried(
      fmt::format("`{}` did not end within {} s, and is killed", name, std::chrono::seconds(stop_limit).count()));
  tell(service(name) / "supervise/control", "k");
  at.until(wait, over);
}

/// Those of a supervisor that was killed live on without it. It cannot adopt them, and would start everything twice.
void Supervisor::end_orphans(const Scope& at) const {
  for (const std::string& name : state_.names(scan_folder)) {
    if (name == ".s6-svscan") continue;
    end_supervision(at, scan_folder / name);
    end_supervision(at, scan_folder / name / "log");
  }
}

namespace {
/// As people know it: what is being taken away has another name, and a log is a service of its own.
std::string shown_service(const fs::path& service) {
  std::string name = service.filename().string();
  if (name == "log") return "the log of " + shown_service(service.parent_path());
  if (constexpr std::string_view gone = ".gone"; name.starts_with('.') && name.ends_with(gone))
    name = name.substr(1, name.size() - 1 - gone.size());
  return fmt::format("`{}`", name);
}
}  // namespace

void Supervisor::end_supervision(const Scope& at, const fs::path& service) const {
  if (!supervised(service)) return;
  const auto over = [&]() -> std::optional<std::string> {
    if (!supervised(service)) return std::nullopt;
    return shown_service(service) + " has not ended yet";
  };
  const Wait wait{.limit = stop_limit, .what = "the process ends"};
  tell(service / "supervise/control", "dx");
  if (came_true(at, wait, over)) return;
  tell(service / "supervise/control", "k");
  if (came_true(at, wait, over)) return;
  throw Error({.code = "H0124",
               .message = fmt::format("`{}` does not end, not even by SIGKILL", service.string()),
               .subject = "process/" + service.filename().string(),
               .facts = {{"supervised by pid", std::to_string(holder(service / "supervise/lock"))}},
               .help = "it waits for the kernel, mostly for a disk: look at `dmesg`"});
}

void Supervisor::stop(const Scope& at) const {
  bool told = tell(scanner / "control", "t");
  at.point("supervisor told to end");
  const bool ended =
      came_true(at, {.limit = settle_limit, .what = "the supervisor ends"}, [&]() -> std::optional<std::string> {
        if (!alive()) return std::nullopt;
        told = told || tell(scanner / "control", "t");  // one that has just begun does not listen yet
        return "the supervisor has not ended yet";
      });
  if (!ended)  // without its folder nobody could find it again
    throw Error(
        {.code = "H0124",
         .message = fmt::format("the supervisor does not end within {} s", std::chrono::seconds(settle_limit).count()),
         .subject = "supervisor/" + state_.root().string(),
         .facts = {{"pid", std::to_string(holder(scanner / "lock"))}},
         .log = lines_of(state_.read("logs/supervisor").value_or("")),
         .help = "look whether it is stopped, or waits for a disk: `ps -o pid,stat,wchan`; then run the same "
                 "command again"});
  state_.remove(scan_folder);
  state_.remove("logs/supervisor");
  state_.remove_if_empty("logs");
}

// ---------------------------------------------------------------- what nobody looks after

namespace {

bool all_over(const std::vector<MarkedProcess>& processes) {
  return std::ranges::all_of(processes, &MarkedProcess::over);
}

}  // namespace

/// A part of the supervision is attended where its folder is in place: through that it can be told to end.
std::vector<MarkedProcess> Supervisor::unattended(const std::optional<std::string>& name) const {
  const bool none_lives = !alive();
  const std::string folder = state_.absolute(scan_folder), its_own = folder + "/" + name.value_or("") + " (deleted)";
  const int looked_after = name ? pid(*name) : 0;
  const auto attended = looked_after != 0 ? with_descendants({looked_after}) : std::set<int>{};
  const auto lost = [&](const MarkedProcess& process) {
    const std::string works_in = link_of(process.pid, "cwd");
    if (!none_lives) return works_in == its_own || works_in == folder + " (deleted)";
    return !works_in.starts_with(folder) || works_in.ends_with(" (deleted)");
  };
  auto found = mark_.carriers();
  std::set<int> lost_supervision;
  for (const MarkedProcess& process : found)
    if (process.name.empty() && lost(process)) lost_supervision.insert(process.pid);
  std::erase_if(found, [&](const MarkedProcess& process) {
    if (process.name.empty()) return !lost_supervision.contains(process.pid);
    // What ends with its supervision is better told so in its own way.
    if (lost_supervision.contains(parent_of(process.pid))) return false;
    return (name && process.name != *name) || attended.contains(process.pid);
  });
  return found;
}

/// Those that start others first, so that nothing comes again.
void Supervisor::end_unattended(const Scope& at, const std::optional<std::string>& name) const {
  constexpr int rounds = 3;  // one may start another while it is told to end
  for (int round = 0; round < rounds; ++round) {
    const auto left = unattended(name);
    if (left.empty()) return;
    const auto over = [&]() -> std::optional<std::string> {
      if (all_over(left)) return std::nullopt;
      return "what runs without its supervisor has not ended yet";
    };
    const Wait wait{.limit = stop_limit, .what = "what runs without its supervisor ends"};
    for (const bool supervision : {true, false})
      for (const MarkedProcess& process : left)
        if (process.name.empty() == supervision)
          process.signal(process.stop_signal != 0 ? process.stop_signal : SIGTERM);
    if (!came_true(at, wait, over)) {
      at.retried(fmt::format("what ran without its supervisor did not end within {} s, and is killed",
                             std::chrono::seconds(stop_limit).count()));
      for (const MarkedProcess& process : left) process.signal(SIGKILL);
      came_true(at, wait, over);
    }
    at.point("what ran without its supervisor ended");
  }
  const auto left = unattended(name);
  if (left.empty()) return;
  throw Error({.code = "H0124",
               .message = fmt::format("`{}` does not end, not even by SIGKILL", command_of(left.front().pid)),
               .subject = "process/" + left.front().name,
               .facts = {{"pid", std::to_string(left.front().pid)}},
               .help = "it waits for the kernel, mostly for a disk: look at `dmesg`"});
}

void Supervisor::end_strays(const Scope& at, const std::string& name) const {
  std::lock_guard one{starting_};            // one that is just starting looks like one that was lost
  if (alive()) tell(scanner / "control", "an");  // else it would start again what it believes to be there
  end_unattended(at, name);
}

// ---------------------------------------------------------------- removal

/// Once its folder is out of the way.
void Supervisor::finish_removal(const Scope& at, const std::string& name) const {
  const fs::path gone = half_removed(name);
  tell(scanner / "control", "an");
  at.point("supervisor told to forget the service");
  end_supervision(at, gone);
  end_supervision(at, gone / "log");
  state_.remove(gone);
}

void Supervisor::remove(const Scope& at, const std::string& name) {
  const fs::path gone = half_removed(name);
  if (state_.look(service(name))) {
    if (supervised(service(name))) bring_down(at, name);
    at.point("process ended");
    if (state_.look(gone)) finish_removal(at, name);
    state_.rename(service(name), gone);
    at.point("service folder out of the way");
  }
  state_.remove(half_made(name));
  finish_removal(at, name);
  end_strays(at, name);
  state_.remove(log_folder(name));
  std::lock_guard one{starting_};
  if (names().empty()) stop(at);
}

}  // namespace harmony::host
