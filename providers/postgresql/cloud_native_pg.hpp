#pragma once
/// A PostgreSQL server that the operator CloudNativePG runs: a Cluster (postgresql.cnpg.io/v1).
#include <string>

#include "harmony/capabilities/postgresql.hpp"
#include "k8s/api.hpp"

namespace harmony::postgresql {

/// Databases and roles are none of its business: they are made as on every other server.
/// @param image empty: the operator's own
/// @param superuser a Secret of type kubernetes.io/basic-auth
k8s::ObjectSet cloud_native_pg(const PostgreSqlServer&, const std::string& image, const std::string& superuser);

}  // namespace harmony::postgresql
