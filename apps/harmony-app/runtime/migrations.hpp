#pragma once

#include <functional>

#include "database.hpp"

namespace guestbook {

/// Told before each migration: the version it leads to, and the newest there is.
using MigrationProgress = std::function<void(int version, int newest)>;

/// Brings the schema to the newest version this release knows, one transaction per migration, one instance at a time.
/// A schema of a later release is left alone. Throws DatabaseError; what was committed stays.
void migrate(Connection& connection, const MigrationProgress& progress, const std::stop_token& stop);

}  // namespace guestbook
