#pragma once
/// A PostgreSQL server of ours in a cluster: a StatefulSet of one pod on a volume claim of its own.
#include <string>

#include "harmony/capabilities/postgresql.hpp"
#include "k8s/api.hpp"

namespace harmony::postgresql {

/// The claim whose data its superuser's password opens.
std::string claim_of(const std::string& instance);

/// @param image with `initdb` and `postgres`
/// @param superuser the Secret with the superuser's `password`
/// @param user_assigned the cluster gives pods a user of its own choice
k8s::ObjectSet stateful_set(const PostgreSqlServer&, const std::string& image, const std::string& superuser,
                            bool user_assigned);

}  // namespace harmony::postgresql
