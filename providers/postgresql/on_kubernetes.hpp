#pragma once
/// PostgreSql in a cluster: a StatefulSet of ours, or a Cluster of the operator CloudNativePG.
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "harmony/capabilities/postgresql.hpp"
#include "harmony/ledger.hpp"
#include "k8s/api.hpp"
#include "postgresql/server_kind.hpp"
#include "sql/sql.hpp"

namespace harmony::postgresql {

class OnKubernetes final : public PostgreSql {
 public:
  /// @param ledger knows what the data of an instance is in
  /// @param image with `initdb`, `postgres` and a user to run them; empty: "postgres:17", or the operator's own
  /// @param chosen what new servers are; nothing: as the cluster has it
  OnKubernetes(std::shared_ptr<k8s::Api> api, std::shared_ptr<sql::Sql> sql, const Ledger& ledger, std::string image,
               std::optional<ServerKind> chosen)
      : api_(std::move(api)), sql_(std::move(sql)), ledger_(ledger), image_(std::move(image)), chosen_(chosen) {}
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
  ServerKind kind(Scope&, const std::string& instance) const;
  /// By which its clients in the cluster know it.
  std::string host(Scope&, const std::string& instance) const;
  sql::Server server(Scope&, const std::string& instance) const;
  sql::Role role(Scope&, const std::string& instance, const std::string& database) const;
  void ensure_server(Scope&, const PostgreSqlServer&);
  k8s::ObjectSet ensure_objects(Scope& step, const PostgreSqlServer&);

  std::shared_ptr<k8s::Api> api_;
  std::shared_ptr<sql::Sql> sql_;
  const Ledger& ledger_;
  std::string image_;
  std::optional<ServerKind> chosen_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, ServerKind> kinds_;  ///< by instance: one answer for a run
  std::set<std::string> provided_;                 ///< "guestbook-db/guestbook"
};

}  // namespace harmony::postgresql
