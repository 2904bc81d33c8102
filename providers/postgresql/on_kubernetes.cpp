#include "postgresql/on_kubernetes.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "host/hash.hpp"
#include "host/text.hpp"
#include "k8s/cloud_native_pg.hpp"
#include "postgresql/cloud_native_pg.hpp"
#include "postgresql/stateful_set.hpp"
#include "sql/difference.hpp"

namespace harmony::postgresql {

using namespace std::chrono_literals;

namespace {

constexpr int port = 5432;
constexpr auto ready_limit = 300s;  // images may have to be pulled first
constexpr const char* default_image = "postgres:17";

std::string superuser_secret(const std::string& instance) { return instance + "-superuser"; }

/// No instance has a dot in its name, so no two databases have one Secret, nor has any the superuser's. A name that Kubernetes
/// does not take (`my_app`) is told from others by its hash.
std::string role_secret(const std::string& instance, const std::string& database) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  std::string name = database;
  std::ranges::replace_if(name, [&](char c) { return !plain(c) && c != '-'; }, '-');
  while (name.starts_with('-')) name.erase(0, 1);
  while (name.ends_with('-')) name.pop_back();
  if (name == database) return instance + "." + name;
  const std::string mark = host::sha256(database).substr(0, 8);
  return name.empty() ? instance + "." + mark : instance + "." + name + "." + mark;
}

}  // namespace

ServerKind OnKubernetes::kind(Scope& in, const std::string& instance) const {
  {
    std::lock_guard hold{mutex_};
    if (const auto known = kinds_.find(instance); known != kinds_.end()) return known->second;
  }
  const ServerKind kind = kind_of_server(in, *api_, ledger_.read(), instance, chosen_);
  std::lock_guard hold{mutex_};
  return kinds_.emplace(instance, kind).first->second;
}

std::string OnKubernetes::host(Scope& in, const std::string& instance) const {
  return kind(in, instance) == ServerKind::cloud_native_pg ? instance + "-rw" : instance;
}

sql::Server OnKubernetes::server(Scope& in, const std::string& instance) const {
  const k8s::ForwardTarget target =
      kind(in, instance) == ServerKind::cloud_native_pg
          ? k8s::ForwardTarget{"Cluster", instance, port, k8s::cloud_native_pg_cluster.group}
          : k8s::ForwardTarget{"StatefulSet", instance, port};
  return {.instance = instance,
          .at = api_->forward(in, target),
          .password = api_->value(in, superuser_secret(instance), "password"),
          .password_from = "secret/" + superuser_secret(instance)};
}

sql::Role OnKubernetes::role(Scope& in, const std::string& instance, const std::string& database) const {
  const std::string secret = role_secret(instance, database);
  return {.name = database, .password = api_->value(in, secret, "password"), .password_from = "secret/" + secret};
}

k8s::ObjectSet OnKubernetes::ensure_objects(Scope& step, const PostgreSqlServer& wanted) {
  const std::string& name = wanted.instance;
  const std::string secret = superuser_secret(name);
  k8s::GeneratedSecret superuser{.name = secret, .keys = {"password"}};
  k8s::ObjectSet set;
  if (kind(step, name) == ServerKind::cloud_native_pg) {
    // The operator sets what it says, whenever that was made.
    superuser.plain = {{"username", "postgres"}};
    superuser.type = "kubernetes.io/basic-auth";
    set = cloud_native_pg(wanted, image_, secret);
    step.decides({"k8s", "cluster.postgresql.cnpg.io", name});
    step.detail(
        fmt::format("CloudNativePG ({}) at {}:{}", image_.empty() ? "its own image" : image_, host(step, name), port));
  } else {
    superuser.opens = claim_of(name);
    const std::string image = image_.empty() ? default_image : image_;
    set = stateful_set(wanted, image, secret, api_->assigns_users(step));
    step.detail(fmt::format("PostgreSQL ({}) at {}:{}", image, host(step, name), port));
  }
  api_->ensure(step, superuser);
  api_->ensure(step, set);
  return set;
}

void OnKubernetes::ensure_server(Scope& in, const PostgreSqlServer& wanted) {
  const std::string& name = wanted.instance;
  Scope step = in.step({.kind = "database server", .name = name, .decides = {"k8s", "statefulset.apps", name}});
  api_->until_ready(step, ensure_objects(step, wanted), ready_limit);
  const sql::Server server = this->server(step, name);
  sql_->serves(server);
  const bool cluster = kind(step, name) == ServerKind::cloud_native_pg;
  const std::string subject = (cluster ? "cluster.postgresql.cnpg.io/" : "statefulset.apps/") + name;
  step.until({.limit = 60s, .what = "the server accepts connections", .subject = subject},
             [&]() -> std::optional<std::string> {
               api_->require_reachable(server.at);
               try {
                 return sql_->not_accepting(step, server);
               } catch (const Error& error) {
                 // A pod of a Cluster is ready before its operator has set the password of the Secret.
                 if (!cluster || error.data().code != "H0222") throw;
                 return error.data().message;
               }
             });
  // Its operator says of no generation of settings that they are in force; the server does.
  if (cluster)
    step.until({.limit = 120s, .what = "its settings are in force", .subject = subject},
               [&] { return sql_->not_in_force(step, server, wanted.settings); });
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
  const auto [instance, database] = sql::place_of(reference.instance);
  const std::string name = host::url_part(database);
  return {fmt::format("postgresql://{}:", name), api_->value(in, role_secret(instance, database), "password"),
          fmt::format("@{}:{}/{}", host(in, instance), port, name)};
}

host::Content OnKubernetes::identity(Scope& in, const Reference& reference) const {
  const auto [instance, database] = sql::place_of(reference.instance);
  return {sql_->identity(in, server(in, instance), database).map([](const std::string& identity) {
    return Secret<std::string>(identity);
  })};
}

void OnKubernetes::recall(Scope& in, const std::string& instance) const { sql_->serves(server(in, instance)); }

}  // namespace harmony::postgresql
