#pragma once
#include <map>
#include <source_location>
#include <string>

#include "harmony/capabilities/postgresql.hpp"
#include "harmony/context.hpp"

namespace harmony {

/// A PostgreSQL server with one database and the role that owns it.
struct PostgresScore {
  using needs = Needs<PostgreSql>;
  std::string instance = "postgres";
  std::string database = "app";
  std::map<std::string, std::string> settings = {};  ///< of postgresql.conf: {"max_connections", "50"}
  Resources resources = {};                          ///< where the topology shares out
  std::source_location declared = std::source_location::current();

  static constexpr std::string_view kind() { return "postgresql"; }
  std::string_view name() const { return instance; }
  void interpret(Context<needs>& in) const;
  /// For the environment of who uses it: a libpq URL with its password.
  Reference connection() const { return database_url(instance, database); }
};

}  // namespace harmony
