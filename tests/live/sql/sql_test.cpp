// The SQL primitive and its twin against a real PostgreSQL.
#include <thread>

#include <fmt/format.h>

#include "catch.hpp"
#include "sql/rehearsed.hpp"
#include "sql/scram.hpp"
#include "sql/session.hpp"
#include "support/scopes.hpp"
#include "support/servers.hpp"

using namespace harmony;
using namespace harmony::testing;
using namespace std::chrono_literals;

namespace {

using Password = Deferred<Secret<std::string>>;
Password known(const std::string& text) { return Secret<std::string>(text); }
Password generated() { return Password::pending("the password is generated"); }

/// One server for all tests that do not stop it.
PostgresServer& postgres() {
  static PostgresServer server;
  return server;
}
sql::Server server_at(host::Endpoint at) {
  return {.instance = "db", .at = at, .password = known(PostgresServer::password)};
}
sql::Server shared() { return server_at(postgres().at()); }

/// As the superuser, past the primitive: what a person would do.
Rows by_hand(const sql::Server& server, const std::string& statement, const std::string& database = "postgres") {
  Scopes scopes;
  sql::Session session{scopes.reading(),
                       {"db", server.at, "postgres", Secret<std::string>(PostgresServer::password), database},
                       sql::Access::read_write};
  return session.run(scopes.reading(), statement, {}, 60s);
}
/// All roles with what the server keeps of their passwords, and all databases: what a rehearsal must leave as it is.
Rows catalogue(const sql::Server& server) {
  Rows all = by_hand(server, "select rolname, rolpassword, rolcanlogin, rolsuper from pg_authid order by 1");
  for (const auto& row :
       by_hand(server, "select datname, pg_get_userbyid(datdba), datconnlimit, oid from pg_database order by 1"))
    all.push_back(row);
  return all;
}

struct World {
  Scopes scopes;
  std::shared_ptr<sql::Sql> real = sql::sessions();
  Rehearsal rehearsal;
  std::shared_ptr<sql::Sql> twin = twin_of(real, rehearsal);
  void pending(host::Endpoint at, host::PendingEndpoints::State state) {
    rehearsal.facts<host::PendingEndpoints>().put(at, std::move(state));
  }
};

void ensure_both(sql::Sql& sql, Scope& scope, const sql::Server& server, const std::string& name,
                 const Password& password) {
  sql.ensure(scope, server, sql::Role{name, password});
  sql.ensure(scope, server, sql::Database{name, name});
}

std::vector<Change> changes(const Scope& scope) { return scope.node().outcome().changes(); }
std::vector<std::string> lines(const Scope& scope) { return lines_of(scope.node().outcome()); }
std::string code_of(const std::function<void()>& body) {
  try {
    body();
    return "done";
  } catch (const Error& error) {
    return error.data().code;
  }
}
std::string everything_in(const Diagnostic& error) {
  std::string all = error.message + error.subject + error.help;
  for (const auto& [name, value] : error.facts) all += name + value;
  for (const auto& note : error.notes) all += note;
  return all;
}

}  // namespace

TEST_CASE("a role and its database: made once, then found") {
  World world;
  Scope first = world.scopes.real();
  ensure_both(*world.real, first, shared(), "once", known("first-password"));
  CHECK(lines(first) == std::vector<std::string>{"create role/db/once", "create database/db/once"});
  CHECK(changes(first)[0].fields[0].after == "<first-password>");
  Scope second = world.scopes.real();
  ensure_both(*world.real, second, shared(), "once", known("first-password"));
  CHECK(lines(second) == std::vector<std::string>{"unchanged role/db/once", "unchanged database/db/once"});

  const Rows who = world.real->query(second, shared(), {"once", known("first-password")}, "once",
                                     "select current_user, current_database(), $1::int + 1, null", {"41"});
  CHECK(who == Rows{{"once", "once", "42", ""}});
  const LedgerState ledger = world.scopes.ledger().read();
  REQUIRE(ledger.entries.size() == 2);
  for (const LedgerEntry& entry : ledger.entries) {
    CHECK(entry.holds_data);
    CHECK(entry.identity.starts_with("oid "));
  }
}

