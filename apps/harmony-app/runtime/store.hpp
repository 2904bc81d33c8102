#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "database.hpp"
#include "entry.hpp"

namespace guestbook {

struct StoredEntry {
  std::int64_t id = 0;
  std::string created_at;  ///< RFC 3339, UTC
};

enum class Removal { removed, wrong_token, not_found };

/// The entries in PostgreSQL, over a pool that holds as many connections as were ever needed at once. Every call blocks,
/// until `limit` at the longest, and throws DatabaseError. Thread-safe.
class Store {
 public:
  explicit Store(std::string url) : url_(std::move(url)) {}

  /// Inserts, calls `announce` with the new id, and commits. When `announce` throws nothing is stored.
  StoredEntry insert(const NewEntry& entry, const std::string& delete_token_hash,
                     const std::function<void(std::int64_t id)>& announce, const Limit& limit);

  /// The newest first, without marked ones.
  std::vector<Entry> newest(int count, const Limit& limit);

  Removal remove(std::int64_t id, const std::string& delete_token_hash, const Limit& limit);

 private:
  class Lease;

  std::unique_ptr<Connection> take(const Limit& limit);
  void give_back(std::unique_ptr<Connection> connection);

  std::string url_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace guestbook
