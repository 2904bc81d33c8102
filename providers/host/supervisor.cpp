#include "host/supervisor.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "host/command.hpp"
#include "host/durable.hpp"
#include "host/hash.hpp"
#include "host/logs.hpp"
#include "host/pipe.hpp"
#include "host/program.hpp"
#include "host/supervisor_layout.hpp"
#include "host/text.hpp"

namespace harmony::host {

namespace fs = std::filesystem;

namespace {

constexpr int passable(const std::optional<Account>& reader) { return reader ? 0710 : 0700; }

Time parse_told(const std::optional<std::string>& text) {
  long long nanoseconds = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), nanoseconds);
  return Time{std::chrono::duration_cast<Time::duration>(std::chrono::nanoseconds{nanoseconds})};
}

/// The letter by which s6-supervise sends a signal; 0 where it knows none.
char letter_of(int signal) {
  switch (signal) {
    case SIGHUP: return 'h';
    case SIGINT: return 'i';
    case SIGQUIT: return 'q';
    case SIGTERM: return 't';
    case SIGUSR1: return '1';
    case SIGUSR2: return '2';
    case SIGALRM: return 'a';
    case SIGABRT: return 'b';
    case SIGWINCH: return 'y';
    case SIGCONT: return 'c';
    default: return 0;
  }
}

/// Of all that decides how a process is started.
std::string seal_of(std::string_view record, std::string_view start, std::string_view run) {
  return sha256(sha256(record) + sha256(start) + sha256(run)) + "\n";
}

}  // namespace

// ---------------------------------------------------------------- reads

int Supervisor::holder(const fs::path& lock) const {
  const Descriptor file = state_.open(lock, O_RDONLY);
  return file ? lock_holder(file.number()) : 0;
}
bool Supervisor::alive() const { return holder(scanner / "lock") != 0; }
bool Supervisor::supervised(const fs::path& service) const { return holder(service / "supervise/lock") != 0; }

std::vector<std::string> Supervisor::names() const {
  auto all = state_.names(scan_folder);
  std::erase_if(all, [](const std::string& name) { return name.starts_with('.'); });
  return all;
}

std::optional<ServiceStatus> Supervisor::status(const std::string& name) const {
  const auto content = state_.read(service(name) / "supervise/status");
  return content ? parse_status(*content) : std::nullopt;
}

std::optional<Definition> Supervisor::definition(const std::string& name, const std::string& id) const {
  if (id.empty() || id.find('/') != std::string::npos) return std::nullopt;
  const auto record = state_.read(service(name) / "definitions" / id / "record.json");
  return record ? Definition::parse(*record) : std::nullopt;
}

/// The scripts of a definition and the one that starts it are as they were written.
bool Supervisor::intact(const fs::path& definition, std::string_view run) const {
  const auto record = state_.read(definition / "record.json"), start = state_.read(definition / "start"),
             seal = state_.read(definition / "seal");
  return record && start && seal && *seal == seal_of(*record, *start, run);
}

ProcessFacts Supervisor::facts(const std::string& name) const {
  ProcessFacts facts;
  facts.left_over = state_.look(half_made(name)) || state_.look(half_removed(name));
  if (!state_.look(service(name))) {
    facts.strays = strays(name, 0);
    return facts;
  }
  facts.declared = true;
  const std::string run = state_.read(service(name) / "run").value_or("");
  if (const std::string id = definition_id(run); intact(service(name) / "definitions" / id, run)) {
    facts.declared_id = id;
    facts.next = definition(name, id);
  }
  facts.scanned = alive();
  facts.log_gone = !state_.look(log_folder(name));
  facts.told = parse_told(state_.read(service(name) / "told"));
  const auto started = parse_started(state_.read(service(name) / "started").value_or(""));
  if (started) {
    facts.running_id = started->id;
    facts.running = definition(name, started->id);
  }
  if (supervised(service(name))) {
    if (const auto now = status(name)) {
      facts.kept_up = now->wants_up;
      facts.pid = now->pid;
      facts.since = now->since;
    }
    for (const Death& death : parse_deaths(state_.read(service(name) / "supervise/death_tally").value_or("")))
      if (death.at > facts.told) facts.deaths.push_back(death);
  }
  const auto reloading = parse_started(state_.read(service(name) / "reloading").value_or(""));
  facts.half_reloaded = reloading && facts.pid != 0 && reloading->pid == facts.pid;
  facts.settled = started && (facts.pid == 0 || facts.pid == started->pid);
  // One more of the same keeps its port or its data from it, and it dies, again and again; or shares its port with it.
  // Then this one was started by no deploy, and after no death that anybody has seen: s6-svscan waits a second before it
  // replaces an s6-supervise.
  const bool unasked = facts.since > facts.told + std::chrono::seconds(1);
  if (facts.pid == 0 || !facts.deaths.empty() || unasked) facts.strays = strays(name, facts.pid);
  return facts;
}

int Supervisor::pid(const std::string& name) const {
  const auto now = supervised(service(name)) ? status(name) : std::nullopt;
  return now ? now->pid : 0;
}

