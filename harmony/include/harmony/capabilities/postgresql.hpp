#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/capabilities/resources.hpp"
#include "harmony/reference.hpp"
#include "harmony/scope.hpp"

namespace harmony {

/// A PostgreSQL server with a role and a database for each consumer, named alike; passwords are generated.
struct PostgreSqlServer {
  std::string instance;
  std::vector<std::string> databases;
  std::map<std::string, std::string> settings = {};  ///< of postgresql.conf: {"max_connections", "50"}
  Resources resources = {};
};

/// Rows of text, as PostgreSQL prints values.
using Rows = std::vector<std::vector<std::string>>;

/// What applications speak to when they say PostgreSQL. Thread-safe.
class PostgreSql {
 public:
  static constexpr std::string_view capability_name = "PostgreSql";
  virtual ~PostgreSql() = default;
  /// Returns when the server accepts connections and every database is there.
  virtual void ensure(Scope&, const PostgreSqlServer&) = 0;
  /// For smoke tests: one statement with $1… parameters, as the database's own role.
  virtual Rows query(Scope&, std::string_view instance, std::string_view database, std::string_view statement,
                     const std::vector<std::string>& parameters) = 0;
};

/// What consumers put into their environment: a libpq URL with user and password.
inline Reference database_url(std::string instance, std::string database) {
  return {"PostgreSql", std::move(instance) + "/" + std::move(database), "url"};
}

}  // namespace harmony
