#pragma once
/// The state folder as a place to read and write in. Every path is relative to it and walked component by component,
/// following no symbolic link: a service owns some of these folders and could put one there for root to follow.
#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/descriptor.hpp"

namespace harmony::host {

struct Account {
  uid_t user = 0;
  gid_t group = 0;
  bool operator==(const Account&) const = default;
};

/// What lies at a path itself.
struct PathFacts {
  enum class Kind { file, folder, other };
  Kind kind = Kind::file;
  int mode = 0;
  Account owner;
  bool operator==(const PathFacts&) const = default;
};

/// Thread-safe: it keeps nothing but its root. All throw H0106 where a link is in the way.
class Folder {
 public:
  explicit Folder(std::filesystem::path root) : root_(std::move(root)) {}
  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path absolute(const std::filesystem::path& path) const { return root_ / path; }

  // reads; @throws H0107 where it is there and cannot be read
  std::optional<PathFacts> look(const std::filesystem::path&) const;
  std::optional<std::string> read(const std::filesystem::path&) const;
  /// Sorted; none where there is no folder, and only there.
  std::vector<std::string> names(const std::filesystem::path&) const;
  /// A file or folder opened with these flags; empty where it is not there.
  Descriptor open(const std::filesystem::path&, int flags) const;

  // writes; @throws H0104
  /// Made or mended: afterwards it has exactly this mode and, where one is given, this owner. Missing parents are made
  /// alike.
  void make(const std::filesystem::path&, int mode, const std::optional<Account>&) const;
  /// A file whole or not there: `draft` writes it beside its place, `place` moves it there; both durable on return.
  void draft(const std::filesystem::path&, std::string_view content, int mode, const std::optional<Account>&) const;
  void place(const std::filesystem::path&) const;
  /// Where a draft lies, also of a folder: a kill leaves it.
  static std::filesystem::path draft_of(const std::filesystem::path&);
  void write(const std::filesystem::path&, std::string_view content, int mode, const std::optional<Account>&) const;
  /// An empty file, open for writing. @throws H0104 where something is there
  Descriptor create(const std::filesystem::path&, int mode) const;
  void rename(const std::filesystem::path& from, const std::filesystem::path& to) const;
  /// With all that is in it, but what is at or below one of `keep`. What is not there is removed already.
  void remove(const std::filesystem::path&, const std::vector<std::filesystem::path>& keep = {}) const;
  /// @returns false where something is in it.
  bool remove_if_empty(const std::filesystem::path&) const;

 private:
  void make_whole(int parent, const std::filesystem::path&, int mode, const std::optional<Account>&) const;

  std::filesystem::path root_;
};

}  // namespace harmony::host