std::vector<int> Supervisor::strays(const std::string& name, int looked_after) const {
  std::vector<int> all;
  for (const MarkedProcess& found : mark_.carriers())
    if (found.name == name && found.main && found.pid != looked_after) all.push_back(found.pid);
  return all;
}

std::set<int> Supervisor::pids() const {
  std::set<int> all;
  for (const std::string& name : names())
    if (const int running = pid(name); running != 0) all.insert(running);
  return all;
}

std::set<int> Supervisor::started() const {
  std::set<int> all;
  for (const MarkedProcess& found : mark_.carriers()) all.insert(found.pid);
  return all;
}

bool Supervisor::anything_runs(const std::string& name) const {
  return supervised(service(name)) || !unattended(name).empty();
}

bool Supervisor::forsaken() const { return names().empty() && state_.look(scan_folder); }

void Supervisor::require_installed(bool as_root) {
  for (const char* name : {"s6-svscan", "s6-supervise", "s6-log"}) program(name, "s6");
  if (as_root) program("s6-setuidgid", "s6");
}

// ---------------------------------------------------------------- the supervisor itself

bool Supervisor::tell(const fs::path& control, std::string_view commands) const {
  const Descriptor pipe = state_.open(control, O_WRONLY);
  return pipe && write_to_pipe(pipe.number(), commands) == static_cast<ssize_t>(commands.size());
}

bool Supervisor::start_with(const Scope& at, const std::string& name, const std::optional<Account>& reader) {
  if (!alive()) note_start(service(name));
  const bool started = start(at, reader);
  before_start(name);  // who wants it has looked already
  return started;
}

std::optional<ProcessFacts> Supervisor::before_start(const std::string& name) {
  std::lock_guard one{starting_};
  auto found = started_with_it_.extract(name);
  return found ? std::optional{std::move(found.mapped())} : std::nullopt;
}

bool Supervisor::start(const Scope& at, const std::optional<Account>& reader) {
  std::lock_guard one{starting_};
  if (alive()) return false;
  for (const std::string& name : names()) started_with_it_[name] = facts(name);
  end_orphans(at);
  end_unattended(at, std::nullopt);
  state_.make(scan_folder, passable(reader), reader);
  state_.make("logs", 0700, std::nullopt);
  const Descriptor logs = state_.open("logs", O_RDONLY | O_DIRECTORY);
  const Descriptor log{
      ::openat(logs.number(), "supervisor", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!log) throw write_failure(state_.absolute("logs/supervisor"), errno);
  at.point("before the supervisor starts");
  start_detached({program("s6-svscan", "s6"), state_.absolute(scan_folder)}, "/", log, mark_.of_supervision());
  at.point("supervisor started");
  const bool lives =
      came_true(at, {.limit = settle_limit, .what = "the supervisor runs"}, [&]() -> std::optional<std::string> {
        if (alive() && state_.open(scanner / "control", O_WRONLY)) return std::nullopt;  // it listens, too
        return "the supervisor has not started yet";
      });
  if (lives) return true;
  throw Error({.code = "H0123",
               .message = "the supervisor does not start",
               .subject = "supervisor/" + state_.root().string(),
               .log = lines_of(state_.read("logs/supervisor").value_or("")),
               .help = fmt::format("run `s6-svscan {}` by hand: it says why", state_.absolute(scan_folder).string())});
}

// ---------------------------------------------------------------- its processes

void Supervisor::note_start(const fs::path& folder) const {
  const auto now =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch());
  state_.write(folder / "told", fmt::format("{}\n", now.count()), 0600, std::nullopt);
}

/// Whole before anything refers to it: `run` is what switches.
void Supervisor::write_definition(const fs::path& folder, const Declaration& wanted) const {
  const std::string id = wanted.process.definition.id();
  const fs::path definitions = folder / "definitions", place = definitions / id,
                 next = definitions / ("." + id + ".next");
  state_.make(definitions, passable(wanted.reader), wanted.reader);
  const std::string run = run_script(wanted), record = wanted.process.definition.json(),
                    start = start_script(wanted.process, wanted.working_folder);
  if (intact(place, run)) return;
  state_.remove(place);
  state_.remove(next);
  state_.make(next, passable(wanted.reader), wanted.reader);
  state_.write(next / "record.json", record, 0600, std::nullopt);
  state_.write(next / "start", start, wanted.reader ? 0640 : 0600, wanted.reader);
  state_.write(next / "seal", seal_of(record, start, run), 0600, std::nullopt);
  state_.rename(next, place);
}

std::string Supervisor::run_script(const Declaration& wanted) const {
  const std::string id = wanted.process.definition.id();
  return RunScript{.id = id,
                   .start = state_.absolute(service(wanted.name) / "definitions" / id / "start"),
                   .working_folder = wanted.working_folder,
                   .as_user = wanted.as_user,
                   .mark = mark_.line_of(wanted.name, wanted.stop_signal.value_or(SIGTERM))}
      .text();
}

