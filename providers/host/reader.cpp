#include "host/reader.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <sstream>

#include <fmt/format.h>

#include "host/account.hpp"
#include "host/diff.hpp"
#include "host/failures.hpp"
#include "host/logs.hpp"
#include "host/process_table.hpp"
#include "host/text.hpp"

namespace harmony::host {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

PathState state_of_path(const PathFacts& facts) { return {facts.mode, user_name(facts.owner.user)}; }

std::string trimmed(std::string text) {
  text.erase(text.find_last_not_of(" \n\r\t") + 1);
  return text;
}

Error wrong_kind(const fs::path& path, std::string_view wanted) {
  return Error({.code = "H0106",
                .category = Category::refused,
                .message = fmt::format("`{}` is there, and is no {}", path.string(), wanted),
                .subject = "file/" + path.string(),
                .help = "look who put it there, and move it away"});
}

}  // namespace

fs::path artefact_file(const std::string& subject_name) {
  const auto at = subject_name.rfind('@');
  return fs::path("artefacts") / subject_name.substr(at + 1) / subject_name.substr(0, at);
}

int port_number(const LedgerEntry& entry) {
  int number = 0;
  std::from_chars(entry.identity.data(), entry.identity.data() + entry.identity.size(), number);
  return number;
}

Reader::Reader(const State& state, std::shared_ptr<Ledger> ledger)
    : state_(state), folder_(state.root()), ledger_(std::move(ledger)), supervisor_(folder_) {}

// ---------------------------------------------------------------- owners

std::string Reader::owner_name(Owner owner) const {
  return owner == Owner::service && as_root() ? state_.service_user() : user_name(::geteuid());
}

std::optional<Account> Reader::account(Owner owner) const {
  if (!as_root()) return std::nullopt;
  if (owner == Owner::deployment) return Account{0, 0};
  return account_of(state_.service_user());
}

std::optional<Account> Reader::passable() const {
  const auto service = account(Owner::service);
  if (!service) return std::nullopt;
  return Account{0, service->group};
}

bool Reader::user_there() const { return !as_root() || account(Owner::service); }

// ---------------------------------------------------------------- files

std::optional<PathState> Reader::directory(const fs::path& path) const {
  const auto facts = folder_.look(path);
  if (!facts) return std::nullopt;
  if (facts->kind != PathFacts::Kind::folder) throw wrong_kind(folder_.absolute(path), "folder");
  return state_of_path(*facts);
}

std::optional<FileState> Reader::file(const fs::path& path) const {
  const auto facts = folder_.look(path);
  if (!facts) return std::nullopt;
  if (facts->kind != PathFacts::Kind::file) throw wrong_kind(folder_.absolute(path), "file");
  FileState state{.path = state_of_path(*facts), .content = folder_.read(path)};
  const LedgerState ledger = ledger_->read();
  const auto* entry = ledger.find(file_subject(path));
  // One that is only intended may still be what somebody else left there.
  state.may_hold_secrets = !entry || entry->state == LedgerEntry::State::intended || entry->identity != without_secrets;
  return state;
}

std::optional<TreeState> Reader::tree(const Tree& tree) const {
  const auto facts = folder_.look(tree.path);
  if (!facts) return std::nullopt;
  if (facts->kind != PathFacts::Kind::folder) throw wrong_kind(folder_.absolute(tree.path), "folder");
  if (tree.version_file.empty()) return TreeState{};
  return TreeState{trimmed(folder_.read(tree.path / tree.version_file).value_or(""))};
}

std::optional<Secret<std::string>> Reader::secret(const std::string& name) const {
  auto content = folder_.read(fs::path("keys") / name);
  if (!content || trimmed(*content).empty()) return std::nullopt;  // a full disk leaves such; it would open everything
  return Secret<std::string>{trimmed(std::move(*content))};
}

// ---------------------------------------------------------------- artefacts

/// Sources whose hash was noted when they were copied need not be read again while they are the same files.
void Reader::learn_hashes() const {
  for (const std::string& name : folder_.names("artefacts")) {
    std::istringstream note{folder_.read(fs::path("artefacts") / name / ".source").value_or("")};
    FileIdentity source;
    std::string hash;
    if (note >> source.device >> source.inode >> source.size >> source.modified >> source.changed >> hash)
      hashes_.learn(source, hash);
  }
}

