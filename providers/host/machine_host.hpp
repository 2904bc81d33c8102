#pragma once
/// The real Host. Each subject has a file of its own: files, tree, process, watch, artefact, port, secret, user, removal,
/// observation.
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/host.hpp"
#include "host/reader.hpp"

namespace harmony::host {

class MachineHost final : public Host {
 public:
  MachineHost(const State& state, std::shared_ptr<Ledger> ledger)
      : reader_(state, ledger), ledger_(std::move(ledger)) {}
  const Reader& reader() const { return reader_; }

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
  std::filesystem::path absolute(const std::filesystem::path& below_state) const override {
    return reader_.folder().absolute(below_state);
  }

  void remove(Scope&, const LedgerEntry&) override;
  Observation observe(Scope&, const LedgerEntry&) override;
  void logs(Scope&, const LedgerEntry&, const LogQuery&, const LogSink&) override;
  void conceal(Scope&, const LedgerEntry&) override;
  std::string read_again(Scope& at, std::string_view key) override { return reader_.fingerprint(at, key); }

 private:
  const Folder& folder() const { return reader_.folder(); }
  /// Once per run is enough, where it is there.
  void ensure_user(Scope&, Owner);
  void make_user(const Scope&) const;
  /// Makes the state folder passable for services, and the first folder of a path as it should be.
  void make_way(const std::filesystem::path&) const;
  /// Whom a file is given to; @throws InternalError where the service user should be there and is not.
  std::optional<Account> owner(Owner) const;
  /// The command that changes the user; empty where oneself is right.
  std::vector<std::string> as_user(Owner) const;

  void fill(const Scope&, const Tree&, const Rendered& input) const;
  void keep_log(const std::filesystem::path& tree, std::string_view output) const;
  void install(const Scope&, const std::filesystem::path& source, const std::string& hash) const;
  Settled bring_up(const Scope&, const Process&, const WantedProcess&, const Change&);
  void renew(const Scope&, const Process&, const std::string& id, const Change&);
  /// Nobody else listens where it is to. What is just ending, as of a sibling, gets a moment. @throws Error H0110
  void require_free(Scope&, const Process&);
  void watch(Scope&, const Process&, std::chrono::milliseconds limit, std::string_view what,
             const std::function<std::optional<std::string>(const ProcessFacts&)>& not_yet);
  std::vector<std::string> log_since_start(const std::string& process, const ProcessFacts&) const;
  void take_away(const Scope&, const LedgerEntry&);
  void tidy_parents(std::filesystem::path) const;

  Reader reader_;
  std::shared_ptr<Ledger> ledger_;
  std::mutex mutex_;
  std::set<int> chosen_ports_;
};

}  // namespace harmony::host
