#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace guestbook {

/// What a visitor sends. A marker says that a test made the entry; such an entry is not listed.
struct NewEntry {
  std::string author;
  std::string message;
  std::optional<std::string> marker;
};

/// An entry as the database holds it; `created_at` is RFC 3339 in UTC.
struct Entry {
  std::int64_t id = 0;
  std::string author;
  std::string message;
  std::string created_at;
};

/// The visitor's JSON cannot become an entry.
class InvalidEntry : public std::runtime_error {
 public:
  enum class Reason { not_json, bad_field };

  InvalidEntry(Reason reason, const std::string& what) : std::runtime_error(what), reason_(reason) {}
  Reason reason() const { return reason_; }

 private:
  Reason reason_;
};

/// Reads and checks `{"author", "message", "marker"?}`. Throws InvalidEntry.
NewEntry parse_new_entry(std::string_view json);

/// `[{"id", "author", "message", "created_at"}, …]`
std::string to_json(const std::vector<Entry>& entries);

/// What is published when an entry was stored: `{"id", "author", "message", "marker"?}`.
std::string announcement(std::int64_t id, const NewEntry& entry);

}  // namespace guestbook