std::string Reader::hash_of_source(const fs::path& source) const {
  std::call_once(learnt_, [this] { learn_hashes(); });
  std::error_code none;
  const auto hash = fs::is_regular_file(source, none) ? hashes_.of(source) : std::nullopt;
  if (hash) return *hash;
  throw executable_unreadable(source);
}

bool Reader::installed(const Subject& artefact) const {
  const auto facts = folder_.look(artefact_file(artefact.name));
  const int may_start = as_root() ? 0555 : 0500;
  if (!facts || facts->kind != PathFacts::Kind::file || (facts->mode & may_start) != may_start) return false;
  const auto hash = hash_of(folder_.absolute(artefact_file(artefact.name)));
  return hash && artefact.name.ends_with("@" + hash->substr(0, 16));  // a damaged copy is none
}

// ---------------------------------------------------------------- processes

ProcessFacts Reader::process(const Scope& at, const std::string& name) const {
  constexpr int patience = 50;  // its first act takes milliseconds
  ProcessFacts facts = supervisor_.facts(name);
  for (int i = 0; i < patience && facts.declared && facts.pid != 0 && !facts.settled; ++i) {
    at.pause(2ms);
    facts = supervisor_.facts(name);
  }
  if (facts.pid != 0 && !facts.settled) facts.running.reset();  // it runs, and nobody knows as what
  if (facts.pid != 0 && facts.running) facts.other_executable = other_executable(facts.pid, *facts.running);
  facts.paused = facts.pid != 0 && is_paused(facts.pid);
  return facts;
}

/// What was started from a damaged copy goes on running when the copy is mended.
std::string Reader::other_executable(int pid, const Definition& definition) const {
  const std::string wanted = definition.field("executable");
  std::error_code unreadable;
  const fs::path link = fmt::format("/proc/{}/exe", pid);
  const std::string runs = fs::read_symlink(link, unreadable);
  // Others are shells: one that is about to become it, or the interpreter of a script.
  if (wanted.empty() || unreadable || !runs.starts_with(folder_.absolute("artefacts/").string())) return {};
  const auto hash = hashes_.of(link);
  return hash && *hash != wanted ? *hash : std::string{};
}

ProcessState Reader::state_of(const ProcessFacts& facts) const {
  ProcessState state{.declared = facts.declared,
                     .up = facts.kept_up && facts.pid != 0,
                     .pid = facts.pid,
                     .since = facts.since,
                     .exits = static_cast<int>(facts.deaths.size())};
  if (!facts.deaths.empty()) {
    const Death& last = facts.deaths.back();
    if (last.signal != 0) state.last_exit_signal = last.signal;
    else state.last_exit_code = last.exit_code;
  }
  if (facts.running) {
    state.listens = facts.running->listens();
    state.ready_path = facts.running->field(ready_path_field);
  }
  return state;
}

int Reader::holder_among(const std::set<int>& pids, const ListeningSocket& socket) {
  for (const int pid : pids)
    if (holds(pid, socket.inode)) return pid;
  for (const int pid : with_descendants(pids))
    if (!pids.contains(pid) && holds(pid, socket.inode)) return pid;
  return 0;
}

Listener Reader::described(const ListeningSocket& socket) const {
  Listener listener{.pid = holder_of(socket.inode)};
  if (listener.pid != 0) listener.command = command_of(listener.pid);
  if (listener.command.empty())
    listener.command =
        fmt::format("a process of user `{}`, which only that user and root may look at", user_name(socket.owner));
  return listener;
}

std::optional<Listener> Reader::listener(const Endpoint& endpoint, const std::string& process) const {
  std::optional<Listener> ours;
  for (const ListeningSocket& socket : reached_at(endpoint, listening_sockets())) {
    const int supervised = supervisor_.pid(process);
    const int pid = supervised != 0 ? holder_among({supervised}, socket) : 0;
    if (pid == 0) return described(socket);  // one that shares the port with ours is a stranger, too
    ours = Listener{.pid = pid, .command = command_of(pid), .ours = true};
  }
  return ours;
}

std::optional<Listener> Reader::stranger(const Endpoint& endpoint) const {
  for (const ListeningSocket& socket : reached_at(endpoint, listening_sockets()))
    if (holder_among(supervisor_.pids(), socket) == 0 && holder_among(supervisor_.started(), socket) == 0)
      return described(socket);
  return std::nullopt;
}