TEST_CASE("a rehearsal writes nothing, and says what the deploy does") {
  World world;
  const Rows before = catalogue(shared());
  const std::size_t log = postgres().log().size();
  Scope rehearsed = world.scopes.rehearsed();
  ensure_both(*world.twin, rehearsed, shared(), "planned", generated());
  ensure_both(*world.twin, rehearsed, shared(), "planned", generated());
  CHECK(lines(rehearsed) == std::vector<std::string>{"create role/db/planned", "create database/db/planned",
                                                     "unchanged role/db/planned", "unchanged database/db/planned"});
  CHECK(changes(rehearsed)[0].fields == std::vector<FieldChange>{{"password", "", "(generated)", Origin::generated}});
  const std::string statements = postgres().log().substr(log);
  CHECK(catalogue(shared()) == before);
  for (const char* word : {"create ", "alter ", "drop ", "insert ", "update ", "grant "})
    CHECK(statements.find(word) == std::string::npos);
  CHECK(statements.find("select ") != std::string::npos);

  const Plan plan = testing::plan_of(rehearsed);
  Scope deployed = world.scopes.real(&plan);
  ensure_both(*world.real, deployed, shared(), "planned", known("now-it-is-known"));
  CHECK(lines(deployed) == std::vector<std::string>{"create role/db/planned", "create database/db/planned"});

  World next;
  Scope again = next.scopes.rehearsed();
  ensure_both(*next.twin, again, shared(), "planned", known("now-it-is-known"));
  CHECK(next.scopes.rehearsed().node().outcome().empty());
  CHECK(lines(again) == std::vector<std::string>{"unchanged role/db/planned", "unchanged database/db/planned"});
}

TEST_CASE("reads cannot write") {
  Scopes scopes;
  const Scope scope = scopes.reading();
  sql::Session session{scope,
                       {"db", postgres().at(), "postgres", Secret<std::string>(PostgresServer::password), "postgres"},
                       sql::Access::read_only};
  try {
    session.run(scope, "create role written", {}, 60s);
    FAIL("it was written");
  } catch (const Error& error) {
    CHECK(error.data().code == "H0221");
    CHECK(std::ranges::find(error.data().facts, std::pair<std::string, std::string>{"SQLSTATE", "25006"}) !=
          error.data().facts.end());
  }
  CHECK(session.run(scope, "select 1", {}, 60s) == Rows{{"1"}});
}

TEST_CASE("a server that moves is asked where it is now, never who is where it will be") {
  World world;
  Scope before = world.scopes.real();
  ensure_both(*world.real, before, shared(), "mover", known("mover-password"));
  ScriptedServer stranger{[](const std::string&) { return "HTTP/1.1 200 OK\r\n\r\n"; }};
  world.pending(stranger.at(), {.now = postgres().at(), .because = "process db moves"});
  Scope rehearsed = world.scopes.rehearsed();
  ensure_both(*world.twin, rehearsed, server_at(stranger.at()), "mover", known("mover-password"));
  world.twin->ensure(rehearsed, server_at(stranger.at()), sql::Role{"another", generated()});
  CHECK(lines(rehearsed) ==
        std::vector<std::string>{"unchanged role/db/mover", "unchanged database/db/mover", "create role/db/another"});
  for (const Change& change : changes(rehearsed)) CHECK(change.fidelity == Fidelity::exact);
  CHECK_FALSE(world.twin->not_accepting(rehearsed, server_at(stranger.at())));
  CHECK(stranger.connections() == 0);
}

TEST_CASE("a fresh server is known to be empty, but for what it is born with") {
  World world;
  ScriptedServer stranger{[](const std::string&) { return "who are you"; }};
  const auto server = server_at(stranger.at());
  world.pending(stranger.at(), {.now = std::nullopt, .fresh = true, .because = "process db is only planned"});
  Scope rehearsed = world.scopes.rehearsed();
  world.twin->serves(server);
  ensure_both(*world.twin, rehearsed, server, "app", generated());
  world.twin->ensure(rehearsed, server, sql::Database{"postgres", "postgres"});
  CHECK(lines(rehearsed) ==
        std::vector<std::string>{"create role/db/app", "create database/db/app", "unchanged database/db/postgres"});
  for (const Change& change : changes(rehearsed)) CHECK(change.fidelity == Fidelity::exact);
  CHECK(world.twin->not_accepting(rehearsed, server) == "process db is only planned");
  CHECK(stranger.connections() == 0);
  CHECK(world.rehearsal.read_set().empty());
}

