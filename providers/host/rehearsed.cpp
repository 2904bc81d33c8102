#include "host/rehearsed.hpp"

#include <fmt/format.h>

#include "host/diff.hpp"
#include "host/failures.hpp"
#include "host/machine_host.hpp"
#include "host/names.hpp"
#include "host/port.hpp"

namespace harmony::host {

namespace fs = std::filesystem;

RehearsedHost::RehearsedHost(std::shared_ptr<Host> real, Rehearsal& rehearsal)
    : real_(std::dynamic_pointer_cast<MachineHost>(std::move(real))),
      rehearsal_(rehearsal),
      endpoints_(rehearsal.facts<PendingEndpoints>()) {
  if (!real_) throw InternalError("the twin of a host is made from a real one");
  reader().state().require_makeable();
}
RehearsedHost::~RehearsedHost() = default;

const Reader& RehearsedHost::reader() const { return real_->reader(); }

std::string RehearsedHost::note_read(const Scope& at, const std::string& key) {
  std::string fingerprint = reader().fingerprint(at, key);
  rehearsal_.read("host", key, fingerprint);
  return fingerprint;
}

// ---------------------------------------------------------------- reads

ProcessFacts RehearsedHost::facts(const Scope& at, const std::string& name, bool* pending) {
  {
    std::lock_guard own{mutex_};
    if (const auto found = processes_.find(name); found != processes_.end()) {
      if (pending) *pending = true;
      return found->second.value_or(ProcessFacts{});
    }
  }
  ProcessFacts live = reader().process(at, name);
  rehearsal_.read("host", "process/" + name, live.fingerprint());
  return live;
}

bool RehearsedHost::is_pending(const std::string& process) const {
  std::lock_guard own{mutex_};
  return processes_.contains(process);
}

ProcessState RehearsedHost::process(Scope& at, const std::string& name) {
  bool pending = false;
  const ProcessFacts live = facts(at, name, &pending);
  ProcessState state = reader().state_of(live);
  state.pending = pending;
  if (pending) state.up = live.kept_up;
  return state;
}

Deferred<Secret<std::string>> RehearsedHost::render(Scope& at, const Content& content) {
  return real_->render(at, content);
}
fs::path RehearsedHost::absolute(const fs::path& below_state) const { return real_->absolute(below_state); }
Observation RehearsedHost::observe(Scope& at, const LedgerEntry& entry) { return real_->observe(at, entry); }
void RehearsedHost::logs(Scope& at, const LedgerEntry& entry, const LogQuery& query, const LogSink& sink) {
  real_->logs(at, entry, query, sink);
}
std::string RehearsedHost::read_again(Scope& at, std::string_view key) { return real_->read_again(at, key); }
void RehearsedHost::prove(Scope& at, const std::string& process, const Endpoint& endpoint) {
  real_->prove(at, process, endpoint);
}

// ---------------------------------------------------------------- files

void RehearsedHost::ensure_user(Scope& at, Owner who) {
  if (who != Owner::service || !reader().as_root()) return;
  const std::string name = reader().state().service_user();
  const auto hold = at.hold(user_subject(name));
  {
    std::lock_guard own{mutex_};
    if (user_reported_) return;
    user_reported_ = true;
  }
  // One that is there is nobody's step: which of them comes first is left to chance, and a plan is not.
  const bool there = !note_read(at, "user/" + name).empty();
  if (!there) at.change(user_change(name), [] { return Settled{}; });
}

void RehearsedHost::ensure(Scope& at, const Directory& directory) {
  require_path("directory", directory.path);
  ensure_user(at, directory.owner);
  const auto hold = at.hold(directory_subject(directory.path));
  const auto live = [&]() -> std::optional<PathState> {
    {
      std::lock_guard own{mutex_};
      if (const auto found = directories_.find(directory.path); found != directories_.end()) return found->second;
    }
    note_read(at, "directory/" + directory.path.string());
    return reader().directory(directory.path);
  }();
  const std::string owner = reader().owner_name(directory.owner);
  at.change(directory_change(directory, owner, live), [&] {
    std::lock_guard own{mutex_};
    directories_[directory.path] = PathState{directory.mode, owner};
    return Settled{};
  });
}

void RehearsedHost::ensure(Scope& at, const File& file) {
  require_path("file", file.path);
  ensure_user(at, file.owner);
  const auto hold = at.hold(file_subject(file.path));
  const auto live = [&]() -> std::optional<FileState> {
    {
      std::lock_guard own{mutex_};
      if (const auto found = files_.find(file.path); found != files_.end()) return found->second;
    }
    note_read(at, "file/" + file.path.string());
    return reader().file(file.path);
  }();
  const Rendered content = rendered(at, file.content, key());
  const std::string owner = reader().owner_name(file.owner);
  at.change(file_change(file, content, owner, live, at.fingerprinter()), [&] {
    std::lock_guard own{mutex_};
    files_[file.path] = FileState{.path = {file.mode, owner},
                                  .content = content.pending() ? std::nullopt : std::optional{content.text()},
                                  .shown = content.shown,
                                  .may_hold_secrets = content.secrets};
    return Settled{};
  });
}

void RehearsedHost::ensure(Scope& at, const Tree& tree) {
  require_path("tree", tree.path);
  ensure_user(at, tree.owner);
  const auto hold = at.hold(tree_subject(tree.path));
  const auto live = [&]() -> std::optional<TreeState> {
    {
      std::lock_guard own{mutex_};
      if (const auto found = trees_.find(tree.path); found != trees_.end()) return found->second;
    }
    note_read(at, "tree/" + tree.path.string());
    if (!tree.version_file.empty()) note_read(at, "file/" + (tree.path / tree.version_file).string());
    return reader().tree(tree);
  }();
  const Change change = tree_change(tree, live);
  if (change.action == Action::create)
    require_unserved(tree, !tree.served_by.empty() && process(at, tree.served_by).up);
  if (change.action != Action::unchanged && !tree.command.empty())
    require_program(tree.command.front(), change.subject);
  at.change(change, [&] {
    std::lock_guard own{mutex_};
    trees_[tree.path] = TreeState{tree.version};
    return Settled{};
  });
}

InstalledArtefact RehearsedHost::ensure(Scope& at, const Artefact& artefact) {
  const std::string file_name = artefact.source.filename();
  require_name("artefact", file_name);
  const std::string hash = note_read(at, "artefact/" + artefact.source.relative_path().string());
  const Subject subject = artefact_subject(file_name, hash);
  const auto hold = at.hold(subject);
  const fs::path path = absolute(artefact_file(subject.name));
  const bool there = [&] {
    {
      std::lock_guard own{mutex_};
      if (artefacts_.contains(path)) return true;
    }
    return !note_read(at, "installed/" + subject.name).empty();
  }();
  at.change(artefact_change(file_name, hash, there), [&] {
    std::lock_guard own{mutex_};
    artefacts_.insert(path);
    return Settled{};
  });
  return {path, hash};
}

// ---------------------------------------------------------------- processes

void RehearsedHost::require_free(const Scope& at, const Endpoint& endpoint, const Subject& wanted_by) {
  if (note_read(at, "stranger/" + endpoint.text()).empty()) return;
  if (const auto holder = reader().stranger(endpoint)) throw port_taken(endpoint, *holder, wanted_by.text());
}

void RehearsedHost::ensure(Scope& at, const Process& process) {
  require_process_name(process.name);
  ensure_user(at, process.owner);
  const Subject subject = process_subject(process.name);
  const auto hold = at.hold(subject);
  Supervisor::require_installed(reader().as_root());
  const std::string program = process.command.empty() ? std::string{} : process.command.front();
  const bool to_be_installed = [&] {
    std::lock_guard own{mutex_};
    return artefacts_.contains(program);
  }();
  if (!to_be_installed) require_program(program, subject);
  const bool other_user = process.owner == Owner::service && reader().as_root();
  const WantedProcess wanted = host::wanted(at, process, other_user ? reader().state().service_user() : "", key());
  const ProcessFacts before = facts(at, process.name);
  if (process.listens) require_free(at, *process.listens, subject);
  const Change change = process_change(process, wanted, before);
  at.change(change, [&] {
    announce(process, before, change);
    std::lock_guard own{mutex_};
    processes_[process.name] = ProcessFacts{.declared = true,
                                            .kept_up = true,
                                            .scanned = true,
                                            .settled = true,
                                            .declared_id = wanted.definition.id(),
                                            .next = wanted.definition,
                                            .running_id = wanted.definition.id(),
                                            .running = wanted.definition};
    return Settled{};
  });
  if (change.action == Action::unchanged && !is_pending(process.name)) announce_starting(process);
}

/// What a twin that would talk to this server must know: is there one now, where, and has it data?
void RehearsedHost::announce(const Process& process, const ProcessFacts& before, const Change& change) {
  if (!process.listens) return;
  PendingEndpoints::State state;
  if (before.kept_up && before.pid != 0 && before.running) state.now = before.running->listens();
  {
    std::lock_guard own{mutex_};
    const auto data = trees_.find(process.data);
    state.fresh = data != trees_.end() && data->second;
  }
  const char* what = change.action == Action::create ? "is made" : before.kept_up ? "changes" : "is down";
  state.because = fmt::format("process `{}` {}", process.name, what);
  endpoints_.put(*process.listens, std::move(state));
}

/// It is as wanted, and yet not there: just started, or started again and again.
void RehearsedHost::announce_starting(const Process& process) {
  if (!process.listens || listens(process)) return;
  endpoints_.put(*process.listens,
                 {.now = std::nullopt, .fresh = false, .because = fmt::format("process `{}` listens", process.name)});
}

bool RehearsedHost::listens(const Process& process) {
  {
    std::lock_guard own{mutex_};
    if (listening_.contains(process.name)) return true;
  }
  const auto found = reader().listener(*process.listens, process.name);
  if (!found || !found->ours) return false;
  std::lock_guard own{mutex_};
  listening_.insert(process.name);
  return true;
}

void RehearsedHost::ask_once(Scope& at, const Process& process, std::chrono::milliseconds limit, std::string_view what,
                             const std::function<std::optional<std::string>()>& not_yet) {
  if (is_pending(process.name)) return;  // the deploy waits for it
  std::string reason;
  const bool so = at.until(key(),
                           {.limit = limit,
                            .what = fmt::format("process `{}` {}", process.name, what),
                            .subject = "process/" + process.name},
                           [&]() -> std::optional<std::string> {
                             auto why = not_yet();
                             if (why) reason = *why;
                             return why;
                           });
  if (so) return;
  at.change({.subject = process_subject(process.name), .fidelity = Fidelity::unknown, .reason = reason},
            [] { return Settled{}; });
}

void RehearsedHost::until_listening(Scope& at, const Process& process, std::chrono::milliseconds limit) {
  if (!process.listens) return;
  ask_once(at, process, limit, "listens", [&]() -> std::optional<std::string> {
    if (listens(process)) return std::nullopt;
    return fmt::format("`{}` does not listen on {} yet", process.name, process.listens->text());
  });
}

void RehearsedHost::until_ready(Scope& at, const Process& process, std::chrono::milliseconds limit,
                                const std::function<std::optional<std::string>()>& not_yet) {
  if (process.listens && endpoints_.find(*process.listens)) return;  // not there yet, which until_listening has said
  ask_once(at, process, limit, "is ready", not_yet);
}

// ---------------------------------------------------------------- ports and secrets

int RehearsedHost::port(Scope& at, const std::string& instance) {
  require_name("port", instance);
  const Subject subject = port_subject(instance);
  const auto hold = at.hold(subject);
  const auto kept = reader().kept_port(instance);
  std::unique_lock own{mutex_};
  const auto found = ports_.find(instance);
  const bool first = found == ports_.end();
  if (first) {
    int number = kept ? kept->number : 0;
    if (number == 0) {
      auto reserved = reader().reserved_ports();
      for (const auto& [other, chosen] : ports_) reserved.insert(chosen);
      number = choose_port(reader().state().deployment(), instance,
                           [&](int port) { return reserved.contains(port) || !reader().free(port); });
      rehearsal_.read("host", fmt::format("port/{}", number), "");
    }
    ports_[instance] = number;
  }
  const int number = ports_[instance];
  own.unlock();
  if (first && kept) require_free(at, Endpoint{.port = number}, subject);
  at.change(port_change(instance, number, !first || (kept && kept->owned)), [] { return Settled{}; });
  return number;
}

Deferred<Secret<std::string>> RehearsedHost::secret(Scope& at, const std::string& name,
                                                    const std::filesystem::path& opens) {
  require_secret_name(name);
  const auto hold = at.hold(secret_subject(name));
  const bool again = [&] {
    std::lock_guard own{mutex_};
    return secrets_.contains(name);
  }();
  if (!again) note_read(at, "secret/" + name);
  const auto kept = again ? std::nullopt : reader().secret(name);
  if (!again && !kept) require_unused(name, opens, !opens.empty() && reader().tree({.path = opens, .command = {}}));
  at.change(secret_change(name, again || kept), [&] {
    std::lock_guard own{mutex_};
    secrets_.insert(name);
    return Settled{};
  });
  if (!kept) return Deferred<Secret<std::string>>::pending("it is generated");
  at.conceal(*kept);
  return *kept;
}

// ---------------------------------------------------------------- removal

void RehearsedHost::remove(Scope& at, const LedgerEntry& entry) {
  const auto hold = at.hold(entry.subject);
  if (entry.shared) {
    at.change({.subject = entry.subject, .shared = true}, [] { return Settled{}; });
    return;
  }
  at.change(removal(entry, reader().left(entry)), [&] {
    std::lock_guard own{mutex_};
    const auto& [primitive, kind, name] = entry.subject;
    if (kind == "directory") directories_[name] = std::nullopt;
    if (kind == "file") files_[name] = std::nullopt;
    if (kind == "tree") trees_[name] = std::nullopt;
    if (kind == "process") processes_[name] = std::nullopt;
    return Settled{};
  });
}

}  // namespace harmony::host
