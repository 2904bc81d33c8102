#include "postgresql/on_host.hpp"

#include <csignal>

#include <fmt/format.h>

#include "host/text.hpp"
#include "postgresql/configuration.hpp"
#include "postgresql/installation.hpp"
#include "sql/difference.hpp"

namespace harmony::postgresql {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

fs::path home(const std::string& instance) { return fs::path("services") / instance; }
std::string superuser_secret(const std::string& instance) { return instance + ".superuser"; }
std::string role_secret(const std::string& instance, const std::string& database) { return instance + "." + database; }

/// postgresql.conf: everything that differs from PostgreSQL's own defaults, whole, so that a deploy can compare it.
std::string configuration_of(const PostgreSqlServer& server, const host::Endpoint& at, const fs::path& data) {
  return configuration(server.settings, {{"data_directory", data},
                                         {"hba_file", data / "pg_hba.conf"},
                                         {"ident_file", data / "pg_ident.conf"},
                                         {"listen_addresses", at.address},
                                         {"port", std::to_string(at.port)},
                                         {"unix_socket_directories", ""}});
}

}  // namespace

sql::Server OnHost::server(Scope& in, const std::string& instance) const {
  return {.instance = instance,
          .at = {.port = host_->port(in, instance)},
          .password = host_->secret(in, superuser_secret(instance), home(instance) / "data"),
          .password_from = "secret/" + superuser_secret(instance)};
}

sql::Role OnHost::role(Scope& in, const std::string& instance, const std::string& database) const {
  const std::string secret = role_secret(instance, database);
  return {.name = database, .password = host_->secret(in, secret), .password_from = "secret/" + secret};
}

void OnHost::ensure_server(Scope& in, const PostgreSqlServer& wanted) {
  Scope step =
      in.step({.kind = "database server", .name = wanted.instance, .decides = {"host", "process", wanted.instance}});
  const fs::path folder = home(wanted.instance), data = folder / "data";
  const Installation postgresql = installation(host::Folder{host_->absolute({})}, data);
  const sql::Server server = this->server(step, wanted.instance);
  step.detail(fmt::format("PostgreSQL {} on {}", postgresql.major, server.at.text()));

  host_->ensure(step, host::Directory{.path = folder});
  host_->ensure(
      step, host::Tree{.path = data,
                       .command = {postgresql.bin / "initdb", "--pgdata=%OUT%", "--username=" + server.superuser,
                                   "--pwfile=/dev/stdin", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8",
                                   "--data-checksums"},
                       .input = {server.password, std::string("\n")},
                       .holds_data = true,
                       .version_file = "PG_VERSION",
                       .version = postgresql.major,
                       .served_by = wanted.instance});
  const std::string text = configuration_of(wanted, server.at, host_->absolute(data));
  host_->ensure(step, host::File{.path = folder / "postgresql.conf", .content = {text}, .owner = host::Owner::service});
  std::optional<FieldChange> outdated;
  if (is_shutting_down(step, server)) outdated = {"server", "shutting down, for as long as clients stay", "running"};
  const host::Process process{.name = wanted.instance,
                              .command = {postgresql.bin / "postgres", "-c",
                                          "config_file=" + host_->absolute(folder / "postgresql.conf").string()},
                              .listens = server.at,
                              .configuration = {text},
                              .outdated = outdated,
                              .stop_signal = SIGINT,  // SIGTERM would wait for its clients
                              .data = data,
                              .interruption = "interrupts service"};
  host_->ensure(step, process);
  sql_->serves(server);
  host_->until_listening(step, process, 60s);
  host_->until_ready(step, process, 60s, [&] { return sql_->not_accepting(step, server); });
}

/// After a SIGTERM by hand: it takes no new clients, and lives until the last one has gone.
bool OnHost::is_shutting_down(Scope& in, const sql::Server& server) const {
  if (!host_->process(in, server.instance).up) return false;
  const auto why = sql_->not_accepting(in, server);
  return why && why->find("shutting down") != std::string::npos;
}

void OnHost::ensure(Scope& in, const PostgreSqlServer& wanted) {
  ensure_server(in, wanted);
  for (const std::string& database : wanted.databases) {
    Scope step = in.step({.kind = "database",
                          .name = wanted.instance + "/" + database,
                          .decides = {"sql", "database", wanted.instance + "/" + database}});
    const sql::Server server = this->server(step, wanted.instance);
    sql_->ensure(step, server, role(step, wanted.instance, database));
    sql_->ensure(step, server, sql::Database{database, database});
    std::lock_guard hold{mutex_};
    provided_.insert(wanted.instance + "/" + database);
  }
}

Rows OnHost::query(Scope& in, std::string_view instance, std::string_view database, std::string_view statement,
                   const std::vector<std::string>& parameters) {
  const std::string name{instance}, db{database};
  return sql_->query(in, server(in, name), role(in, name, db), db, statement, parameters);
}

host::Content OnHost::resolve(Scope& in, const Reference& reference) const {
  {
    std::lock_guard hold{mutex_};
    if (!provided_.contains(reference.instance) || reference.field != "url") throw not_provided(reference);
  }
  const auto [instance, database] = sql::place_of(reference.instance);
  const std::string name = host::url_part(database);
  return {fmt::format("postgresql://{}:", name), host_->secret(in, role_secret(instance, database)),
          fmt::format("@127.0.0.1:{}/{}", host_->port(in, instance), name)};
}

host::Content OnHost::identity(Scope& in, const Reference& reference) const {
  const auto [instance, database] = sql::place_of(reference.instance);
  return {sql_->identity(in, server(in, instance), database).map([](const std::string& identity) {
    return Secret<std::string>(identity);
  })};
}

void OnHost::recall(Scope& in, const std::string& instance) const { sql_->serves(server(in, instance)); }

}  // namespace harmony::postgresql
