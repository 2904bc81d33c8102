#pragma once
/// Primitive: an SQL session with a PostgreSQL server. Addressed by endpoint; the twin knows where a server that is
/// about to move answers now, and never talks to a stranger on a port that is only pending.
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harmony/capabilities/postgresql.hpp"
#include "harmony/primitive.hpp"
#include "host/host.hpp"

namespace harmony::sql {

struct Server {
  std::string instance;                             ///< "guestbook-db"
  host::Endpoint at;
  std::string superuser = "postgres";
  Deferred<Secret<std::string>> password;
  std::string password_from = {};  ///< where it is kept, for errors: "secret/guestbook-db-superuser"
};
struct Role {
  std::string name;
  Deferred<Secret<std::string>> password;  ///< ASCII
  std::string password_from = {};  ///< as a server's
};
struct Database {
  std::string name, owner;
};

/// A role that is there.
struct RoleState {
  bool may_log_in = false;
  std::string attributes = {};  ///< that a role of an application has not: "superuser, createdb"
  bool password_right = false;  ///< the wanted password is the one the server knows
  std::string verifier;  ///< fingerprint of what the server keeps of its password
};
/// A database that is there.
struct DatabaseState {
  std::string owner;
  bool half_removed = false;  ///< a removal of it was interrupted: nobody can use it any more
  std::string identity = {};  ///< another where it was made anew, by whomever
};

/// H0220: nobody accepts connections there now.
class Unreachable final : public Error {
 public:
  using Error::Error;
};

class RehearsedSql;

/// Thread-safe. Subjects: role/<instance>/<name>, database/<instance>/<name>. Reads run in READ ONLY transactions.
/// All throw Unreachable, H0222 (the server refuses the login), H0223 (a statement does not end), Stopped.
class Sql : public Primitive {
 public:
  using twin = RehearsedSql;
  std::string_view primitive() const override { return "sql"; }

  // reads
  /// Nothing where the server accepts connections; else why not: "the database system is starting up".
  virtual std::optional<std::string> not_accepting(Scope&, const Server&) = 0;
  /// Nothing where the server's files say these settings and all of them are applied; else which is not, and why.
  virtual std::optional<std::string> not_in_force(Scope&, const Server&,
                                                  const std::map<std::string, std::string>& settings) = 0;
  /// Nothing inside where there is no such role or database; pending where it cannot be known now.
  virtual Deferred<std::optional<RoleState>> role(Scope&, const Server&, const Role&) = 0;
  virtual Deferred<std::optional<DatabaseState>> database(Scope&, const Server&, const std::string& name) = 0;
  /// Of a database; pending where it is only planned, or cannot be asked now.
  virtual Deferred<std::string> identity(Scope&, const Server&, const std::string& database) = 0;
  /// One statement as a role of a database, for smoke tests. @throws H0221 with the server's message, cleaned; H0224 in a
  /// rehearsal
  virtual Rows query(Scope&, const Server&, const Role&, const std::string& database, std::string_view statement,
                     const std::vector<std::string>& parameters) = 0;

  // writes
  /// Creates the role, or puts its password right where that is another (shown as a fingerprint). It is kept with the
  /// databases that it owns.
  virtual void ensure(Scope&, const Server&, const Role&) = 0;
  /// Creates the database (holds data), or puts its owner right.
  virtual void ensure(Scope&, const Server&, const Database&) = 0;

  /// How `remove`, `observe` and `read_again` find the server of an instance: set by the capability that runs it.
  virtual void serves(const Server&) = 0;
  virtual std::optional<Server> served(const std::string& instance) const = 0;
};

std::shared_ptr<Sql> sessions();

}  // namespace harmony::sql