TEST_CASE("a server stopped with its data is unknown, never an error") {
  World world;
  ScriptedServer stranger{[](const std::string&) { return "who are you"; }};
  Scope rehearsed = world.scopes.rehearsed();
  world.pending(stranger.at(), {.now = std::nullopt, .fresh = false, .because = "process db is down"});
  ensure_both(*world.twin, rehearsed, server_at(stranger.at()), "app", known("app-password"));
  for (const Change& change : changes(rehearsed)) {
    CHECK(change.fidelity == Fidelity::unknown);
    CHECK(change.reason == "process db is down");
  }
  CHECK(stranger.connections() == 0);
  // The deploy may find it made, or make it.
  const Plan plan = testing::plan_of(rehearsed);
  for (int i = 0; i < 2; ++i) {
    Scope deployed = world.scopes.real(&plan);
    ensure_both(*world.real, deployed, shared(), "app", known("app-password"));
  }
}

TEST_CASE("a server that does not answer is unknown, with its own words") {
  World world;
  Scope rehearsed = world.scopes.rehearsed();
  const auto nobody_there = server_at({.port = free_port()});
  ensure_both(*world.twin, rehearsed, nobody_there, "app", known("app-password"));
  for (const Change& change : changes(rehearsed)) {
    CHECK(change.fidelity == Fidelity::unknown);
    CHECK(change.reason == "database server db does not accept connections now: connection refused");
  }
  CHECK(world.twin->not_accepting(rehearsed, nobody_there) == "connection refused");
  ScriptedServer odd{[](const std::string&) { return "HTTP/1.1 400 Bad\x1b[31m Request\r\n\r\n"; }};
  const auto why = world.real->not_accepting(rehearsed, server_at(odd.at()));
  REQUIRE(why);
  CHECK(why->find('\x1b') == std::string::npos);
}

TEST_CASE("a password somebody changed is put right, and shown as fingerprints only") {
  World world;
  Scope first = world.scopes.real();
  ensure_both(*world.real, first, shared(), "forgetful", known("the-right-one"));
  for (const std::string& meddling :
       {std::string("alter role forgetful password 'the-wrong-one'"), std::string("alter role forgetful password null"),
        std::string("set password_encryption = md5"), std::string("alter role forgetful nologin")}) {
    if (meddling.starts_with("set "))
      by_hand(shared(), "alter role forgetful password 'md5" + std::string(32, '0') + "'");
    else by_hand(shared(), meddling);
    CAPTURE(meddling);
    World after;
    Scope rehearsed = after.scopes.rehearsed();
    after.twin->ensure(rehearsed, shared(), sql::Role{"forgetful", known("the-right-one")});
    REQUIRE(changes(rehearsed).size() == 1);
    const Change change = changes(rehearsed)[0];
    CHECK(change.action == Action::update);
    REQUIRE(change.fields.size() == 1);
    CHECK(change.fields[0].path == (meddling.ends_with("nologin") ? "login" : "password"));
    CHECK(change.fields[0].before != "the-wrong-one");
    const Plan plan = testing::plan_of(rehearsed);
    Scope deployed = after.scopes.real(&plan);
    after.real->ensure(deployed, shared(), sql::Role{"forgetful", known("the-right-one")});
    CHECK(lines(deployed) == std::vector<std::string>{"update role/db/forgetful"});
    CHECK(after.real->query(deployed, shared(), {"forgetful", known("the-right-one")}, "forgetful", "select 1", {}) ==
          Rows{{"1"}});
  }
}

