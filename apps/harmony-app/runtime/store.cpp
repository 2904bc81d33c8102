#include "store.hpp"

namespace guestbook {
namespace {

/// How a time leaves the database: RFC 3339 in UTC with milliseconds.
const std::string created_at = R"(to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))";

}  // namespace

/// One connection for the duration of a call.
class Store::Lease {
 public:
  Lease(Store& store, const Limit& limit) : store_(store), connection_(store.take(limit)) {}
  ~Lease() { store_.give_back(std::move(connection_)); }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  Connection& connection() { return *connection_; }

 private:
  Store& store_;
  std::unique_ptr<Connection> connection_;
};

StoredEntry Store::insert(const NewEntry& entry, const std::string& delete_token_hash,
                          const std::function<void(std::int64_t id)>& announce, const Limit& limit) {
  Lease lease(*this, limit);
  Transaction transaction(lease.connection(), limit);
  const Rows rows = lease.connection().execute(
      "insert into entries (author, message, marker, delete_token_hash) values ($1, $2, $3, $4) returning id, " +
          created_at,
      {entry.author, entry.message, entry.marker, delete_token_hash}, limit);
  const StoredEntry stored{std::stoll(rows.text(0, 0)), rows.text(0, 1)};
  announce(stored.id);
  transaction.commit();
  return stored;
}

std::vector<Entry> Store::newest(int count, const Limit& limit) {
  Lease lease(*this, limit);
  const Rows rows = lease.connection().execute(
      "select id, author, message, " + created_at + " from entries where marker is null order by id desc limit $1",
      {std::to_string(count)}, limit);
  std::vector<Entry> entries;
  for (int row = 0; row < rows.count(); ++row) {
    entries.push_back({std::stoll(rows.text(row, 0)), rows.text(row, 1), rows.text(row, 2), rows.text(row, 3)});
  }
  return entries;
}

Removal Store::remove(std::int64_t id, const std::string& delete_token_hash, const Limit& limit) {
  Lease lease(*this, limit);
  const Rows removed =
      lease.connection().execute("delete from entries where id = $1 and delete_token_hash = $2 returning id",
                                 {std::to_string(id), delete_token_hash}, limit);
  if (removed.count() > 0) return Removal::removed;
  const Rows found = lease.connection().execute("select id from entries where id = $1", {std::to_string(id)}, limit);
  return found.count() > 0 ? Removal::wrong_token : Removal::not_found;
}

/// Connections the server has closed in the meantime are passed over, so that a restarted database costs no request.
std::unique_ptr<Connection> Store::take(const Limit& limit) {
  while (true) {
    std::unique_ptr<Connection> connection;
    {
      const std::lock_guard lock(mutex_);
      if (idle_.empty()) break;
      connection = std::move(idle_.back());
      idle_.pop_back();
    }
    if (connection->is_idle()) return connection;
  }
  auto connection = std::make_unique<Connection>(url_, limit);
  // The server gives up by itself what nobody waits for any more.
  connection->execute("set statement_timeout = '10s'; set idle_in_transaction_session_timeout = '20s'", {}, limit);
  return connection;
}

void Store::give_back(std::unique_ptr<Connection> connection) {
  if (!connection->is_idle()) return;
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(connection));
}

}  // namespace guestbook
