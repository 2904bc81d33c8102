#pragma once
/// What a PostgreSQL server keeps of a password (RFC 5802, as in pg_authid.rolpassword).
#include <string>
#include <string_view>

namespace harmony::sql {

/// True where `verifier` is one of SCRAM-SHA-256, made of this password. The password is ASCII: nothing is normalised.
bool verifies(std::string_view verifier, std::string_view password);

}  // namespace harmony::sql
