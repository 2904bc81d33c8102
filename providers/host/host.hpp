#pragma once
/// Primitive: this machine. Files, folders made by a command, supervised processes, ports, generated secrets.
/// All paths lie below the deployment's state folder; names become path components and are checked (H0105).
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "harmony/primitive.hpp"
#include "harmony/reference.hpp"

namespace harmony::host {

struct Endpoint {
  std::string address = "127.0.0.1";
  int port = 0;
  auto operator<=>(const Endpoint&) const = default;
  std::string text() const { return address + ":" + std::to_string(port); }
};

/// Who owns a file or runs a process. As a normal user both are oneself; as root a service is the user `harmony`.
enum class Owner { deployment, service };

/// A text with secrets in it: pieces in order. Shown and fingerprinted with the secrets replaced.
using Content = std::vector<std::variant<std::string, Deferred<Secret<std::string>>>>;

struct File {
  std::filesystem::path path;  ///< relative to the state folder
  Content content;
  Owner owner = Owner::deployment;
  int mode = 0600;
};

struct Directory {
  std::filesystem::path path;
  Owner owner = Owner::service;
  int mode = 0700;
};

/// A folder that a command fills, whole or not at all: made beside its place and renamed into it.
struct Tree {
  std::filesystem::path path;
  std::vector<std::string> command;          ///< "%OUT%" stands for the folder to fill
  Content input = {};                        ///< its standard input
  Owner owner = Owner::service;
  bool holds_data = false;
  std::filesystem::path version_file = {};   ///< inside the tree ("PG_VERSION"): remembers the major version
  std::string version = {};                  ///< what version_file must say; else H0113 before any write
  std::string served_by = {};                ///< a process that works in it: none is made while that runs (H0116)
};

/// A server kept running by the supervisor: restarted when it dies, alive after this program's end.
struct Process {
  std::string name;                          ///< of the supervised service: "guestbook-db", "guestbook@3f9a41c2"
  std::vector<std::string> command;          ///< argv; the first is an absolute path
  std::map<std::string, Content> environment = {};
  Owner owner = Owner::service;
  std::optional<Endpoint> listens = {};      ///< a stranger there is an error of the plan (H0110)
  std::string ready_path = {};               ///< where it says over HTTP whether it is ready; empty: nowhere
  Content configuration = {};                ///< what it reads at start; compared by its fingerprint
  /// Which data its environment leads to, by variable: behind an address that stays the same, it may have been made anew.
  std::map<std::string, Content> identities = {};
  std::optional<FieldChange> outdated = {};  ///< why what runs has to start again though all else is as wanted
  std::optional<int> reload_signal = {};  ///< sent instead of a restart where only `configuration` moved
  std::optional<int> stop_signal = {};  ///< what ends it in good order, where that is not SIGTERM
  std::filesystem::path data = {};  ///< the Tree it serves, if any
  std::string executable_hash = {};  ///< SHA-256 of the artefact that must run; empty: not checked
  std::string interruption = "restarts";  ///< the effect of a restart, for the plan: "interrupts service"
};

struct ProcessState {
  bool declared = false;  ///< the supervisor has it
  bool up = false;
  int pid = 0;
  std::chrono::system_clock::time_point since{};
  int exits = 0;  ///< unexpected exits since it was last (re)started by a deploy
  std::optional<int> last_exit_code = {};
  std::optional<int> last_exit_signal = {};
  std::optional<Endpoint> listens = {};  ///< what the running one was started with
  std::string ready_path = {};  ///< and this
  bool pending = false;  ///< as a rehearsal leaves it: not so yet
};

/// An executable, copied into the state folder by its hash, so that what runs is what was deployed.
struct Artefact {
  std::filesystem::path source;
};
struct InstalledArtefact {
  std::filesystem::path path;  ///< absolute
  std::string hash;  ///< SHA-256 of its bytes, hex
};

/// What twins of other primitives must know of a server that is only pending. Locks itself.
class PendingEndpoints {
 public:
  struct State {
    std::optional<Endpoint> now;  ///< where it is served at present; nothing: nowhere
    bool fresh = false;  ///< its data is itself pending: known to be empty
    std::string because;  ///< completes "known after …": "process guestbook-db is only planned"
  };
  void put(const Endpoint&, State);
  std::optional<State> find(const Endpoint&) const;

 private:
  mutable std::mutex mutex_;
  std::map<Endpoint, State> endpoints_;
};

class RehearsedHost;

/// Thread-safe. Every write goes through scope.change, and only where something differs.
class Host : public Primitive {
 public:
  using twin = RehearsedHost;
  std::string_view primitive() const override { return "host"; }

  // reads
  virtual ProcessState process(Scope&, const std::string& name) = 0;
  /// A Content as one text; pending where a part is.
  virtual Deferred<Secret<std::string>> render(Scope&, const Content&) = 0;

  // writes
  virtual void ensure(Scope&, const Directory&) = 0;
  virtual void ensure(Scope&, const File&) = 0;
  virtual void ensure(Scope&, const Tree&) = 0;
  virtual void ensure(Scope&, const Process&) = 0;
  virtual InstalledArtefact ensure(Scope&, const Artefact&) = 0;
  /// A free port, probed from a hash of (deployment, instance), recorded in the plan, then kept. @throws H0111
  virtual int port(Scope&, const std::string& instance) = 0;
  /// 32 random characters made once, kept as data, readable by the deployment's owner only.
  /// @param opens a Tree whose data no other value opens: where that is there, none is made (H0438); empty: nothing
  virtual Deferred<Secret<std::string>> secret(Scope&, const std::string& name, const std::filesystem::path& opens) = 0;
  Deferred<Secret<std::string>> secret(Scope& in, const std::string& name) { return secret(in, name, {}); }

  /// Waits until the process itself listens on its endpoint. Fails at once, with its log, where it exits twice (H0120),
  /// where a stranger holds the port (H0110), or at the limit (H0121).
  virtual void until_listening(Scope&, const Process&, std::chrono::milliseconds limit) = 0;
  /// Waits until `not_yet` returns nothing, watching the process meanwhile as until_listening does.
  virtual void until_ready(Scope&, const Process&, std::chrono::milliseconds limit,
                           const std::function<std::optional<std::string>()>& not_yet) = 0;
  /// Proves that what listens there is the supervised process, running the executable it was deployed with. @throws H0122
  virtual void prove(Scope&, const std::string& process, const Endpoint&) = 0;

  /// Absolute, for configuration files that must name it.
  virtual std::filesystem::path absolute(const std::filesystem::path& below_state) const = 0;
};

}  // namespace harmony::host