TEST_CASE("a right that somebody gave to a role is shown, and taken away") {
  World world;
  Scope first = world.scopes.real();
  ensure_both(*world.real, first, shared(), "modest", known("a-password"));
  by_hand(shared(), "alter role modest superuser createdb");
  World after;
  Scope rehearsed = after.scopes.rehearsed();
  after.twin->ensure(rehearsed, shared(), sql::Role{"modest", known("a-password")});
  REQUIRE(changes(rehearsed).size() == 1);
  CHECK(changes(rehearsed)[0].fields == std::vector<FieldChange>{{"attributes", "superuser, createdb", "none"}});
  const Plan plan = testing::plan_of(rehearsed);
  Scope deployed = after.scopes.real(&plan);
  after.real->ensure(deployed, shared(), sql::Role{"modest", known("a-password")});
  CHECK(lines(deployed) == std::vector<std::string>{"update role/db/modest"});
  after.real->ensure(deployed, shared(), sql::Role{"modest", known("a-password")});
  CHECK(changes(deployed).size() == 2);
  CHECK(changes(deployed)[1].action == Action::unchanged);
}

TEST_CASE("passwords are neither in the server's log nor in what we say") {
  World world;
  Scope scope = world.scopes.real();
  ensure_both(*world.real, scope, shared(), "discreet", known("a-very-secret-word"));
  CHECK(postgres().log().find("a-very-secret-word") == std::string::npos);
  CHECK(postgres().log().find(PostgresServer::password) == std::string::npos);
  CHECK(world.scopes.redact("say a-very-secret-word") == "say (secret <a-very-secret-word>)");
  try {
    (void)world.real->query(scope, shared(), {"discreet", known("not-the-right-word")}, "discreet", "select 1", {});
    FAIL("it logged in");
  } catch (const Error& error) {
    CHECK(error.data().code == "H0222");
    CHECK(everything_in(error.data()).find("not-the-right-word") == std::string::npos);
    CHECK(everything_in(error.data()).find("password authentication failed for user \"discreet\"") !=
          std::string::npos);
  }
}

TEST_CASE("a superuser's password that the server refuses is an error, in the plan too") {
  World world;
  auto server = shared();
  server.password = known("not-the-superusers");
  Scope rehearsed = world.scopes.rehearsed();
  CHECK(code_of([&] { ensure_both(*world.twin, rehearsed, server, "x", generated()); }) == "H0222");
  CHECK(code_of([&] { (void)world.real->not_accepting(rehearsed, server); }) == "H0222");  // waiting would not help
  server.password = generated();
  world.twin->ensure(rehearsed, server, sql::Role{"x", generated()});
  CHECK(changes(rehearsed).back().fidelity == Fidelity::unknown);
}

TEST_CASE("an owner that somebody changed is put right") {
  World world;
  Scope scope = world.scopes.real();
  ensure_both(*world.real, scope, shared(), "owned", known("owner-password"));
  by_hand(shared(), "alter database owned owner to postgres");
  Scope rehearsed = world.scopes.rehearsed();
  world.twin->ensure(rehearsed, shared(), sql::Database{"owned", "owned"});
  CHECK(changes(rehearsed)[0].fields == std::vector<FieldChange>{{"owner", "postgres", "owned"}});
  const Plan plan = testing::plan_of(rehearsed);
  Scope deployed = world.scopes.real(&plan);
  world.real->ensure(deployed, shared(), sql::Database{"owned", "owned"});
  CHECK(by_hand(shared(), "select pg_get_userbyid(datdba) from pg_database where datname = 'owned'") ==
        Rows{{"owned"}});
}

TEST_CASE("a database whose removal was interrupted is made again") {
  World world;
  Scope scope = world.scopes.real();
  ensure_both(*world.real, scope, shared(), "broken", known("broken-password"));
  by_hand(shared(), "update pg_database set datconnlimit = -2 where datname = 'broken'");
  Scope again = world.scopes.real();
  ensure_both(*world.real, again, shared(), "broken", known("broken-password"));
  CHECK(lines(again) == std::vector<std::string>{"unchanged role/db/broken", "create database/db/broken"});
  CHECK(world.real->query(again, shared(), {"broken", known("broken-password")}, "broken", "select 1", {}) ==
        Rows{{"1"}});
}

