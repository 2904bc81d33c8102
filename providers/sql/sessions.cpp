#include <algorithm>
#include <map>
#include <mutex>
#include <tuple>

#include <fmt/format.h>

#include "host/servers.hpp"
#include "sql/difference.hpp"
#include "sql/scram.hpp"
#include "sql/session.hpp"
#include "sql/sql.hpp"

namespace harmony::sql {

using namespace std::chrono_literals;

namespace {

/// Attributes by the words that take them away when "no" stands before them.
constexpr std::string_view role_by_name =
    "select rolcanlogin, coalesce(rolpassword, ''), concat_ws(', ', case when rolsuper then 'superuser' end, "
    "case when rolcreatedb then 'createdb' end, case when rolcreaterole then 'createrole' end, "
    "case when rolreplication then 'replication' end, case when rolbypassrls then 'bypassrls' end) "
    "from pg_authid where rolname = $1";

/// Numbers of databases are given anew by every server, and never twice by one.
constexpr std::string_view database_by_name =
    "select pg_get_userbyid(datdba), datconnlimit = -2, oid || ' of ' || (select system_identifier from "
    "pg_control_system()) from pg_database where datname = $1";

/// The last word of its files on each setting, and whether it was read and taken since it was written.
constexpr std::string_view settings_of_files =
    "select distinct on (name) name, setting, applied and (pg_stat_file(sourcefile)).modification <= "
    "pg_conf_load_time(), "
    "coalesce(error, 'it is not loaded yet') from pg_file_settings where setting is not null order by name, seqno desc";

constexpr auto read_limit = 10s, write_limit = 60s, query_limit = 30s;

Error not_ascii(const std::string& role) {
  return Error(
      {.code = "H0227",
       .category = Category::usage,
       .message = fmt::format("the password of role `{}` holds characters outside ASCII", role),
       .subject = "role/" + role,
       .help = "use letters, digits and punctuation of ASCII: what PostgreSQL makes of others cannot be compared"});
}

bool is_ascii(const std::string& text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
}

class Sessions final : public Sql {
 public:
  std::optional<std::string> not_accepting(Scope& in, const Server& server) override {
    try {
      read(in, server, [&](Session& session) { return session.run(in, "select 1", {}, read_limit); });
      return std::nullopt;
    } catch (const Unreachable& error) {
      return error.data().facts.back().second;
    }
  }

  std::optional<std::string> not_in_force(Scope& in, const Server& server,
                                          const std::map<std::string, std::string>& settings) override {
    if (settings.empty()) return std::nullopt;
    try {
      std::map<std::string, std::string> left = settings;
      for (const auto& row :
           read(in, server, [&](Session& session) { return session.run(in, settings_of_files, {}, read_limit); })) {
        const auto wanted = left.find(row[0]);
        if (wanted == left.end() || wanted->second != row[1]) continue;
        if (row[2] != "t") return fmt::format("setting `{}`: {}", row[0], row[3]);
        left.erase(wanted);
      }
      if (left.empty()) return std::nullopt;
      return fmt::format("setting `{}` is not there yet", left.begin()->first);
    } catch (const Unreachable& error) {
      return error.data().facts.back().second;
    }
  }

  Deferred<std::optional<RoleState>> role(Scope& in, const Server& server, const Role& role) override {
    const auto* password = role.password.peek(key());
    if (password) in.conceal(*password);
    const Rows rows =
        read(in, server, [&](Session& session) { return session.run(in, role_by_name, {role.name}, read_limit); });
    if (rows.empty()) return std::optional<RoleState>{};
    return std::optional{RoleState{.may_log_in = rows[0][0] == "t",
                                   .attributes = role.name == server.superuser ? std::string() : rows[0][2],
                                   .password_right = password && verifies(rows[0][1], password->reveal()),
                                   .verifier = in.fingerprinter().of(rows[0][1])}};
  }

