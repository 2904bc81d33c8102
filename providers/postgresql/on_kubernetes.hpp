#pragma once
/// PostgreSql in a cluster: a StatefulSet of one pod on a volume claim of its own.
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "harmony/capabilities/postgresql.hpp"
#include "k8s/api.hpp"
#include "sql/sql.hpp"

namespace harmony::postgresql {

class OnKubernetes final : public PostgreSql {
 public:
  /// @param image with `initdb`, `postgres` and a user to run them: "postgres:17", or one of Debian's packages.
  OnKubernetes(std::shared_ptr<k8s::Api> api, std::shared_ptr<sql::Sql> sql, std::string image)
      : api_(std::move(api)), sql_(std::move(sql)), image_(std::move(image)) {}
  void ensure(Scope&, const PostgreSqlServer&) override;
  Rows query(Scope&, std::string_view instance, std::string_view database, std::string_view statement,
             const std::vector<std::string>& parameters) override;
  /// The value of a Reference to one of its databases. @throws Error H0012 where no Score provided it.
  host::Content resolve(Scope&, const Reference&) const;
  /// The server of an instance that the ledger holds, for verbs without Scores.
  void recall(Scope&, const std::string& instance) const;

 private:
  sql::Server server(Scope&, const std::string& instance) const;
  sql::Role role(Scope&, const std::string& instance, const std::string& database) const;
  void ensure_server(Scope&, const PostgreSqlServer&);

  std::shared_ptr<k8s::Api> api_;
  std::shared_ptr<sql::Sql> sql_;
  std::string image_;
  mutable std::mutex mutex_;
  std::set<std::string> provided_;                 ///< "guestbook-db/guestbook"
};

}  // namespace harmony::postgresql