TEST_CASE("a database that was made anew is another one") {
  World world;
  const auto identity = [&](sql::Sql& sql, Scope& scope) {
    std::string known;
    const auto found = sql.identity(scope, shared(), "anew").map([&](const std::string& text) { return known = text; });
    return known.empty() ? "after " + found.because() : known;
  };
  Scope scope = world.scopes.real();
  ensure_both(*world.real, scope, shared(), "anew", known("anew-password"));
  const std::string first = identity(*world.real, scope);
  CHECK(identity(*world.real, scope) == first);
  by_hand(shared(), "alter database anew owner to postgres");
  Scope owner = world.scopes.rehearsed();
  ensure_both(*world.twin, owner, shared(), "anew", known("anew-password"));
  CHECK(identity(*world.twin, owner) == first);

  by_hand(shared(), "drop database anew");
  World later;
  Scope rehearsed = later.scopes.rehearsed();
  ensure_both(*later.twin, rehearsed, shared(), "anew", known("anew-password"));
  CHECK(identity(*later.twin, rehearsed) == "after database db/anew is made");
  Scope again = later.scopes.real();
  ensure_both(*later.real, again, shared(), "anew", known("anew-password"));
  CHECK(identity(*later.real, again) != first);
}

TEST_CASE("names are names, whatever they hold") {
  World world;
  Scope scope = world.scopes.real();
  const std::string odd = "o\"dd'; drop database postgres; -- \xc3\xa9";
  ensure_both(*world.real, scope, shared(), odd, known("odd-'password\\"));
  CHECK(world.real->query(scope, shared(), {odd, known("odd-'password\\")}, odd, "select current_user", {}) ==
        Rows{{odd}});
}

TEST_CASE("a password outside ASCII is refused before anything is written") {
  World world;
  Scope scope = world.scopes.real();
  CHECK(code_of([&] { world.real->ensure(scope, shared(), sql::Role{"umlaut", known("gr\xc3\xbc\xc3\x9f")}); }) ==
        "H0227");
  CHECK(by_hand(shared(), "select 1 from pg_roles where rolname = 'umlaut'").empty());
}

TEST_CASE("what the server says is cleaned, and says what was wrong") {
  World world;
  Scope scope = world.scopes.real();
  ensure_both(*world.real, scope, shared(), "asker", known("asker-password"));
  const auto ask = [&](const std::string& statement, std::vector<std::string> parameters = {}) -> Diagnostic {
    try {
      (void)world.real->query(scope, shared(), {"asker", known("asker-password")}, "asker", statement, parameters);
      return {.code = "done", .message = ""};
    } catch (const Error& error) {
      return error.data();
    }
  };
  const auto divided = ask("select 1/0");
  CHECK(divided.code == "H0221");
  CHECK(divided.message == "database server `db` refuses a statement: division by zero");
  const auto coloured = ask(
      "do $$ begin raise exception E'\\x1b[31mred\\nsecond line' using detail = E'd\\x07', hint = E'h\\x08'; end $$");
  CHECK(coloured.message == "database server `db` refuses a statement: ?[31mred second line");
  CHECK(everything_in(coloured).find('\x07') == std::string::npos);
  CHECK(everything_in(coloured).find('\x08') == std::string::npos);
  CHECK(ask("select 1; select 2").code == "H0221");
  CHECK(ask("copy (select 1) to stdout").code == "H0221");
  CHECK(ask("select $1::int", {"one"}).code == "H0221");
  CHECK(ask("").code == "H0221");
}

