#include "host/durable.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include <fmt/format.h>

#include "host/state.hpp"

namespace harmony::host {

namespace fs = std::filesystem;

namespace {

std::string help_for(int cause) {
  switch (cause) {
    case ENOSPC:
    case EDQUOT: return "make room there, then run the same command again; what was there before is still there";
    case EROFS: return "the file system is mounted read-only: mount it writable, or choose another place";
    case EACCES:
    case EPERM: return "run as the user who owns the folder, or choose another place";
    case EMFILE: return "this process may open too few files: `ulimit -n` says how many; 256 are enough";
    case EIO: return "the disk reports errors: look at `dmesg`, and mend it before anything else is written";
    default: return "put right what the cause says, then run the same command again";
  }
}

/// The file beside `path` that becomes it. Its lock keeps two writers apart, and what a killed one left is used again.
class Draft {
 public:
  explicit Draft(const fs::path& path)
      : folder_path_(path.parent_path()), name_("." + path.filename().string() + ".next") {
    folder_ = Descriptor{::open(folder_path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!folder_) throw write_failure(path, errno);
    while (!open()) {
    }
  }
  void fill(std::string_view content, int mode) {
    if (::ftruncate(file_.number(), 0) != 0 || ::fchmod(file_.number(), static_cast<mode_t>(mode)) != 0) give_up(errno);
    if (const int cause = write_whole(file_.number(), content)) give_up(cause);
    if (::fsync(file_.number()) != 0) give_up(errno);
  }
  /// @returns false where something is there that is to be kept.
  bool become(const std::string& name, Existing existing) {
    if (!rename(name, existing)) return false;
    if (::fsync(folder_.number()) != 0) throw write_failure(folder_path_ / name, errno);
    return true;
  }

 private:
  bool rename(const std::string& name, Existing existing) {
    if (existing == Existing::keep) {
      if (::renameat2(folder_.number(), name_.c_str(), folder_.number(), name.c_str(), RENAME_NOREPLACE) == 0)
        return true;
      if (errno == EEXIST) {
        ::unlinkat(folder_.number(), name_.c_str(), 0);
        return false;
      }
      if (errno != EINVAL) give_up(errno);  // EINVAL: a file system that cannot; then the last one wins
    }
    if (::renameat(folder_.number(), name_.c_str(), folder_.number(), name.c_str()) != 0) give_up(errno);
    return true;
  }
  /// @returns false where another writer was faster, so that it has to be opened again.
  bool open() {
    file_ = Descriptor{
        ::openat(folder_.number(), name_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600)};
    if (!file_) throw write_failure(folder_path_ / name_, errno);
    struct stat ours{}, there{};
    if (::fstat(file_.number(), &ours) != 0) throw write_failure(folder_path_ / name_, errno);
    if (!S_ISREG(ours.st_mode) || ours.st_uid != ::geteuid() || ours.st_nlink > 1)
      throw write_failure(folder_path_ / name_, EPERM);
    while (::flock(file_.number(), LOCK_EX) != 0)
      if (errno != EINTR) throw write_failure(folder_path_ / name_, errno);
    return ::fstatat(folder_.number(), name_.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 && same_file(ours, there);
  }
  [[noreturn]] void give_up(int cause) {
    ::unlinkat(folder_.number(), name_.c_str(), 0);
    throw write_failure(folder_path_ / name_, cause);
  }

  fs::path folder_path_;
  std::string name_;
  Descriptor folder_, file_;
};

}  // namespace

bool same_file(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

std::string cause_text(int cause) {
  std::string text = std::strerror(cause);
  if (text.size() > 1 && std::islower(static_cast<unsigned char>(text[1])))
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

Error write_failure(const fs::path& path, int cause) {
  return Error({.code = "H0104",
                .message = fmt::format("`{}` cannot be written: {}", path.string(), cause_text(cause)),
                .subject = "file/" + path.string(),
                .help = help_for(cause)});
}

std::string help_for_reading(int cause, std::string otherwise) {
  return cause == EMFILE || cause == EIO ? help_for(cause) : std::move(otherwise);
}

Error read_failure(const fs::path& path, int cause) {
  return Error({.code = "H0107",
                .message = fmt::format("`{}` cannot be read: {}", path.string(), cause_text(cause)),
                .subject = "file/" + path.string(),
                .help = help_for_reading(cause, "run as the user who deployed, and look who changed it")});
}

int write_whole(int file, std::string_view content) {
  while (!content.empty()) {
    const auto written = ::write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

void sync_folder(const fs::path& path) {
  const Descriptor folder{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder || ::fsync(folder.number()) != 0) throw write_failure(path, errno);
}

bool place_durably(const fs::path& path, std::string_view content, int mode, Existing existing) {
  struct stat there{};
  if (existing == Existing::keep && ::lstat(path.c_str(), &there) == 0) return false;
  Draft draft{path};
  draft.fill(content, mode);
  return draft.become(path.filename(), existing);
}

void write_durably(const fs::path& path, std::string_view content, int mode) {
  place_durably(fs::absolute(path), content, mode, Existing::replace);
}

}  // namespace harmony::host
