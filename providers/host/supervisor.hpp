#pragma once
/// s6 as this deployment's supervisor: one s6-svscan on <state>/supervisor, below it one folder per process:
///   run              says what it starts, then becomes it as the right user
///   started          "<definition> <pid>", written by run as its first act: what runs, whatever run says meanwhile
///   definitions/<id> record.json (what is compared) and start (the environment; the only file with secrets)
///   told             when a deploy last asked for a start: deaths before it are old stories
///   log/run          s6-log into <state>/logs/<process>
/// All that is started carries the mark of the deployment (mark.hpp), so that it can be ended when this folder is lost.
/// Nothing here decides whether something should change. Reads open nothing for writing and start no process.
#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/scope.hpp"
#include "host/definition.hpp"
#include "host/facts.hpp"
#include "host/folder.hpp"
#include "host/mark.hpp"

namespace harmony::host {

/// All that a service folder is made from.
struct Declaration {
  std::string name;
  WantedProcess process;
  std::filesystem::path working_folder;  ///< absolute
  std::vector<std::string> as_user = {};  ///< command that changes the user; empty: oneself
  std::optional<Account> reader = {};  ///< root and the group of the service; nothing as a normal user
  std::optional<int> stop_signal = {};
};

class Supervisor {
 public:
  explicit Supervisor(const Folder& state) : state_(state), mark_(state.root()) {}

  // reads
  bool alive() const;
  std::vector<std::string> names() const;
  ProcessFacts facts(const std::string& name) const;
  /// Of the process that runs; 0 where none does.
  int pid(const std::string& name) const;
  /// Of all that run.
  std::set<int> pids() const;
  /// Of all that were started for this deployment, looked after or not: a walk through all processes of the machine.
  std::set<int> started() const;
  /// Its folder is there, and no process in it.
  bool forsaken() const;
  /// Something of this process runs, looked after or not.
  bool anything_runs(const std::string& name) const;
  /// Throws where a program of it is not installed (H0112).
  static void require_installed(bool as_root);

  /// Starting the supervisor started this one with it: what was found of it before, told once. What a plan announced for
  /// each process is done for all by the first.
  std::optional<ProcessFacts> before_start(const std::string& name);

  // writes
  /// Starts s6-svscan where it does not live; ends first what one that was killed left behind.
  /// @returns false where it lived already.
  bool start(const Scope&, const std::optional<Account>& reader);
  /// The same, where a declared process is to start with it.
  bool start_with(const Scope&, const std::string& name, const std::optional<Account>& reader);
  /// A new service folder; starts the process. One that the supervisor was not told about is there but not kept up.
  void declare(const Scope&, const Declaration&) const;
  /// Its next start will be this one.
  void redefine(const Scope&, const Declaration&) const;
  void restart(const Scope&, const std::string& name) const;
  /// Its logger goes on in the folder that is there now.
  void reopen_log(const std::string& name) const;
  /// Signals the running process and takes note that it is this definition now.
  void reload(const Scope&, const std::string& name, const std::string& id, int signal) const;
  /// Waits until what runs says that it is this definition. @throws Error H0123
  ProcessFacts until_settled(const Scope&, const std::string& name, const std::string& id) const;
  /// Ends what runs of this process without being looked after.
  void end_strays(const Scope&, const std::string& name) const;
  /// Forgets definitions that nothing refers to.
  void tidy(const std::string& name) const;
  /// Ends it, its logger, its supervision and all that it has started, and removes its folder; the last one takes the
  /// supervisor with it. @throws Error H0124 where something does not end
  void remove(const Scope&, const std::string& name);

 private:
  std::filesystem::path service(const std::string& name) const { return std::filesystem::path("supervisor") / name; }
  int holder(const std::filesystem::path& lock) const;
  bool supervised(const std::filesystem::path& service) const;
  std::optional<ServiceStatus> status(const std::string& name) const;
  std::optional<Definition> definition(const std::string& name, const std::string& id) const;
  bool intact(const std::filesystem::path& definition, std::string_view run) const;
  std::string run_script(const Declaration&) const;
  void write_definition(const std::filesystem::path& folder, const Declaration&) const;
  void write_scripts(const std::filesystem::path& folder, const Declaration&) const;
  void write_logger(const std::filesystem::path& folder, const std::string& name) const;
  /// @returns false where nobody listens there.
  bool tell(const std::filesystem::path& control, std::string_view commands) const;
  void bring_down(const Scope&, const std::string& name) const;
  void end_supervision(const Scope&, const std::filesystem::path& service) const;
  void end_orphans(const Scope&) const;
  /// The main ones of this process but the one that is looked after.
  std::vector<int> strays(const std::string& name, int looked_after) const;
  /// @param name of a process; nothing: of all
  std::vector<MarkedProcess> unattended(const std::optional<std::string>& name) const;
  void end_unattended(const Scope&, const std::optional<std::string>& name) const;
  void finish_removal(const Scope&, const std::string& name) const;
  void stop(const Scope&) const;
  void note_start(const std::filesystem::path& folder) const;

  Folder state_;
  Mark mark_;
  mutable std::mutex starting_;  ///< held while the supervisor starts or ends
  std::map<std::string, ProcessFacts> started_with_it_;  ///< guarded by starting_
};

}  // namespace harmony::host
