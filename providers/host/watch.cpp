/// Waiting for a process, and proving that it is the one.
#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "host/failures.hpp"
#include "host/logs.hpp"
#include "host/machine_host.hpp"

namespace harmony::host {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t shown_lines = 20;
constexpr auto recent = 60s;       // exits further apart are no failed start
constexpr auto stranger_stays = 1s;  // a child of what just ended may hold its port for a moment

/// True where it exits again and again, the last time under our eyes: what it did before the cause was mended, or long
/// ago, is an old story.
bool keeps_exiting(const ProcessFacts& now, std::chrono::system_clock::time_point watched_since) {
  const auto later_than = [&](auto moment) {
    return std::ranges::count_if(now.deaths, [&](const Death& death) { return death.at > moment; });
  };
  return later_than(watched_since) >= 1 && later_than(std::chrono::system_clock::now() - recent) >= 2;
}

/// Somebody else on the port, once that is sure.
class StrangerWatch {
 public:
  bool sure(const std::optional<Listener>& found) {
    const auto now = std::chrono::steady_clock::now();
    if (!found || found->ours) first_seen_.reset();
    else if (!first_seen_) first_seen_ = now;
    return first_seen_ && now - *first_seen_ > stranger_stays;
  }

 private:
  std::optional<std::chrono::steady_clock::time_point> first_seen_;
};

std::string state_text(const ProcessFacts& now) {
  if (now.pid != 0) return "it runs";
  if (now.deaths.empty()) return "it is being started";
  return fmt::format("it {} and is started again", text_of(now.deaths.back()));
}

}  // namespace

std::vector<std::string> MachineHost::log_since_start(const std::string& process, const ProcessFacts& facts) const {
  return last_lines_since(folder(), log_folder(process), shown_lines, facts.told);
}

void MachineHost::require_free(Scope& at, const Process& process) {
  StrangerWatch stranger;
  const Wait wait{.limit = 10 * stranger_stays,
                  .what = fmt::format("port {} is free", process.listens->port),
                  .subject = "process/" + process.name};
  at.until(wait, [&]() -> std::optional<std::string> {
    const auto holder = reader_.stranger(*process.listens);
    if (!holder) return std::nullopt;
    if (stranger.sure(holder)) throw port_taken(*process.listens, *holder, "process/" + process.name);
    return fmt::format("{} is held by {}", process.listens->text(), holder->command);
  });
}

void MachineHost::watch(Scope& at, const Process& process, std::chrono::milliseconds limit, std::string_view what,
                        const std::function<std::optional<std::string>(const ProcessFacts&)>& not_yet) {
  StrangerWatch stranger;
  ProcessFacts now;
  std::string reason;
  const auto watched_since = std::chrono::system_clock::now();
  const Wait wait{
      .limit = limit, .what = fmt::format("process `{}` {}", process.name, what), .subject = "process/" + process.name};
  try {
    at.until(wait, [&]() -> std::optional<std::string> {
      now = reader_.process(at, process.name);
      const auto why = not_yet(now);
      if (!why) return std::nullopt;
      const auto holder = process.listens ? reader_.listener(*process.listens, process.name) : std::nullopt;
      const bool exits = keeps_exiting(now, watched_since);
      if (exits && (!holder || holder->ours))
        throw host::keeps_exiting(process, now.deaths, log_since_start(process.name, now));
      if (stranger.sure(holder) || exits)  // that is why it exits
        throw port_taken(*process.listens, *holder, "process/" + process.name, log_since_start(process.name, now));
      reason = *why;
      return reason;
    });
  } catch (const TimedOut&) {
    throw not_in_time(process.name, what, limit, reason, now, log_since_start(process.name, now));
  }
}

void MachineHost::until_listening(Scope& at, const Process& process, std::chrono::milliseconds limit) {
  if (!process.listens) return;
  const Endpoint& endpoint = *process.listens;
  watch(at, process, limit, "listens on " + endpoint.text(),
        [&](const ProcessFacts& now) -> std::optional<std::string> {
          const auto found = reader_.listener(endpoint, process.name);
          if (found && found->ours) return std::nullopt;
          return fmt::format("`{}` does not listen on {} yet; {}", process.name, endpoint.text(), state_text(now));
        });
}

void MachineHost::until_ready(Scope& at, const Process& process, std::chrono::milliseconds limit,
                              const std::function<std::optional<std::string>()>& not_yet) {
  // One that is in the middle of a reload, or has just started, may miss the signal for the next.
  constexpr auto told_again_every = 2s;
  auto told = std::chrono::steady_clock::now();
  watch(at, process, limit, "is ready", [&](const ProcessFacts& now) -> std::optional<std::string> {
    if (now.pid == 0) return fmt::format("`{}` does not run; {}", process.name, state_text(now));
    auto why = not_yet();
    if (why && process.reload_signal && std::chrono::steady_clock::now() - told >= told_again_every) {
      at.retried(*why);
      reader_.supervisor().reload(at, process.name, now.running_id, *process.reload_signal);
      told = std::chrono::steady_clock::now();
    }
    return why;
  });
}

// ---------------------------------------------------------------- proof

namespace {

/// A script runs as its interpreter: then the script must be what it was told to run.
bool runs_script(int pid, const std::string& script) {
  std::ifstream head{script, std::ios::binary}, arguments{fmt::format("/proc/{}/cmdline", pid), std::ios::binary};
  char mark[2] = {};
  if (!head.read(mark, 2) || mark[0] != '#' || mark[1] != '!') return false;
  const std::string line{std::istreambuf_iterator<char>(arguments), {}};
  return ('\0' + line).find('\0' + script + '\0') != std::string::npos;
}

}  // namespace

void MachineHost::prove(Scope& at, const std::string& process, const Endpoint& endpoint) {
  const ProcessFacts now = reader_.process(at, process);
  const auto found = reader_.listener(endpoint, process);
  if (!found) throw unproven(process, endpoint, "nobody listens there");
  if (!found->ours)
    throw unproven(
        process, endpoint, "somebody else listens there",
        {{"held by", found->pid != 0 ? fmt::format("pid {}: {}", found->pid, found->command) : found->command},
         {"supervised", now.pid != 0 ? fmt::format("pid {}", now.pid) : "not running"}});
  if (!now.running) throw unproven(process, endpoint, "nobody knows what it was started as");
  const std::string wanted = now.running->field("executable");
  if (wanted.empty()) return;
  const auto runs = reader_.hash_of(fmt::format("/proc/{}/exe", found->pid));
  if (runs == wanted) return;
  const std::string& script = now.running->command.front();
  if (runs_script(found->pid, script) && reader_.hash_of(script) == wanted) return;
  throw unproven(process, endpoint, "its executable is another one (a script that hands over with exec never is)",
                 {{"deployed", wanted.substr(0, 16)},
                  {"runs", runs ? runs->substr(0, 16) : "cannot be read"},
                  {"pid", std::to_string(found->pid)}});
}

}  // namespace harmony::host