TEST_CASE("removing: database, role, and what is gone already") {
  World world;
  Scope made = world.scopes.real();
  ensure_both(*world.real, made, shared(), "passing", known("passing-password"));
  world.real->serves(shared());
  const LedgerEntry database{.subject = {"sql", "database", "db/passing"}},
      role{.subject = {"sql", "role", "db/passing"}};
  Scopes client;  // somebody is connected: data that is to go goes all the same
  sql::Session connected{client.reading(),
                         {"db", postgres().at(), "passing", Secret<std::string>("passing-password"), "passing"},
                         sql::Access::read_write};

  Scope rehearsed = world.scopes.rehearsed();
  world.twin->remove(rehearsed, database);
  world.twin->remove(rehearsed, role);
  world.twin->remove(rehearsed, database);
  CHECK(lines(rehearsed) == std::vector<std::string>{"delete database/db/passing", "delete role/db/passing",
                                                     "unchanged database/db/passing"});
  CHECK(changes(rehearsed)[0].loses_data);
  CHECK(by_hand(shared(), "select 1 from pg_database where datname = 'passing'").size() == 1);

  Scope removed = world.scopes.real();
  for (int i = 0; i < 2; ++i) {
    world.real->remove(removed, database);
    world.real->remove(removed, role);
  }
  CHECK(lines(removed) == std::vector<std::string>{"delete database/db/passing", "delete role/db/passing",
                                                   "unchanged database/db/passing", "unchanged role/db/passing"});
  CHECK(
      by_hand(
          shared(),
          "select 1 from pg_database where datname = 'passing' union select 1 from pg_roles where rolname = 'passing'")
          .empty());

  auto gone = shared();
  gone.at.port = free_port();
  world.real->serves(gone);
  Scope with_server = world.scopes.real();
  world.real->remove(with_server, database);
  world.real->remove(with_server, {.subject = {"sql", "role", "never-served/x"}});
  CHECK(lines(with_server) ==
        std::vector<std::string>{"unchanged database/db/passing", "unchanged role/never-served/x"});

  auto closed = shared();
  closed.password = known("not it");
  world.real->serves(closed);
  Scope without_key = world.scopes.real();
  world.real->remove(without_key, {.subject = {"sql", "database", "db/postgres"}, .holds_data = true});
  CHECK(lines(without_key) == std::vector<std::string>{"unchanged database/db/postgres"});
}

TEST_CASE("looking at what the ledger holds, and reading again what was read") {
  World world;
  Scope made = world.scopes.real();
  ensure_both(*world.real, made, shared(), "seen", known("seen-password"));
  const LedgerEntry database{.subject = {"sql", "database", "db/seen"}}, role{.subject = {"sql", "role", "db/seen"}},
      none{.subject = {"sql", "role", "db/nowhere"}};
  using Health = Observation::Health;
  CHECK(world.real->observe(made, database).health == Health::unknown);  // nobody has said where its server is
  CHECK(world.real->read_again(made, "database/db/seen") == "server not asked");

  Scope rehearsed = world.scopes.rehearsed();
  world.twin->serves(shared());
  ensure_both(*world.twin, rehearsed, shared(), "seen", known("seen-password"));
  ensure_both(*world.twin, rehearsed, shared(), "nowhere", generated());
  CHECK(world.real->observe(made, database).health == Health::ok);
  CHECK(world.real->observe(made, role).health == Health::ok);
  CHECK(world.real->observe(made, none).health == Health::missing);

  const ReadSet reads = world.rehearsal.read_set();
  REQUIRE(reads.size() == 4);
  for (const ReadRecord& read : reads) CHECK(world.real->read_again(made, read.key) == read.fingerprint);
  by_hand(shared(), "alter role seen password 'other'");
  by_hand(shared(), "alter database seen owner to postgres");
  by_hand(shared(), "create role nowhere");
  for (const ReadRecord& read : reads)
    CHECK((world.real->read_again(made, read.key) != read.fingerprint) == (read.key != "database/db/nowhere"));

  auto gone = shared();
  gone.at.port = free_port();
  world.real->serves(gone);
  CHECK(world.real->read_again(made, "role/db/seen") == "server not asked");
  const Observation unseen = world.real->observe(made, role);
  CHECK(unseen.health == Health::unknown);
  CHECK(unseen.detail == "its server does not answer: connection refused");
}

TEST_CASE("a statement is not rehearsed; a smoke test's goes through where nothing is pending") {
  World world;
  Scope scope = world.scopes.real();
  ensure_both(*world.real, scope, shared(), "smoke", known("smoke-password"));
  const sql::Role role{"smoke", known("smoke-password")};
  Scope rehearsed = world.scopes.rehearsed(), testing = world.scopes.reading();
  CHECK(code_of([&] { (void)world.twin->query(rehearsed, shared(), role, "smoke", "create table t ()", {}); }) ==
        "H0224");
  CHECK(world.twin->query(testing, shared(), role, "smoke", "select 1", {}) == Rows{{"1"}});
  world.pending(postgres().at(), {.now = postgres().at(), .because = "process db restarts"});
  CHECK(code_of([&] { (void)world.twin->query(testing, shared(), role, "smoke", "select 1", {}); }) == "H0220");
}