// ---------------------------------------------------------------- ports

/// Ports of our own processes are in the ledger; where that was lost, they find their own again.
bool Reader::free(int port) const {
  return std::ranges::none_of(listening_sockets(), [&](const ListeningSocket& socket) {
    return socket.port == port && holder_among(supervisor_.pids(), socket) == 0;
  });
}

std::optional<Reader::Port> Reader::kept_port(const std::string& instance) const {
  const LedgerState ledger = ledger_->read();
  const auto* entry = ledger.find(port_subject(instance));
  if (!entry || port_number(*entry) == 0) return std::nullopt;
  return Port{port_number(*entry), entry->state != LedgerEntry::State::intended};
}

std::set<int> Reader::reserved_ports() const {
  std::set<int> all;
  for (const LedgerEntry& entry : ledger_->read().entries)
    if (entry.subject.primitive == "host" && entry.subject.kind == "port") all.insert(port_number(entry));
  return all;
}

// ---------------------------------------------------------------- ledger entries and keys

/// Also what a removal left that was killed on its way.
bool Reader::process_there(const std::string& name) const {
  const ProcessFacts facts = supervisor_.facts(name);
  if (facts.declared || facts.left_over || supervisor_.forsaken() || folder_.look(log_folder(name))) return true;
  if (supervisor_.anything_runs(name)) return true;
  const fs::path home = fs::path("services") / name;
  return folder_.look(home) && !ledger_->read().find(directory_subject(home));
}

bool Reader::there(const LedgerEntry& entry) const {
  const auto& [primitive, kind, name] = entry.subject;
  if (kind == "user") return user_there();
  if (kind == "port") return true;
  if (kind == "secret") return folder_.look(fs::path("keys") / name).has_value();
  if (kind == "artefact") return folder_.look(artefact_file(name)).has_value();
  if (kind == "process") return process_there(name);
  return folder_.look(name).has_value();
}

bool Reader::left(const LedgerEntry& entry) const {
  if (there(entry)) return true;
  const auto& [primitive, kind, name] = entry.subject;
  const auto found = [&](const fs::path& path) { return folder_.look(path).has_value(); };
  if (kind == "secret") return found(Folder::draft_of(fs::path("keys") / name));
  if (kind == "file") return found(Folder::draft_of(name));
  if (kind == "tree")
    return found(name + ".next") || found(log_of_tree(name)) || found(Folder::draft_of(log_of_tree(name)));
  if (kind == "artefact") {
    const fs::path place = artefact_file(name).parent_path();
    return found(Folder::draft_of(place)) || folder_.names(place) == std::vector<std::string>{".source"};
  }
  return false;
}

std::string Reader::fingerprint(const Scope& at, std::string_view key) const {
  const auto slash = key.find('/');
  const std::string kind{key.substr(0, slash)}, name{slash == std::string_view::npos ? "" : key.substr(slash + 1)};
  const auto of_path = [](const PathState& path) { return fmt::format("{} {}", octal(path.mode), path.owner); };
  const auto seen = [](bool is_there) { return std::string(is_there ? "there" : ""); };
  if (kind == "user") return seen(user_there());
  if (kind == "directory") {
    const auto live = directory(name);
    return live ? of_path(*live) : "";
  }
  if (kind == "file") {
    const auto live = file(name);
    return live ? of_path(live->path) + " " + at.fingerprinter().of(*live->content) : "";
  }
  if (kind == "tree") return seen(folder_.look(name).has_value());
  if (kind == "process") return process(at, name).fingerprint();
  if (kind == "stranger") return seen(stranger(parse_endpoint(name).value_or(Endpoint{})).has_value());
  if (kind == "port") return seen(!free(parse_endpoint(":" + name).value_or(Endpoint{}).port));
  if (kind == "artefact") return hash_of_source("/" + name);
  if (kind == "installed") return seen(installed({"host", "artefact", name}));
  if (kind == "secret") {
    const auto live = secret(name);
    return live ? at.fingerprinter().of(live->reveal()) : "";
  }
  throw InternalError(fmt::format("nothing of a host is called `{}`", key));
}

}  // namespace harmony::host
