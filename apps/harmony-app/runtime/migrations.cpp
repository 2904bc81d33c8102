#include "migrations.hpp"

#include <array>
#include <string>

namespace guestbook {
namespace {

/// Rule for a new one: the release before it keeps running on the changed schema. Add tables and nullable columns;
/// what an older release writes or reads is neither renamed, dropped nor made stricter.
const std::array<std::string, 3> migrations{
    "create table entries (id bigint generated always as identity primary key, author text not null,"
    " message text not null, created_at timestamptz not null default now())",

    "alter table entries add column delete_token_hash bytea",

    "alter table entries add column marker text;"
    "create index entries_marker on entries (marker) where marker is not null",
};

constexpr int newest = static_cast<int>(migrations.size());

/// A migration may have to rewrite or index a large table; a lock is given up soon, since those who read and write
/// entries queue up behind it.
constexpr std::chrono::minutes longest_migration{10};
const std::string start_of_migration =
    "set local lock_timeout = '2s'; set local statement_timeout = 0;"
    "select pg_advisory_xact_lock(hashtextextended('guestbookd.schema_migrations', 0));"
    "create table if not exists schema_migrations"
    " (version integer primary key, applied_at timestamptz not null default now())";

/// Asks without a lock, and needs no right to create anything.
int current_version(Connection& connection, const Limit& limit) {
  const Rows table = connection.execute("select to_regclass('schema_migrations') is not null", {}, limit);
  if (table.text(0, 0) != "t") return 0;
  return std::stoi(connection.execute("select coalesce(max(version), 0) from schema_migrations", {}, limit).text(0, 0));
}

/// Another instance may have been here while this one waited for the lock: the version counts that is read under it.
void apply_next(Connection& connection, const Limit& limit) {
  Transaction transaction(connection, limit);
  connection.execute(start_of_migration, {}, limit);
  const int version = current_version(connection, limit);
  if (version < newest) {
    connection.execute(migrations.at(static_cast<std::size_t>(version)), {}, limit);
    connection.execute("insert into schema_migrations (version) values ($1)", {std::to_string(version + 1)}, limit);
  }
  transaction.commit();
}

}  // namespace

void migrate(Connection& connection, const MigrationProgress& progress, const std::stop_token& stop) {
  for (;;) {
    const Limit limit = limit_of(longest_migration, stop);
    const int version = current_version(connection, limit);
    if (version >= newest) return;
    progress(version + 1, newest);
    apply_next(connection, limit);
  }
}

}  // namespace guestbook