TEST_CASE("a twin of a twin sees what the first would have made") {
  World world;
  Rehearsal outer;
  const auto second = twin_of(world.twin, outer);
  world.pending({.port = 1}, {.now = std::nullopt, .fresh = true, .because = "process db is only planned"});
  Scope deployed = world.scopes.real();
  ensure_both(*world.twin, deployed, server_at({.port = 1}), "app", known("app-password"));
  Scope rehearsed = world.scopes.rehearsed();
  ensure_both(*second, rehearsed, server_at({.port = 1}), "app", known("app-password"));
  CHECK(lines(rehearsed) == std::vector<std::string>{"unchanged role/db/app", "unchanged database/db/app"});
  for (const ReadRecord& read : outer.read_set())
    CHECK(world.twin->read_again(rehearsed, read.key) == read.fingerprint);
}

TEST_CASE("many at once") {
  World world;
  Scope scope = world.scopes.real();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 6; ++i)
      threads.emplace_back([&, i] {
        for (int n = 0; n < 2; ++n)
          ensure_both(*world.real, scope, shared(), fmt::format("many{}", i % 3), known("many-password"));
      });
  }
  int created = 0;
  for (const Change& change : changes(scope)) created += change.action == Action::create;
  CHECK(created == 6);
}

TEST_CASE("a stop ends a statement and a connection that would take for ever") {
  PostgresServer server;
  Scopes scopes;
  const sql::Login login{"db", server.at(), "postgres", Secret<std::string>(PostgresServer::password), "postgres"};
  const auto sleeping = [&] {
    return by_hand(server_at(server.at()),
                   "select pid from pg_stat_activity where query like '%pg_sleep(3600)%' and pid <> pg_backend_pid()")
        .size();
  };
  {
    std::stop_source stop;
    sql::Session session{scopes.reading(), login, sql::Access::read_write};
    std::jthread stopper{[&] {
      until("the statement runs", [&] { return sleeping() == 1; });
      stop.request_stop();
    }};
    CHECK_THROWS_AS(session.run(scopes.reading(stop.get_token()), "select pg_sleep(3600)", {}, 1h), Stopped);
    CHECK_FALSE(session.usable());
  }
  until("the server gives the statement up", [&] { return sleeping() == 0; });
  {
    sql::Session session{scopes.reading(), login, sql::Access::read_write};
    CHECK_THROWS_AS(session.run(scopes.reading(), "select pg_sleep(3600)", {}, 50ms), TimedOut);
  }
  until("the server gives the statement up", [&] { return sleeping() == 0; });
  ScriptedServer silent{[](const std::string&) { return ""; }};
  std::stop_source stop;
  std::jthread stopper{[&] {
    until("it connects", [&] { return silent.connections() == 1; });
    stop.request_stop();
  }};
  auto mute = login;
  mute.at = silent.at();
  CHECK_THROWS_AS((sql::Session{scopes.reading(stop.get_token()), mute, sql::Access::read_only}), Stopped);
}

TEST_CASE("a server that stops in between, and one that comes back") {
  PostgresServer server;
  World world;
  Scope scope = world.scopes.real();
  const auto at = server_at(server.at());
  ensure_both(*world.real, scope, at, "app", known("app-password"));
  const int port = at.at.port;
  server.stop();
  CHECK(world.real->not_accepting(scope, at) == "connection refused");
  Scope refused = world.scopes.real();
  CHECK(code_of([&] { ensure_both(*world.real, refused, at, "app", known("app-password")); }) == "H0220");
  server.start(port);
  scope.until({.limit = 60s, .what = "the server accepts connections"},
              [&] { return world.real->not_accepting(scope, at); });
  Scope second = world.scopes.real();
  ensure_both(*world.real, second, at, "app", known("app-password"));  // over a new session: the kept one has ended
  CHECK(lines(second) == std::vector<std::string>{"unchanged role/db/app", "unchanged database/db/app"});

  sql::Session session{scope,
                       {"db", at.at, "postgres", Secret<std::string>(PostgresServer::password), "postgres"},
                       sql::Access::read_write};
  std::jthread stopper{[&] {
    until("the statement runs", [&] {
      return by_hand(at,
                     "select 1 from pg_stat_activity where query like '%pg_sleep(3601)%' and pid <> pg_backend_pid()")
                 .size() == 1;
    });
    server.signal(SIGINT);
  }};
  try {
    session.run(scope, "select pg_sleep(3601)", {}, 1h);
    FAIL("it slept");
  } catch (const sql::Unreachable& error) {
    CHECK(error.data().facts.back().second == "terminating connection due to administrator command");
  }
}