void Supervisor::write_scripts(const fs::path& folder, const Declaration& wanted) const {
  if (wanted.stop_signal)
    state_.write(folder / "down-signal", fmt::format("{}\n", *wanted.stop_signal), 0600, std::nullopt);
  else state_.remove(folder / "down-signal");
  state_.write(folder / "run", run_script(wanted), 0700, std::nullopt);
}

void Supervisor::write_logger(const fs::path& folder, const std::string& name) const {
  state_.make(folder / "log", 0700, std::nullopt);
  state_.write(folder / "log/run",
               fmt::format("#!/bin/sh\numask 077\nexport TZ=UTC0\nexec {} -b -- T n10 s1000000 {}\n",
                           program("s6-log", "s6"), shell_word(state_.absolute(log_folder(name)).string())),
               0700, std::nullopt);
}

void Supervisor::declare(const Scope& at, const Declaration& wanted) const {
  // What a kill left: its logger would keep the new one's out.
  if (state_.look(half_removed(wanted.name))) finish_removal(at, wanted.name);
  const fs::path next = half_made(wanted.name);
  state_.remove(next);  // what a kill left
  state_.make(next, passable(wanted.reader), wanted.reader);
  write_definition(next, wanted);
  write_logger(next, wanted.name);
  note_start(next);
  write_scripts(next, wanted);
  at.point("service folder made");
  state_.rename(next, service(wanted.name));
  at.point("service folder in place");
  tell(scanner / "control", "a");
  at.point("supervisor told of the service");
}

void Supervisor::redefine(const Scope& at, const Declaration& wanted) const {
  write_definition(service(wanted.name), wanted);
  if (!state_.look(service(wanted.name) / "log/run")) write_logger(service(wanted.name), wanted.name);
  at.point("definition written");
  write_scripts(service(wanted.name), wanted);
  at.point("definition switched");
}

void Supervisor::reopen_log(const std::string& name) const {
  const fs::path log = service(name) / "log";
  if (supervised(log)) tell(log / "supervise/control", "t");  // s6-log ends, and is started again
}

void Supervisor::restart(const Scope& at, const std::string& name) const {
  if (!supervised(service(name))) {
    note_start(service(name));
    tell(scanner / "control", "a");
    at.point("supervisor told of the service");
    came_true(at, {.limit = settle_limit, .what = "the supervisor looks after it"},
              [&]() -> std::optional<std::string> {
                if (supervised(service(name)) && state_.look(service(name) / "supervise/control")) return std::nullopt;
                return fmt::format("the supervisor does not look after `{}` yet", name);
              });
  } else {
    bring_down(at, name);
    at.point("process ended");
    note_start(service(name));
  }
  tell(service(name) / "supervise/control", "u");
  at.point("process told to start");
}

void Supervisor::reload(const Scope& at, const std::string& name, const std::string& id, int signal) const {
  for (int tries = 0; tries < 3; ++tries) {
    const auto before = status(name);
    if (!before || before->pid == 0) break;  // it died meanwhile: its next start says by itself what it is
    // Whoever is killed from here on has perhaps reloaded it: `started` does not tell what it runs as then.
    state_.write(service(name) / "reloading", fmt::format("{} {}\n", id, before->pid), 0600, std::nullopt);
    at.point("reload noted");
    const char letter = letter_of(signal);
    if (letter != 0) tell(service(name) / "supervise/control", {&letter, 1});
    else ::kill(before->pid, signal);
    at.point("process told to reload");
    state_.write(service(name) / "started", fmt::format("{} {}\n", id, before->pid), 0600, std::nullopt);
    const auto after = status(name);
    if (after && after->pid == before->pid) break;
  }
  state_.remove(service(name) / "reloading");
}

ProcessFacts Supervisor::until_settled(const Scope& at, const std::string& name, const std::string& id) const {
  ProcessFacts now;
  const bool settled =
      came_true(at, {.limit = settle_limit, .what = fmt::format("`{}` is started", name), .subject = "process/" + name},
                [&]() -> std::optional<std::string> {
                  now = facts(name);
                  if (now.settled && now.kept_up && now.running_id == id) return std::nullopt;
                  return fmt::format("the supervisor has not started `{}` yet", name);
                });
  if (settled) return now;
  throw Error({.code = "H0123",
               .message = fmt::format("the supervisor does not start process `{}`", name),
               .subject = "process/" + name,
               .facts = {{"supervised", supervised(service(name)) ? "yes" : "no"},
                         {"started as", now.running_id.empty() ? "nothing" : now.running_id}},
               .log = lines_of(state_.read("logs/supervisor").value_or("")),
               .help = fmt::format("look at {}: is there room on the disk, may it be executed",
                                   state_.absolute(service(name)).string())});
}

void Supervisor::tidy(const std::string& name) const {
  const auto run = state_.read(service(name) / "run");
  const auto started = parse_started(state_.read(service(name) / "started").value_or(""));
  if (!run || !started) return;
  for (const std::string& id : state_.names(service(name) / "definitions"))
    if (id != definition_id(*run) && id != started->id) state_.remove(service(name) / "definitions" / id);
}

}  // namespace harmony::host
