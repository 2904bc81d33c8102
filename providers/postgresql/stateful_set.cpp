#include "postgresql/stateful_set.hpp"

#include <boost/json.hpp>

#include "k8s/manifest.hpp"
#include "postgresql/configuration.hpp"

namespace harmony::postgresql {

namespace json = boost::json;

namespace {

constexpr int port = 5432, user = 999;  // as postgres has it in Debian's images

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

json::object workload(const PostgreSqlServer& wanted, const std::string& image, const std::string& superuser,
                      bool user_assigned) {
  const std::string& instance = wanted.instance;
  json::object container{
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
  k8s::give(container, wanted.resources);
  const json::array volumes{{{"name", "data"}, {"persistentVolumeClaim", {{"claimName", claim_of(instance)}}}},
                            {{"name", "configuration"}, {"configMap", {{"name", instance + "-configuration"}}}},
                            {{"name", "secret"}, {"secret", {{"secretName", superuser}}}}};
  json::object pod{{"containers", json::array{container}}, {"volumes", volumes}, {"terminationGracePeriodSeconds", 60}};
  if (!user_assigned) pod["securityContext"] = k8s::pod_user(user);
  return k8s::single_pod(instance, std::move(pod));
}

}  // namespace

std::string claim_of(const std::string& instance) { return instance + "-data"; }

k8s::ObjectSet stateful_set(const PostgreSqlServer& wanted, const std::string& image, const std::string& superuser,
                            bool user_assigned) {
  const std::string& name = wanted.instance;
  const std::string text = configuration_of(wanted);
  json::object configuration = k8s::named("v1", "ConfigMap", name + "-configuration");
  configuration["data"] = {{"pg_hba.conf", host_rules}, {"postgresql.conf", text}, {"start.sh", start_script}};
  return {{.object = std::move(configuration)},
          {.object = k8s::claim(claim_of(name)), .holds_data = true},
          {.object = k8s::service(name, name, {{"postgresql", port}})},
          {.object = workload(wanted, image, superuser, user_assigned),
           .fingerprints = {{k8s::configuration_annotation, {host_rules + text + start_script}}}}};
}

}  // namespace harmony::postgresql