  Deferred<std::optional<DatabaseState>> database(Scope& in, const Server& server, const std::string& name) override {
    const Rows rows =
        read(in, server, [&](Session& session) { return session.run(in, database_by_name, {name}, read_limit); });
    if (rows.empty()) return std::optional<DatabaseState>{};
    return std::optional{DatabaseState{.owner = rows[0][0], .half_removed = rows[0][1] == "t", .identity = rows[0][2]}};
  }

  Deferred<std::string> identity(Scope& in, const Server& server, const std::string& name) override {
    return database(in, server, name).map([](const auto& found) { return found ? found->identity : "none"; });
  }

  Rows query(Scope& in, const Server& server, const Role& role, const std::string& database, std::string_view statement,
             const std::vector<std::string>& parameters) override {
    Session session{
        in,
        {server.instance, server.at, role.name, revealed(in, role.password, role.name), database, role.password_from},
        Access::read_write};
    return session.run(in, statement, parameters, query_limit);
  }

  void ensure(Scope& in, const Server& server, const Role& wanted) override {
    const auto alone = in.hold(role_subject(server.instance, wanted.name));
    const std::string password = revealed(in, wanted.password, wanted.name).reveal();
    if (!is_ascii(password)) throw not_ascii(wanted.name);
    const std::optional<RoleState> found = *role(in, server, wanted).peek(key());
    in.change(difference(server.instance, wanted, found, in.fingerprinter().of(password)), [&] {
      Session session = writer(in, server);
      const std::string name = session.identifier(wanted.name);
      const std::string attributes = " login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password " +
                                     session.literal(session.verifier(wanted.name, password));
      session.run(in, (found ? "alter role " : "create role ") + name + attributes, {}, write_limit);
      return Settled{identity(in, session, "select oid from pg_roles where rolname = $1", wanted.name)};
    });
  }

  void ensure(Scope& in, const Server& server, const Database& wanted) override {
    const auto alone = in.hold(database_subject(server.instance, wanted.name));
    const std::optional<DatabaseState> found = *database(in, server, wanted.name).peek(key());
    const Change change = difference(server.instance, wanted, found);
    in.change(change, [&] {
      Session session = writer(in, server);
      const std::string name = session.identifier(wanted.name), owner = session.identifier(wanted.owner);
      // The server may still be at the drop that a killed run has asked for.
      if (found && found->half_removed) session.run(in, "drop database if exists " + name, {}, write_limit);
      if (change.action == Action::update)
        session.run(in, "alter database " + name + " owner to " + owner, {}, write_limit);
      else session.run(in, "create database " + name + " owner " + owner + " template template0", {}, write_limit);
      return Settled{identity(in, session, "select oid from pg_database where datname = $1", wanted.name)};
    });
  }

  void serves(const Server& server) override { servers_.put(server); }
  std::optional<Server> served(const std::string& instance) const override { return servers_.find(instance); }

  void remove(Scope& in, const LedgerEntry& entry) override {
    const auto alone = in.hold(entry.subject);
    const auto [instance, name] = place_of(entry.subject.name);
    const auto server = served(instance);
    in.change(removal(entry.subject, server && there(in, *server, entry.subject)), [&] {
      Session session = writer(in, *server);
      if (entry.subject.kind == "role") return drop_role(in, session, name);
      session.run(in, "drop database if exists " + session.identifier(name) + " with (force)", {}, write_limit);
      return Settled{};
    });
  }

  Observation observe(Scope& in, const LedgerEntry& entry) override {
    const auto server = served(place_of(entry.subject.name).instance);
    return host::observed(entry, server && server->password.peek(key()),
                          [&] { return !fingerprint_now(in, *server, entry.subject).empty(); });
  }

