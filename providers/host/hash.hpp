#pragma once
/// SHA-256 of texts and of files.
#include <sys/types.h>

#include <compare>
#include <ctime>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace harmony::host {

/// In hex, 64 digits.
std::string sha256(std::string_view);

/// What a file must keep for its content to be taken as the same without reading it again.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  long long modified = 0, changed = 0;  ///< nanoseconds since the epoch
  auto operator<=>(const FileIdentity&) const = default;
  std::string text() const;
};
/// Of an open file.
FileIdentity identity_of(int file);

/// Hashes of files, each read once for as long as it stays the same. Thread-safe.
class FileHashes {
 public:
  /// Nothing where it cannot be opened or read. Follows links: /proc/PID/exe is one, and leads to what really runs.
  std::optional<std::string> of(const std::filesystem::path&) const;
  /// What is known from elsewhere.
  void learn(const FileIdentity&, std::string hash) const;

 private:
  mutable std::mutex mutex_;
  mutable std::map<FileIdentity, std::string> known_;
};

}  // namespace harmony::host
