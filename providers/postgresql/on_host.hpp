#pragma once
/// PostgreSql on this machine: a server of Debian's packages under the supervisor, its data in the state folder.
#include <memory>
#include <mutex>
#include <set>

#include "harmony/capabilities/postgresql.hpp"
#include "host/host.hpp"
#include "sql/sql.hpp"

namespace harmony::postgresql {

class OnHost final : public PostgreSql {
 public:
  OnHost(std::shared_ptr<host::Host> host, std::shared_ptr<sql::Sql> sql)
      : host_(std::move(host)), sql_(std::move(sql)) {}
  void ensure(Scope&, const PostgreSqlServer&) override;
  Rows query(Scope&, std::string_view instance, std::string_view database, std::string_view statement,
             const std::vector<std::string>& parameters) override;
  /// The value of a Reference to one of its databases. @throws Error H0012 where no Score provided it.
  host::Content resolve(Scope&, const Reference&) const;
  /// Of the database behind such a Reference.
  host::Content identity(Scope&, const Reference&) const;
  /// The server of an instance that the ledger holds, for verbs without Scores.
  void recall(Scope&, const std::string& instance) const;

 private:
  sql::Server server(Scope&, const std::string& instance) const;
  sql::Role role(Scope&, const std::string& instance, const std::string& database) const;
  void ensure_server(Scope&, const PostgreSqlServer&);
  bool is_shutting_down(Scope&, const sql::Server&) const;

  std::shared_ptr<host::Host> host_;
  std::shared_ptr<sql::Sql> sql_;
  mutable std::mutex mutex_;
  std::set<std::string> provided_;  ///< "guestbook-db/guestbook"
};

}  // namespace harmony::postgresql
