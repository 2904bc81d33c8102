#include "host/folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <mutex>

#include <fmt/format.h>

#include "harmony/error.hpp"
#include "host/durable.hpp"

namespace harmony::host {

namespace fs = std::filesystem;

namespace {

constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

Error in_the_way(const fs::path& path, std::string_view what) {
  return Error({.code = "H0106",
                .category = Category::refused,
                .message = fmt::format("`{}` is {}, and nothing behind it is touched", path.string(), what),
                .subject = "file/" + path.string(),
                .help = "look who put it there, and move it away"});
}

bool is_link(int folder, const std::string& name) {
  struct stat found{};
  return ::fstatat(folder, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(found.st_mode);
}

/// The folder that holds `path`; empty where it is not there.
Descriptor open_parent(const fs::path& root, const fs::path& path) {
  Descriptor folder{::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder) {
    if (errno == ENOENT) return {};
    throw read_failure(root, errno);
  }
  fs::path walked = root;
  for (const auto& part : path.parent_path()) {
    walked /= part;
    Descriptor next{::openat(folder.number(), part.c_str(), folder_flags)};
    if (!next) {
      const int cause = errno;
      if (cause == ENOENT) return {};
      if (is_link(folder.number(), part)) throw in_the_way(walked, "a symbolic link");
      if (cause == ENOTDIR) throw in_the_way(walked, "no folder");
      throw read_failure(walked, cause);
    }
    folder = std::move(next);
  }
  return folder;
}

Descriptor parent_for_writing(const fs::path& root, const fs::path& path) {
  Descriptor folder = open_parent(root, path);
  if (!folder) throw write_failure(root / path, ENOENT);
  return folder;
}

void own(int file, const fs::path& path, int mode, const std::optional<Account>& owner) {
  struct stat found{};
  if (::fstat(file, &found) != 0) throw write_failure(path, errno);
  const bool another = owner && (found.st_uid != owner->user || found.st_gid != owner->group);
  if (another && ::fchown(file, owner->user, owner->group) != 0) throw write_failure(path, errno);
  if ((another || (found.st_mode & 07777u) != static_cast<mode_t>(mode)) &&
      ::fchmod(file, static_cast<mode_t>(mode)) != 0)
    throw write_failure(path, errno);
}

/// Sorted. A folder that cannot be read is not an empty one: whoever finds nothing in it takes away what is in there.
/// @throws H0107
std::vector<std::string> names_in(int folder, const fs::path& path) {
  const int again = ::openat(folder, ".", folder_flags);
  if (again < 0 && errno == ENOENT) return {};  // taken away meanwhile
  if (again < 0) throw read_failure(path, errno);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing{::fdopendir(again), ::closedir};
  if (!listing) {
    const int cause = errno;
    ::close(again);
    throw read_failure(path, cause);
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(listing.get())) {
    if (const std::string name = entry->d_name; name != "." && name != "..") names.push_back(name);
    errno = 0;  // what tells an error from the end
  }
  if (errno != 0) throw read_failure(path, errno);
  std::ranges::sort(names);
  return names;
}

bool leads_to(const fs::path& folder, const fs::path& kept) {
  return std::mismatch(folder.begin(), folder.end(), kept.begin(), kept.end()).first == folder.end();
}

/// Takes an entry away with all that is in it. Who owns a folder may have made any number of levels in it, and each that
/// is walked into holds a descriptor: so what lies deep is first moved up into the topmost folder.
class Removal {
 public:
  Removal(const fs::path& root, const std::vector<fs::path>& keep) : root_(root), keep_(keep) {}

  /// @returns false where something below had to stay.
  bool take_away(int parent, const std::string& name, const fs::path& path) { return entry(parent, name, path, 0); }

 private:
  static constexpr int deepest = 16;

  bool entry(int parent, const std::string& name, const fs::path& path, int depth) {
    if (std::ranges::find(keep_, path) != keep_.end()) return false;
    struct stat found{};
    if (::fstatat(parent, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) return true;
      throw write_failure(root_ / path, errno);
    }
    if (!S_ISDIR(found.st_mode)) {
      if (::unlinkat(parent, name.c_str(), 0) != 0 && errno != ENOENT) throw write_failure(root_ / path, errno);
      return true;
    }
    const bool a_way_to_kept = std::ranges::any_of(keep_, [&](const fs::path& kept) { return leads_to(path, kept); });
    if (depth > deepest && !a_way_to_kept && moved_up(parent, name)) return true;
    const bool all = content(parent, name, path, depth);
    if (!all && a_way_to_kept) return false;
    if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
      throw write_failure(root_ / path, errno);
    return true;
  }
  bool content(int parent, const std::string& name, const fs::path& path, int depth) {
    const Descriptor folder{::openat(parent, name.c_str(), folder_flags)};
    if (!folder) throw write_failure(root_ / path, errno);
    if (depth == 0) topmost_ = folder.number();
    bool all = true;
    for (const std::string& below : names_in(folder.number(), root_ / path))
      all &= entry(folder.number(), below, path / below, depth + 1);
    while (depth == 0 && !moved_.empty()) {
      const std::string next = std::move(moved_.back());
      moved_.pop_back();
      all &= entry(folder.number(), next, path / next, 1);
    }
    return all;
  }
  /// @returns false where that cannot be done.
  bool moved_up(int parent, const std::string& name) {
    for (;;) {
      std::string up = fmt::format(".deep.{}", number_++);
      if (::renameat(parent, name.c_str(), topmost_, up.c_str()) == 0) {
        moved_.push_back(std::move(up));
        return true;
      }
      if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR) return false;  // those: another has that name
    }
  }

  const fs::path& root_;
  const std::vector<fs::path>& keep_;
  int topmost_ = -1;
  unsigned number_ = 0;
  std::vector<std::string> moved_;
};

void remove_entry(int parent, const std::string& name, const fs::path& root, const fs::path& path,
                  const std::vector<fs::path>& keep) {
  Removal{root, keep}.take_away(parent, name, path);
}

}  // namespace

std::optional<PathFacts> Folder::look(const fs::path& path) const {
  const Descriptor parent = open_parent(root_, path);
  struct stat found{};
  if (!parent) return std::nullopt;
  if (::fstatat(parent.number(), path.filename().c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return std::nullopt;
    throw read_failure(absolute(path), errno);
  }
  if (S_ISLNK(found.st_mode)) throw in_the_way(absolute(path), "a symbolic link");
  PathFacts facts{.mode = static_cast<int>(found.st_mode & 07777u), .owner = {found.st_uid, found.st_gid}};
  facts.kind = S_ISDIR(found.st_mode)   ? PathFacts::Kind::folder
               : S_ISREG(found.st_mode) ? PathFacts::Kind::file
                                        : PathFacts::Kind::other;
  return facts;
}

Descriptor Folder::open(const fs::path& path, int flags) const {
  const Descriptor parent = open_parent(root_, path);
  if (!parent) return {};
  Descriptor file{::openat(parent.number(), path.filename().c_str(), flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
  if (file || errno == ENOENT) return file;
  const int cause = errno;
  if (is_link(parent.number(), path.filename())) throw in_the_way(absolute(path), "a symbolic link");
  if (cause == ENXIO) return {};  // a pipe that nobody reads
  throw read_failure(absolute(path), cause);
}

std::optional<std::string> Folder::read(const fs::path& path) const {
  const Descriptor file = open(path, O_RDONLY);
  if (!file) return std::nullopt;
  struct stat found{};
  if (::fstat(file.number(), &found) != 0) throw read_failure(absolute(path), errno);
  if (!S_ISREG(found.st_mode)) throw in_the_way(absolute(path), "no file");
  std::string content;
  char buffer[1 << 16];
  for (;;) {
    const auto got = ::read(file.number(), buffer, sizeof buffer);
    if (got == 0) return content;
    if (got > 0) content.append(buffer, static_cast<std::size_t>(got));
    else if (errno != EINTR) throw read_failure(absolute(path), errno);
  }
}

std::vector<std::string> Folder::names(const fs::path& path) const {
  const Descriptor folder = open(path, O_RDONLY | O_DIRECTORY);
  return folder ? names_in(folder.number(), absolute(path)) : std::vector<std::string>{};
}

/// Beside its place first: a kill leaves no folder that has its name but not its owner.
void Folder::make_whole(int parent, const fs::path& path, int mode, const std::optional<Account>& owner) const {
  static std::mutex one_at_a_time;  // side by side, Scores make the folder that holds what is theirs
  const std::lock_guard alone{one_at_a_time};
  if (look(path)) return;
  const std::string name = draft_of(path).filename();
  remove_entry(parent, name, root_, path.parent_path() / name, {});  // what a kill left
  if (::mkdirat(parent, name.c_str(), 0700) != 0) throw write_failure(absolute(path), errno);
  const Descriptor folder{::openat(parent, name.c_str(), folder_flags)};
  if (!folder) throw write_failure(absolute(path), errno);
  own(folder.number(), absolute(path), mode, owner);
  if (::renameat2(parent, name.c_str(), parent, path.filename().c_str(), RENAME_NOREPLACE) != 0 && errno != EEXIST)
    throw write_failure(absolute(path), errno);
  if (::fsync(parent) != 0) throw write_failure(absolute(path), errno);
}

void Folder::make(const fs::path& path, int mode, const std::optional<Account>& owner) const {
  if (path.has_parent_path() && !look(path.parent_path())) make(path.parent_path(), mode, owner);
  const Descriptor parent = parent_for_writing(root_, path);
  make_whole(parent.number(), path, mode, owner);
  const Descriptor folder{::openat(parent.number(), path.filename().c_str(), folder_flags)};
  if (!folder) {
    const int cause = errno;
    if (is_link(parent.number(), path.filename())) throw in_the_way(absolute(path), "a symbolic link");
    throw cause == ENOTDIR ? in_the_way(absolute(path), "no folder") : write_failure(absolute(path), cause);
  }
  own(folder.number(), absolute(path), mode, owner);
}

fs::path Folder::draft_of(const fs::path& path) {
  return path.parent_path() / ("." + path.filename().string() + ".next");
}

void Folder::draft(const fs::path& path, std::string_view content, int mode,
                   const std::optional<Account>& owner) const {
  const Descriptor parent = parent_for_writing(root_, path);
  const std::string name = draft_of(path).filename();
  remove_entry(parent.number(), name, root_, draft_of(path), {});  // what a kill left
  const Descriptor file{
      ::openat(parent.number(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!file) throw write_failure(absolute(path), errno);
  int cause = write_whole(file.number(), content);
  if (cause == 0) own(file.number(), absolute(path), mode, owner);
  if (cause == 0 && ::fsync(file.number()) != 0) cause = errno;
  if (cause == 0) return;
  ::unlinkat(parent.number(), name.c_str(), 0);
  throw write_failure(absolute(path), cause);
}

void Folder::place(const fs::path& path) const {
  const Descriptor parent = parent_for_writing(root_, path);
  if (::renameat(parent.number(), draft_of(path).filename().c_str(), parent.number(), path.filename().c_str()) != 0 ||
      ::fsync(parent.number()) != 0)
    throw write_failure(absolute(path), errno);
}

void Folder::write(const fs::path& path, std::string_view content, int mode,
                   const std::optional<Account>& owner) const {
  draft(path, content, mode, owner);
  place(path);
}

Descriptor Folder::create(const fs::path& path, int mode) const {
  const Descriptor parent = parent_for_writing(root_, path);
  Descriptor file{
      ::openat(parent.number(), path.filename().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!file) throw write_failure(absolute(path), errno);
  own(file.number(), absolute(path), mode, std::nullopt);
  return file;
}

void Folder::rename(const fs::path& from, const fs::path& to) const {
  const Descriptor source = parent_for_writing(root_, from), target = parent_for_writing(root_, to);
  if (::renameat(source.number(), from.filename().c_str(), target.number(), to.filename().c_str()) != 0 ||
      ::fsync(target.number()) != 0)
    throw write_failure(absolute(to), errno);
}

void Folder::remove(const fs::path& path, const std::vector<fs::path>& keep) const {
  const Descriptor parent = open_parent(root_, path);
  if (!parent) return;
  remove_entry(parent.number(), path.filename(), root_, path, keep);
  ::fsync(parent.number());
}

bool Folder::remove_if_empty(const fs::path& path) const {
  const Descriptor parent = open_parent(root_, path);
  if (!parent || ::unlinkat(parent.number(), path.filename().c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT)
    return true;
  if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR) return false;
  throw write_failure(absolute(path), errno);
}

}  // namespace harmony::host