// In a process of its own, for the next test: what is asked for is forgotten before main.
TEST_CASE("where libpq's variables lead elsewhere", "[.environment]") {
  Scopes scopes;
  const Scope scope = scopes.reading();
  const host::Endpoint at{.port = std::stoi(std::getenv("HARMONY_TEST_PORT"))};
  sql::Session session{
      scope, {"db", at, "postgres", Secret<std::string>(PostgresServer::password), "postgres"}, sql::Access::read_only};
  CHECK(session.run(scope, "select inet_server_port(), current_user", {}, 60s) ==
        Rows{{std::to_string(at.port), "postgres"}});
  CHECK(session.run(scope, "show DateStyle", {}, 60s) == Rows{{"ISO, MDY"}});
  CHECK(std::getenv("PGPASSWORD"));
}

TEST_CASE("the environment of whoever deploys changes no session") {
  const std::string port = std::to_string(postgres().at().port);
  const TemporaryFolder folder;
  const auto services = (folder.path() / "services").string();
  std::ofstream{services} << "[elsewhere]\nhostaddr=192.0.2.1\nsslrootcert=/none\n";
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{{"PGHOSTADDR", "192.0.2.1"},
                                                                                    {"PGSERVICE", "not-there"},
                                                                                    {"PGSERVICE", "elsewhere"},
                                                                                    {"PGREQUIREAUTH", "gss"},
                                                                                    {"PGPASSFILE", "/dev/null"},
                                                                                    {"PGTZ", "Nowhere/None"},
                                                                                    {"PGDATESTYLE", "none"},
                                                                                    {"PGSSLMINPROTOCOLVERSION", "none"},
                                                                                    {"PGSSLMODE", "none"},
                                                                                    {"PGOPTIONS", "-c none=none"},
                                                                                    {"PGTARGETSESSIONATTRS", "standby"},
                                                                                    {"PGUSER", "nobody"}}) {
    CAPTURE(name, value);
    Child child{[&](int pipe) {
      ::dup2(pipe, 1);
      ::setenv("HARMONY_TEST_PORT", port.c_str(), 1);
      ::setenv("PGPASSWORD", "not-it", 1);
      ::setenv("PGSERVICEFILE", services.c_str(), 1);
      ::setenv(name.c_str(), value.c_str(), 1);
      return ::execl("/proc/self/exe", "sql-test", "[.environment]", nullptr);
    }};
    const auto ended = child.end();
    CAPTURE(ended.said);
    CHECK(ended.status == 0);
    CHECK(ended.said.find("All tests passed") != std::string::npos);
  }
}

TEST_CASE("what the server keeps of a password tells whether it is the one") {
  const std::string right = by_hand(shared(), "select rolpassword from pg_authid where rolname = 'postgres'")[0][0];
  CHECK(sql::verifies(right, PostgresServer::password));
  CHECK_FALSE(sql::verifies(right, "another"));
  CHECK_FALSE(sql::verifies(right, ""));
  for (const std::string& odd : std::initializer_list<std::string>{
           "", "md5abc", "SCRAM-SHA-256$", "SCRAM-SHA-256$4096:", "SCRAM-SHA-256$x:AA==$AA==:AA==",
           "SCRAM-SHA-256$0:AA==$AA==:AA==", "SCRAM-SHA-256$99999999999:AA==$AA==:AA==",
           "SCRAM-SHA-256$4096:A$AA==:AA==", "SCRAM-SHA-256$4096:????$AA==:AA=="})
    CHECK_FALSE(sql::verifies(odd, PostgresServer::password));
}
