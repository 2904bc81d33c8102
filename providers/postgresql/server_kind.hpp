#pragma once
/// What a PostgreSQL server is in a cluster. Data never changes from one to the other by itself.
#include <optional>
#include <string>
#include <string_view>

#include "harmony/ledger.hpp"
#include "k8s/api.hpp"

namespace harmony::postgresql {

enum class ServerKind { stateful_set, cloud_native_pg };
/// "statefulset", "cloudnative-pg": as people choose it.
std::string_view to_string(ServerKind);
/// Empty: nothing was chosen. @throws Error H0408 where it is neither
std::optional<ServerKind> server_kind(const std::string& chosen);

/// What the instance's data is in already; else what was chosen; else a Cluster where CloudNativePG is, else a StatefulSet.
/// @throws Error H0431 where the data is in the other one; H0432 where CloudNativePG is needed, and is not there
ServerKind kind_of_server(Scope&, k8s::Api&, const LedgerState&, const std::string& instance,
                          std::optional<ServerKind> chosen);

}  // namespace harmony::postgresql
