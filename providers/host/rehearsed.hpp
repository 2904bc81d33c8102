#pragma once
/// The twin of a Host for one rehearsal: reads this machine, sees pending writes first, and writes nothing.
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harmony/rehearsal.hpp"
#include "host/facts.hpp"
#include "host/host.hpp"

namespace harmony::host {

class MachineHost;
class Reader;

class RehearsedHost final : public Host {
 public:
  /// @param real made by machine().
  RehearsedHost(std::shared_ptr<Host> real, Rehearsal&);
  ~RehearsedHost() override;

  ProcessState process(Scope&, const std::string& name) override;
  Deferred<Secret<std::string>> render(Scope&, const Content&) override;

  void ensure(Scope&, const Directory&) override;
  void ensure(Scope&, const File&) override;
  void ensure(Scope&, const Tree&) override;
  void ensure(Scope&, const Process&) override;
  InstalledArtefact ensure(Scope&, const Artefact&) override;
  int port(Scope&, const std::string& instance) override;
  using Host::secret;
  Deferred<Secret<std::string>> secret(Scope&, const std::string& name, const std::filesystem::path& opens) override;

  void until_listening(Scope&, const Process&, std::chrono::milliseconds limit) override;
  void until_ready(Scope&, const Process&, std::chrono::milliseconds limit,
                   const std::function<std::optional<std::string>()>& not_yet) override;
  void prove(Scope&, const std::string& process, const Endpoint&) override;
  std::filesystem::path absolute(const std::filesystem::path& below_state) const override;

  void remove(Scope&, const LedgerEntry&) override;
  Observation observe(Scope&, const LedgerEntry&) override;
  void logs(Scope&, const LedgerEntry&, const LogQuery&, const LogSink&) override;
  std::string read_again(Scope&, std::string_view key) override;

 private:
  /// What would be there: nothing where it would have been removed. Not in the map: as it is.
  template <class State>
  using Pending = std::map<std::string, std::optional<State>>;

  const Reader& reader() const;
  /// Reads a key for the read set; @returns its fingerprint.
  std::string note_read(const Scope&, const std::string& key);
  void ensure_user(Scope&, Owner);
  ProcessFacts facts(const Scope&, const std::string& name, bool* pending = nullptr);
  bool is_pending(const std::string& process) const;
  void require_free(const Scope&, const Endpoint&, const Subject& wanted_by);
  void announce(const Process&, const ProcessFacts& before, const Change&);
  void announce_starting(const Process&);
  /// Looked for once: what listens goes on listening while a rehearsal lasts.
  bool listens(const Process&);
  /// Asks once; what is not so yet makes the process unknown.
  void ask_once(Scope&, const Process&, std::chrono::milliseconds limit, std::string_view what,
                const std::function<std::optional<std::string>()>& not_yet);

  std::shared_ptr<MachineHost> real_;
  Rehearsal& rehearsal_;
  PendingEndpoints& endpoints_;
  mutable std::mutex mutex_;
  bool user_reported_ = false;
  Pending<PathState> directories_;
  Pending<FileState> files_;
  Pending<TreeState> trees_;
  Pending<ProcessFacts> processes_;
  std::set<std::string> artefacts_;        ///< paths of those that would be installed
  std::map<std::string, int> ports_;
  std::set<std::string> secrets_;          ///< would be generated
  std::set<std::string> listening_;        ///< processes found so
};

}  // namespace harmony::host
