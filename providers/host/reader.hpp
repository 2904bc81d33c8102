#pragma once
/// All that this primitive reads, for the real host and its twin alike. Opens nothing for writing, starts nothing.
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "harmony/ledger.hpp"
#include "host/facts.hpp"
#include "host/folder.hpp"
#include "host/hash.hpp"
#include "host/host.hpp"
#include "host/sockets.hpp"
#include "host/state.hpp"
#include "host/supervisor.hpp"

namespace harmony::host {

/// Thread-safe.
class Reader {
 public:
  Reader(const State&, std::shared_ptr<Ledger>);
  const State& state() const { return state_; }
  const Folder& folder() const { return folder_; }
  Supervisor& supervisor() const { return supervisor_; }
  const Ledger& ledger() const { return *ledger_; }

  // who owns what
  bool as_root() const { return state_.as_root(); }
  std::string owner_name(Owner) const;
  /// Nothing as a normal user; and where the service user is not there yet.
  std::optional<Account> account(Owner) const;
  /// Root, and the group of the service: for folders that services only pass.
  std::optional<Account> passable() const;
  /// As root the service user is there; as a normal user always.
  bool user_there() const;

  // what is there
  std::optional<PathState> directory(const std::filesystem::path&) const;
  std::optional<FileState> file(const std::filesystem::path&) const;
  std::optional<TreeState> tree(const Tree&) const;
  /// One that has just been started is waited for until it has said what it is.
  ProcessFacts process(const Scope&, const std::string& name) const;
  ProcessState state_of(const ProcessFacts&) const;
  std::optional<Listener> listener(const Endpoint&, const std::string& process) const;
  /// Who listens there and belongs to no process of this deployment; its command says who, as far as it can be read.
  std::optional<Listener> stranger(const Endpoint&) const;
  bool free(int port) const;
  /// The port that the ledger holds for an instance, and whether it was settled.
  struct Port {
    int number = 0;
    bool owned = false;
  };
  std::optional<Port> kept_port(const std::string& instance) const;
  std::set<int> reserved_ports() const;
  std::optional<Secret<std::string>> secret(const std::string& name) const;
  /// @throws Error H0109
  std::string hash_of_source(const std::filesystem::path&) const;
  std::optional<std::string> hash_of(const std::filesystem::path& file) const { return hashes_.of(file); }
  bool installed(const Subject& artefact) const;
  /// True where what a ledger entry names is there; false for what only the ledger knows.
  bool there(const LedgerEntry&) const;
  /// True where a removal has something to take away: also what a kill left beside it.
  bool left(const LedgerEntry&) const;

  /// Of what a key of the read set names: "user/NAME", "directory/PATH", "file/PATH", "tree/PATH", "process/NAME",
  /// "stranger/ADDRESS:PORT", "port/NUMBER", "artefact/SOURCE", "installed/FILE@HASH", "secret/NAME".
  std::string fingerprint(const Scope&, std::string_view key) const;

 private:
  void learn_hashes() const;
  std::string other_executable(int pid, const Definition&) const;
  bool process_there(const std::string& name) const;
  Listener described(const ListeningSocket&) const;
  /// The one of these processes, or below them, that holds a socket; 0 where none does.
  static int holder_among(const std::set<int>& pids, const ListeningSocket&);

  State state_;
  Folder folder_;
  std::shared_ptr<Ledger> ledger_;
  FileHashes hashes_;
  mutable Supervisor supervisor_;
  mutable std::once_flag learnt_;
};

/// Where the artefact of a subject's name ("guestbook@3f9a41c2…") is: artefacts/<first 16 digits>/<file name>.
std::filesystem::path artefact_file(const std::string& subject_name);
/// The number in a ledger entry of a port; 0 where it has none.
int port_number(const LedgerEntry&);

}  // namespace harmony::host
