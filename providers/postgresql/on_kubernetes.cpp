#include "postgresql/on_kubernetes.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "host/text.hpp"
#include "k8s/manifest.hpp"
#include "postgresql/configuration.hpp"

namespace harmony::postgresql {

using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

constexpr int port = 5432, user = 999;  // as postgres has it in Debian's images
constexpr auto ready_limit = 180s;  // an image may have to be pulled first

std::string superuser_secret(const std::string& instance) { return instance + "-superuser"; }
std::string role_secret(const std::string& instance, const std::string& database) { return instance + "-" + database; }

/// Beside its place first, as on one machine: a pod that is killed meanwhile leaves nothing that looks like data. A mount
/// may have opened the folder to its group, and PostgreSQL starts in none that is open to others.
constexpr const char* start_script = R"sh(set -eu
unset PGDATA
PATH="$PATH:$(echo /usr/lib/postgresql/*/bin)"
if [ ! -s /data/pgdata/PG_VERSION ]; then
  rm -rf /data/pgdata.next
  initdb --pgdata=/data/pgdata.next --username=postgres --pwfile=/secret/password --auth=scram-sha-256 \
    --encoding=UTF8 --locale=C.UTF-8 --data-checksums
  mv /data/pgdata.next /data/pgdata
fi
chmod 0700 /data/pgdata
exec postgres -c config_file=/configuration/postgresql.conf
)sh";

/// Everybody in the cluster may knock; who has no password stays outside.
constexpr const char* host_rules = "local all all scram-sha-256\nhost all all all scram-sha-256\n";

std::string configuration_of(const PostgreSqlServer& server) {
  return configuration(server.settings, {{"data_directory", "/data/pgdata"},
                                         {"hba_file", "/configuration/pg_hba.conf"},
                                         {"ident_file", "/data/pgdata/pg_ident.conf"},
                                         {"listen_addresses", "*"},
                                         {"port", std::to_string(port)},
                                         {"unix_socket_directories", ""}});
}

json::object stateful_set(const std::string& instance, const std::string& image, bool user_assigned) {
  const json::value container{
      {"name", "postgresql"},
      {"image", image},
      {"securityContext", k8s::confined()},
      {"command", {"/bin/sh", "/configuration/start.sh"}},
      {"ports", json::array{k8s::container_port("postgresql", port)}},
      {"readinessProbe",
       {{"exec",
         {{"command",
           {"/bin/sh", "-c", "PATH=\"$PATH:$(echo /usr/lib/postgresql/*/bin)\" exec pg_isready -h 127.0.0.1"}}}},
        {"periodSeconds", 2}}},
      // What a pod is ended with means to wait for its clients, and they do not go.
      {"lifecycle", {{"preStop", {{"exec", {{"command", {"/bin/sh", "-c", "kill -INT 1"}}}}}}}},
      {"volumeMounts", json::array{{{"name", "data"}, {"mountPath", "/data"}},
                                   {{"name", "configuration"}, {"mountPath", "/configuration"}},
                                   {{"name", "secret"}, {"mountPath", "/secret"}}}}};
  const json::array volumes{{{"name", "data"}, {"persistentVolumeClaim", {{"claimName", instance + "-data"}}}},
                            {{"name", "configuration"}, {"configMap", {{"name", instance + "-configuration"}}}},
                            {{"name", "secret"}, {"secret", {{"secretName", superuser_secret(instance)}}}}};
  json::object pod{{"containers", json::array{container}}, {"volumes", volumes}, {"terminationGracePeriodSeconds", 60}};
  if (!user_assigned) pod["securityContext"] = k8s::pod_user(user);
  return k8s::single_pod(instance, std::move(pod));
}

}  // namespace

sql::Server OnKubernetes::server(Scope& in, const std::string& instance) const {
  return {.instance = instance,
          .at = api_->forward(in, {"StatefulSet", instance, port}),
          .password = api_->value(in, superuser_secret(instance), "password")};
}

sql::Role OnKubernetes::role(Scope& in, const std::string& instance, const std::string& database) const {
  return {.name = database, .password = api_->value(in, role_secret(instance, database), "password")};
}

void OnKubernetes::ensure_server(Scope& in, const PostgreSqlServer& wanted) {
  const std::string& name = wanted.instance;
  Scope step = in.step({.kind = "database server", .name = name, .decides = {"k8s", "statefulset.apps", name}});
  step.detail(fmt::format("PostgreSQL ({}) at {}:{}", image_, name, port));
  const std::string text = configuration_of(wanted);
  json::object configuration = k8s::named("v1", "ConfigMap", name + "-configuration");
  configuration["data"] = {{"pg_hba.conf", host_rules}, {"postgresql.conf", text}, {"start.sh", start_script}};

  api_->ensure(step, k8s::GeneratedSecret{superuser_secret(name), {"password"}, name + "-data"});
  const k8s::ObjectSet set{{.object = std::move(configuration)},
                           {.object = k8s::claim(name + "-data", "1Gi"), .holds_data = true},
                           {.object = k8s::service(name, name, {{"postgresql", port}})},
                           {.object = stateful_set(name, image_, api_->assigns_users(step)),
                            .fingerprints = {{k8s::configuration_annotation, {host_rules + text + start_script}}}}};
  api_->ensure(step, set);
  api_->until_ready(step, set, ready_limit);
  const sql::Server server = this->server(step, name);
  sql_->serves(server);
  step.until({.limit = 60s, .what = "the server accepts connections", .subject = "statefulset.apps/" + name}, [&] {
    api_->require_reachable(server.at);
    return sql_->not_accepting(step, server);
  });
}

void OnKubernetes::ensure(Scope& in, const PostgreSqlServer& wanted) {
  ensure_server(in, wanted);
  for (const std::string& database : wanted.databases) {
    const std::string name = wanted.instance + "/" + database;
    Scope step = in.step({.kind = "database", .name = name, .decides = {"sql", "database", name}});
    api_->ensure(step, k8s::GeneratedSecret{role_secret(wanted.instance, database), {"password"}});
    const sql::Server server = this->server(step, wanted.instance);
    sql_->ensure(step, server, role(step, wanted.instance, database));
    sql_->ensure(step, server, sql::Database{database, database});
    std::lock_guard hold{mutex_};
    provided_.insert(name);
  }
}

Rows OnKubernetes::query(Scope& in, std::string_view instance, std::string_view database, std::string_view statement,
                         const std::vector<std::string>& parameters) {
  const std::string name{instance}, of_database{database};
  return sql_->query(in, server(in, name), role(in, name, of_database), of_database, statement, parameters);
}

host::Content OnKubernetes::resolve(Scope& in, const Reference& reference) const {
  {
    std::lock_guard hold{mutex_};
    if (!provided_.contains(reference.instance) || reference.field != "url") throw not_provided(reference);
  }
  const auto slash = reference.instance.find('/');
  const std::string instance = reference.instance.substr(0, slash), database = reference.instance.substr(slash + 1);
  const std::string name = host::url_part(database);
  return {fmt::format("postgresql://{}:", name), api_->value(in, role_secret(instance, database), "password"),
          fmt::format("@{}:{}/{}", instance, port, name)};
}

void OnKubernetes::recall(Scope& in, const std::string& instance) const { sql_->serves(server(in, instance)); }

}  // namespace harmony::postgresql