  std::string read_again(Scope& in, std::string_view read_key) override {
    const auto slash = read_key.find('/');
    const Subject subject{"sql", std::string(read_key.substr(0, slash)),
                          slash == read_key.npos ? "" : std::string(read_key.substr(slash + 1))};
    const auto server = served(place_of(subject.name).instance);
    if (!server || !server->password.peek(key())) return not_asked;
    try {
      return fingerprint_now(in, *server, subject);
    } catch (const Unreachable&) {
      return not_asked;
    }
  }

 private:
  using Key = std::tuple<host::Endpoint, std::string, std::string>;

  static Secret<std::string> revealed(Scope& in, const Deferred<Secret<std::string>>& password, const std::string& of) {
    const auto* known = password.peek(key());
    if (!known) throw InternalError(fmt::format("the password of `{}` is not there yet: {}", of, password.because()));
    in.conceal(*known);
    return *known;
  }
  static Login login(Scope& in, const Server& server) {
    return {server.instance, server.at,           server.superuser, revealed(in, server.password, server.superuser),
            "postgres",      server.password_from};
  }
  static Session writer(Scope& in, const Server& server) { return {in, login(in, server), Access::read_write}; }
  /// One that owns what is not the deployment's, such as a database that somebody made for it, or one whose making was
  /// interrupted, goes with its server: roles are only removed where all data is.
  static Settled drop_role(Scope& in, Session& session, const std::string& name) {
    try {
      session.run(in, "drop role if exists " + session.identifier(name), {}, write_limit);
    } catch (const Error& error) {
      const std::pair<std::string, std::string> dependent_objects_still_exist{"SQLSTATE", "2BP01"};
      if (std::ranges::find(error.data().facts, dependent_objects_still_exist) == error.data().facts.end()) throw;
    }
    return {};
  }
  static std::string identity(Scope& in, Session& session, std::string_view statement, const std::string& name) {
    const Rows rows = session.run(in, statement, {name}, read_limit);
    return rows.empty() ? std::string() : "oid " + rows[0][0];
  }

  /// Asks in a read-only session, one kept from before where there is one. A kept one may have ended unseen.
  template <class Ask>
  Rows read(Scope& in, const Server& server, Ask&& ask) {
    const Login who = login(in, server);
    const Key where{who.at, who.user, who.password.reveal()};
    if (auto kept = take(where)) {
      try {
        return asked(where, std::move(*kept), ask);
      } catch (const Unreachable&) {
      }
    }
    return asked(where, Session{in, who, Access::read_only}, ask);
  }
  template <class Ask>
  Rows asked(const Key& where, Session session, Ask& ask) {
    Rows rows = ask(session);
    std::lock_guard hold{mutex_};
    idle_.emplace(where, std::move(session));
    return rows;
  }
  std::optional<Session> take(const Key& where) {
    std::lock_guard hold{mutex_};
    for (auto found = idle_.find(where); found != idle_.end(); found = idle_.find(where)) {
      Session session = std::move(found->second);
      idle_.erase(found);
      if (session.usable()) return session;
    }
    return std::nullopt;
  }

  std::string fingerprint_now(Scope& in, const Server& server, const Subject& subject) {
    const std::string name = place_of(subject.name).name;
    if (subject.kind == "role")
      return fingerprint(
          *role(in, server, {name, Deferred<Secret<std::string>>::pending("nobody needs it")}).peek(key()));
    return fingerprint(*database(in, server, name).peek(key()));
  }
  /// A server that lets nobody in, or is gone, holds up no destroy: its data goes with the server's folder.
  bool there(Scope& in, const Server& server, const Subject& subject) {
    try {
      return !fingerprint_now(in, server, subject).empty();
    } catch (const Error& error) {
      if (error.data().category == Category::unreachable) return false;
      throw;
    }
  }

  host::Servers<Server> servers_;
  std::mutex mutex_;
  std::multimap<Key, Session> idle_;
};

}  // namespace

std::shared_ptr<Sql> sessions() { return std::make_shared<Sessions>(); }

}  // namespace harmony::sql
