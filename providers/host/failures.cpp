#include "host/failures.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include <fmt/format.h>

#include "host/diff.hpp"
#include "host/durable.hpp"
#include "host/printable.hpp"
#include "host/text.hpp"

namespace harmony::host {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t shown_lines = 20;

/// The Debian package that brings a program; empty where we do not know.
std::string package_of(const fs::path& program) {
  const std::string name = program.filename();
  const auto parts = std::vector<fs::path>(program.begin(), program.end());
  for (std::size_t i = 0; i + 1 < parts.size(); ++i)
    if (parts[i] == "postgresql") return "postgresql-" + parts[i + 1].string();
  if (name.starts_with("s6-")) return "s6";
  if (name == "useradd") return "passwd";
  if (name == "haproxy" || name == "nats-server") return name;
  return {};
}

std::vector<std::string> last_of(const std::string& output) {
  auto lines = lines_of(output);
  if (lines.size() > shown_lines) lines.erase(lines.begin(), lines.end() - shown_lines);
  for (std::string& line : lines) line = printable(line);
  return lines;
}

bool disk_full(const std::string& output) {
  // The third is a write that was cut short, as PostgreSQL tells it, the fourth a limit of the user's.
  constexpr auto said = std::to_array<std::string_view>(
      {"No space left on device", "Disk quota exceeded", "Check free disk space", "File too large"});
  return std::ranges::any_of(said, [&](std::string_view text) { return output.find(text) != std::string::npos; });
}

}  // namespace

Error port_taken(const Endpoint& endpoint, const Listener& holder, const std::string& wanted_by,
                 std::vector<std::string> log) {
  Diagnostic taken{.code = "H0110",
                   .message = fmt::format("{} is taken by somebody else", endpoint.text()),
                   .subject = wanted_by,
                   .log = std::move(log)};
  if (holder.pid != 0) {
    taken.facts = {{"held by pid", std::to_string(holder.pid)}, {"command", holder.command}};
    taken.help = fmt::format("end it (pid {}), then deploy again", holder.pid);
  } else {
    taken.facts = {{"held by", holder.command}};
    taken.help =
        fmt::format("`ss -ltnp 'sport = :{}'` as root says who it is; end it, then deploy again", endpoint.port);
  }
  return Error(std::move(taken));
}

Error executable_unreadable(const std::filesystem::path& source, int cause) {
  return Error({.code = "H0109",
                .message = fmt::format("the executable `{}` cannot be read{}", source.string(),
                                       cause == 0 ? std::string{} : ": " + cause_text(cause)),
                .subject = "artefact/" + source.string(),
                .help = help_for_reading(cause, "build it, or name another one")});
}

Error program_missing(const std::string& path, const Subject& subject) {
  const std::string package = package_of(path);
  return Error({.code = "H0112",
                .message = fmt::format("the program `{}` is not there", path),
                .subject = subject.text(),
                .help = package.empty() ? "install it, or name another one" : "apt-get install " + package});
}

void require_program(const std::string& path, const Subject& subject) {
  struct stat found{};
  if (!path.starts_with('/') || ::stat(path.c_str(), &found) != 0 || !S_ISREG(found.st_mode) ||
      ::access(path.c_str(), X_OK) != 0)
    throw program_missing(path, subject);
}

Error command_failed(const std::vector<std::string>& command, const Ended& ended, const Subject& subject) {
  const std::string name = command.empty() ? std::string("command") : fs::path(command.front()).filename().string();
  Diagnostic failed{.code = "H0114",
                    .message = fmt::format("`{}` {}", name, ended.text()),
                    .subject = subject.text(),
                    .facts = {{"command", command_line(command)}},
                    .log = last_of(ended.output),
                    .help = "its last lines say why; nothing it made was kept"};
  if (ended.too_long.count() != 0) {
    failed.category = Category::timed_out;
    failed.help =
        "look what it waits for: its last lines, the load of the machine and its disk; nothing it made was kept";
  }
  if (disk_full(ended.output)) {
    failed.code = "H0115";
    failed.message = fmt::format("`{}` found no room on the disk", name);
    failed.help = "make room, or move the state with --state-dir DIR, then deploy again; nothing it made was kept";
  }
  return Error(std::move(failed));
}

std::string text_of(const Death& death) {
  return Ended{.code = death.exit_code, .signal = death.signal, .output = {}}.text();
}

std::string paused_text(int pid) { return fmt::format("paused by a signal: kill -CONT {}", pid); }

Error keeps_exiting(const Process& process, const std::vector<Death>& deaths, std::vector<std::string> log) {
  Diagnostic failed{
      .code = "H0120",
      .message = fmt::format("process `{}` does not stay up: it {}", process.name, text_of(deaths.back())),
      .subject = "process/" + process.name,
      .facts = {{"command", command_line(process.command)}, {"exits since its start", std::to_string(deaths.size())}},
      .help = log.empty() ? "it wrote nothing to its log; run its command by hand"
                          : "its log says why; mend it, then deploy again"};
  for (const std::string& line : log)
    if (disk_full(line)) failed.help = "make room on the disk, then deploy again";
  failed.log = std::move(log);
  return Error(std::move(failed));
}

TimedOut not_in_time(const std::string& process, std::string_view what, std::chrono::milliseconds limit,
                     const std::string& reason, const ProcessFacts& now, std::vector<std::string> log) {
  Diagnostic failed{
      .code = "H0121",
      .category = Category::timed_out,
      .message = fmt::format("waited {} in vain until process `{}` {}",
                             limit < std::chrono::seconds(1)
                                 ? fmt::format("{} ms", limit.count())
                                 : duration_text(std::chrono::duration_cast<std::chrono::seconds>(limit)),
                             process, what),
      .subject = "process/" + process,
      .facts = {{"last reason", printable(reason)}},
      .log = std::move(log),
      .help = now.paused && now.pid != 0
                  ? fmt::format("let it go on (kill -CONT {}), then deploy again", now.pid)
                  : "its log says what it waits for; one that only needs longer has its limit in the Score"};
  failed.facts.emplace_back("process", now.pid == 0 ? "not running"
                                       : now.paused ? fmt::format("pid {}, {}", now.pid, paused_text(now.pid))
                                                    : fmt::format("pid {}, running", now.pid));
  if (!now.deaths.empty()) failed.facts.emplace_back("last exit", fmt::format("it {}", text_of(now.deaths.back())));
  return TimedOut(std::move(failed));
}

Error unproven(const std::string& process, const Endpoint& endpoint, std::string why,
               std::vector<std::pair<std::string, std::string>> facts) {
  return Error({.code = "H0122",
                .message = fmt::format("what answers on {} is not process `{}` as it was deployed: {}", endpoint.text(),
                                       process, why),
                .subject = "process/" + process,
                .facts = std::move(facts),
                .help = "deploy again; where somebody else holds the port, end that first"});
}

}  // namespace harmony::host
