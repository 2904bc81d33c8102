#pragma once
/// One connection to a PostgreSQL server over libpq. Nothing here blocks longer than its limit, or than a stop.
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <libpq-fe.h>

#include "harmony/scope.hpp"
#include "sql/sql.hpp"

namespace harmony::sql {

struct Login {
  std::string instance;  ///< of the server, for errors
  host::Endpoint at;
  std::string user;
  Secret<std::string> password;
  std::string database;
  std::string password_from = {};  ///< where it is kept, for errors: "secret/guestbook-db-superuser"
};

enum class Access { read_only, read_write };

/// Not thread-safe.
class Session {
 public:
  /// @throws Unreachable, Error H0222 (login refused), Stopped
  Session(const Scope&, const Login&, Access);
  /// One statement with $1… parameters; NULL is an empty text. @throws Unreachable, Error H0221, TimedOut H0223, Stopped;
  /// after all but H0221 the session is of no more use.
  Rows run(const Scope&, std::string_view statement, const std::vector<std::string>& parameters,
           std::chrono::milliseconds limit);
  bool usable() const { return usable_ && PQstatus(connection_.get()) == CONNECTION_OK; }
  std::string identifier(const std::string& name) const;
  std::string literal(const std::string& text) const;
  /// What the server shall keep of a password: so that the password itself never gets into its log.
  std::string verifier(const std::string& role, const std::string& password) const;

 private:
  struct Close {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  using Result = std::unique_ptr<PGresult, Clear>;

  void connect(const Scope&, const Login&);
  Result result(const Scope&, std::chrono::milliseconds limit);
  [[noreturn]] void refuse(const Login&) const;
  Error refused_login(const Login&, const std::string& reason) const;
  [[noreturn]] void fail(const PGresult*) const;
  [[noreturn]] void lost(std::string_view reason) const;
  std::string message() const;

  std::string instance_, address_;
  std::unique_ptr<PGconn, Close> connection_;
  bool usable_ = true;
};

}  // namespace harmony::sql
