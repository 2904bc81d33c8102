#include "postgresql/server_kind.hpp"

#include <fmt/format.h>

#include "harmony/error.hpp"
#include "host/printable.hpp"
#include "k8s/cloud_native_pg.hpp"
#include "postgresql/cloud_native_pg.hpp"
#include "postgresql/stateful_set.hpp"

namespace harmony::postgresql {

namespace {

const k8s::GroupVersionKind claims{"", "v1", "PersistentVolumeClaim"};

Subject subject_of(ServerKind kind, const std::string& instance) {
  if (kind == ServerKind::stateful_set) return {"k8s", "persistentvolumeclaim", claim_of(instance)};
  return {"k8s", "cluster.postgresql.cnpg.io", instance};
}

/// By the ledger, or by what is there of a deployment that has lost it.
std::optional<ServerKind> holder_of(Scope& in, k8s::Api& api, const LedgerState& ledger, const std::string& instance) {
  for (const ServerKind kind : {ServerKind::stateful_set, ServerKind::cloud_native_pg})
    if (ledger.find(subject_of(kind, instance))) return kind;
  if (api.has(in, claims, claim_of(instance))) return ServerKind::stateful_set;
  if (api.has(in, k8s::cloud_native_pg_cluster, instance)) return ServerKind::cloud_native_pg;
  return std::nullopt;
}

const char* in_words(ServerKind kind) {
  return kind == ServerKind::stateful_set ? "StatefulSet" : "Cluster of CloudNativePG";
}

Error other_one(const std::string& instance, ServerKind held, ServerKind chosen) {
  return Error(
      {.code = "H0431",
       .category = Category::refused,
       .message = fmt::format("the data of `{}` is in a {}, and a {} was asked for", instance, in_words(held),
                              in_words(chosen)),
       .subject = subject_of(held, instance).text(),
       .facts = {{"holds the data", subject_of(held, instance).text()}},
       .notes = {"the other one would begin empty; nothing was written"},
       .help = fmt::format("leave it as it is: without --postgresql, or with --postgresql {}. To move: dump its "
                           "databases (pg_dump), destroy --delete-data, deploy with --postgresql {}, restore",
                           to_string(held), to_string(chosen))});
}

Error no_operator(const std::string& instance, bool held) {
  return Error({.code = "H0432",
                .category = Category::refused,
                .message = held ? fmt::format("`{}` is a Cluster of CloudNativePG, which the cluster does not know any "
                                              "more",
                                              instance)
                                : fmt::format("the cluster does not know CloudNativePG, which `{}` was asked to be of",
                                              instance),
                .subject = subject_of(ServerKind::cloud_native_pg, instance).text(),
                .facts = {{"missing", "kind Cluster of postgresql.cnpg.io"}},
                .help = held ? "install the operator again; where its kinds were taken away, so were its databases: "
                               "restore a backup, or give them up with destroy --delete-data"
                             : "have the operator CloudNativePG installed, or choose --postgresql statefulset"});
}

}  // namespace

std::string_view to_string(ServerKind kind) {
  return kind == ServerKind::stateful_set ? "statefulset" : "cloudnative-pg";
}

std::optional<ServerKind> server_kind(const std::string& chosen) {
  if (chosen.empty()) return std::nullopt;
  for (const ServerKind kind : {ServerKind::stateful_set, ServerKind::cloud_native_pg})
    if (chosen == to_string(kind)) return kind;
  throw Error({.code = "H0408",
               .category = Category::usage,
               .message = fmt::format("`{}` is nothing that a PostgreSQL server can be", host::printable(chosen)),
               .help = "--postgresql statefulset, or --postgresql cloudnative-pg"});
}

ServerKind kind_of_server(Scope& in, k8s::Api& api, const LedgerState& ledger, const std::string& instance,
                          std::optional<ServerKind> chosen) {
  const auto held = holder_of(in, api, ledger, instance);
  if (held && chosen && *held != *chosen) throw other_one(instance, *held, *chosen);
  const bool known = api.serves(in, k8s::cloud_native_pg_cluster.group, k8s::cloud_native_pg_cluster.kind);
  const ServerKind kind =
      held.value_or(chosen.value_or(known ? ServerKind::cloud_native_pg : ServerKind::stateful_set));
  if (kind == ServerKind::cloud_native_pg && !known) throw no_operator(instance, held.has_value());
  return kind;
}

}  // namespace harmony::postgresql
