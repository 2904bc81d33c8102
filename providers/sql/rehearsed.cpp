#include "sql/rehearsed.hpp"

#include <fmt/format.h>

#include "sql/difference.hpp"

namespace harmony::sql {

namespace {

std::string read_key(const Subject& subject) { return subject.kind + "/" + subject.name; }

/// What initdb makes.
bool born_with_a_server(const std::string& database) {
  return database == "postgres" || database == "template0" || database == "template1";
}

template <class State>
void mark_unknown(Change& change, const Deferred<std::optional<State>>& found) {
  change.fidelity = Fidelity::unknown;
  change.reason = found.because();
}

}  // namespace

std::optional<std::string> RehearsedSql::not_accepting(Scope& in, const Server& server) {
  const auto at = host::where_now(pending_, server);
  if (!at.now) return at.because;
  if (!at.now->password.peek(key())) return at.now->password.because();
  return real_->not_accepting(in, *at.now);
}

std::optional<std::string> RehearsedSql::not_in_force(Scope& in, const Server& server,
                                                      const std::map<std::string, std::string>& settings) {
  const auto at = host::where_now(pending_, server);
  if (!at.now) return at.because;
  if (!at.now->password.peek(key())) return at.now->password.because();
  return real_->not_in_force(in, *at.now, settings);
}

template <class State, class Ask>
Deferred<std::optional<State>> RehearsedSql::find(const Server& server, const Subject& subject,
                                                  const std::map<Subject, std::optional<State>>& made,
                                                  const std::optional<State>& when_fresh, Ask&& ask) {
  using Found = Deferred<std::optional<State>>;
  {
    std::lock_guard hold{mutex_};
    if (const auto pending = made.find(subject); pending != made.end()) return pending->second;
  }
  const auto at = host::where_now(pending_, server);
  if (at.fresh) return when_fresh;
  if (!at.now) return Found::pending(at.because);
  if (!at.now->password.peek(key())) return Found::pending(at.now->password.because());
  try {
    const Found found = ask(*at.now);
    if (const auto* state = found.peek(key()))
      rehearsal_.read(std::string(primitive()), read_key(subject), fingerprint(*state));
    return found;
  } catch (const Unreachable& error) {
    return Found::pending(fmt::format("database server {} does not accept connections now: {}", server.instance,
                                      error.data().facts.back().second));
  }
}

Deferred<std::optional<RoleState>> RehearsedSql::role(Scope& in, const Server& server, const Role& role) {
  std::optional<RoleState> born;
  if (role.name == server.superuser) born = RoleState{.may_log_in = true, .password_right = true, .verifier = {}};
  auto found = find<RoleState>(server, role_subject(server.instance, role.name), roles_, born,
                               [&](const Server& now) { return real_->role(in, now, role); });
  return found;
}

Deferred<std::optional<DatabaseState>> RehearsedSql::database(Scope& in, const Server& server,
                                                              const std::string& name) {
  std::optional<DatabaseState> born;
  if (born_with_a_server(name)) born = DatabaseState{.owner = server.superuser};
  return find<DatabaseState>(server, database_subject(server.instance, name), databases_, born,
                             [&](const Server& now) { return real_->database(in, now, name); });
}

Deferred<std::string> RehearsedSql::identity(Scope& in, const Server& server, const std::string& name) {
  const auto found = database(in, server, name);
  const auto* known = found.peek(key());
  if (!known) return Deferred<std::string>::pending(found.because());
  if (!*known || (*known)->identity.empty())
    return Deferred<std::string>::pending(fmt::format("database {}/{} is made", server.instance, name));
  return (*known)->identity;
}

Rows RehearsedSql::query(Scope& in, const Server& server, const Role& role, const std::string& database,
                         std::string_view statement, const std::vector<std::string>& parameters) {
  if (in.rehearsed(key()))
    throw Error({.code = "H0224",
                 .category = Category::failed,
                 .message = "a statement cannot be rehearsed: nobody knows what it would change",
                 .subject = "database/" + server.instance + "/" + database,
                 .help = "ask from a smoke test, not from `interpret`; what a deploy must change in a database is the "
                         "application's own migration"});
  if (const auto pending = pending_.find(server.at))
    throw Unreachable({.code = "H0220",
                       .category = Category::unreachable,
                       .message = fmt::format("database server `{}` cannot be asked yet", server.instance),
                       .subject = "database server/" + server.instance,
                       .facts = {{"reason", pending->because}},
                       .help = "deploy first"});
  return real_->query(in, server, role, database, statement, parameters);
}

void RehearsedSql::ensure(Scope& in, const Server& server, const Role& wanted) {
  const Subject subject = role_subject(server.instance, wanted.name);
  const auto alone = in.hold(subject);
  const auto* password = wanted.password.peek(key());
  const auto print = password ? std::optional{in.fingerprinter().of(password->reveal())} : std::nullopt;
  const auto found = role(in, server, wanted);
  const auto* known = found.peek(key());
  Change change = difference(server.instance, wanted, known ? *known : std::nullopt, print);
  if (!known) mark_unknown(change, found);
  in.change(std::move(change), [&] {
    std::lock_guard hold{mutex_};
    roles_.insert_or_assign(
        subject, RoleState{.may_log_in = true, .password_right = true, .verifier = print.value_or("(generated)")});
    return Settled{};
  });
}

void RehearsedSql::ensure(Scope& in, const Server& server, const Database& wanted) {
  const Subject subject = database_subject(server.instance, wanted.name);
  const auto alone = in.hold(subject);
  const auto found = database(in, server, wanted.name);
  const auto* known = found.peek(key());
  Change change = difference(server.instance, wanted, known ? *known : std::nullopt);
  if (!known) mark_unknown(change, found);
  const bool stays = known && *known && !(*known)->half_removed;
  in.change(std::move(change), [&] {
    std::lock_guard hold{mutex_};
    databases_.insert_or_assign(
        subject, DatabaseState{.owner = wanted.owner, .identity = stays ? (*known)->identity : std::string()});
    return Settled{};
  });
}

void RehearsedSql::serves(const Server& server) {
  servers_.put(server);
  // What was read here is read again there, where the server is now.
  if (const auto at = host::where_now(pending_, server); at.now) real_->serves(*at.now);
}

std::optional<Server> RehearsedSql::served(const std::string& instance) const {
  if (auto known = servers_.find(instance)) return known;
  return real_->served(instance);
}

void RehearsedSql::remove(Scope& in, const LedgerEntry& entry) {
  const auto alone = in.hold(entry.subject);
  const auto [instance, name] = place_of(entry.subject.name);
  const auto server = served(instance);
  const auto there =
      [&](const auto&
              found) {  // what cannot be asked now is taken to be there: a plan says rather too much than too little
        const auto* known = found.peek(key());
        return !known || known->has_value();
      };
  const bool data = entry.subject.kind == "database";
  const auto nobody = Deferred<Secret<std::string>>::pending("nobody needs it");
  const bool found = server && (data ? there(database(in, *server, name)) : there(role(in, *server, {name, nobody})));
  in.change(removal(entry.subject, found), [&] {
    std::lock_guard hold{mutex_};
    if (data) databases_.insert_or_assign(entry.subject, std::nullopt);
    else roles_.insert_or_assign(entry.subject, std::nullopt);
    return Settled{};
  });
}

std::string RehearsedSql::read_again(Scope& in, std::string_view key) {
  const auto slash = key.find('/');
  const Subject subject{"sql", std::string(key.substr(0, slash)),
                        slash == key.npos ? "" : std::string(key.substr(slash + 1))};
  {
    std::lock_guard hold{mutex_};
    if (const auto role = roles_.find(subject); role != roles_.end()) return fingerprint(role->second);
    if (const auto database = databases_.find(subject); database != databases_.end())
      return fingerprint(database->second);
  }
  return real_->read_again(in, key);
}

}  // namespace harmony::sql
