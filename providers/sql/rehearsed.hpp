#pragma once
#include <map>
#include <memory>
#include <mutex>

#include "host/servers.hpp"
#include "sql/sql.hpp"

namespace harmony::sql {

/// The twin. A server is in one of four states: as it is (read through); moving (asked where it is now); fresh (its data
/// is itself pending: known to be empty, but for what a new server has); stopped with data, or starting (unknown).
class RehearsedSql final : public Sql {
 public:
  RehearsedSql(std::shared_ptr<Sql> real, Rehearsal& rehearsal)
      : real_(std::move(real)), rehearsal_(rehearsal), pending_(rehearsal.facts<host::PendingEndpoints>()) {}

  std::optional<std::string> not_accepting(Scope&, const Server&) override;
  std::optional<std::string> not_in_force(Scope&, const Server&,
                                          const std::map<std::string, std::string>& settings) override;
  Deferred<std::optional<RoleState>> role(Scope&, const Server&, const Role&) override;
  Deferred<std::optional<DatabaseState>> database(Scope&, const Server&, const std::string& name) override;
  Deferred<std::string> identity(Scope&, const Server&, const std::string& database) override;
  Rows query(Scope&, const Server&, const Role&, const std::string& database, std::string_view statement,
             const std::vector<std::string>& parameters) override;
  void ensure(Scope&, const Server&, const Role&) override;
  void ensure(Scope&, const Server&, const Database&) override;
  void serves(const Server&) override;
  std::optional<Server> served(const std::string& instance) const override;
  void remove(Scope&, const LedgerEntry&) override;
  Observation observe(Scope& in, const LedgerEntry& entry) override { return real_->observe(in, entry); }
  std::string read_again(Scope&, std::string_view key) override;

 private:
  /// What is pending, else what `ask` finds where the server is now.
  template <class State, class Ask>
  Deferred<std::optional<State>> find(const Server&, const Subject&,
                                      const std::map<Subject, std::optional<State>>& made,
                                      const std::optional<State>& when_fresh, Ask&& ask);

  std::shared_ptr<Sql> real_;
  Rehearsal& rehearsal_;
  host::PendingEndpoints& pending_;
  host::Servers<Server> servers_;
  mutable std::mutex mutex_;
  std::map<Subject, std::optional<RoleState>> roles_;  ///< as they would be; nothing inside: removed
  std::map<Subject, std::optional<DatabaseState>> databases_;
};

}  // namespace harmony::sql
