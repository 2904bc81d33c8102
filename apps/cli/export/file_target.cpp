#include "file_target.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

namespace harmony::cli {
namespace {

namespace fs = std::filesystem;

bool lies_in(const fs::path& folder, const std::string& root) {
  return folder == root || folder.string().starts_with(root + "/");
}

/// /dev/shm is an ordinary folder in memory.
bool of_the_machine(const fs::path& folder) {
  return (lies_in(folder, "/dev") && !lies_in(folder, "/dev/shm")) || lies_in(folder, "/proc");
}

/// In a folder like /tmp anybody can put a link; only its owner and the folder's are followed, as the kernel does.
bool to_be_followed(const struct stat& link, const fs::path& folder) {
  struct stat around{};
  if (stat(folder.c_str(), &around) != 0) return false;
  const bool anybody = (around.st_mode & S_ISVTX) != 0 && (around.st_mode & S_IWOTH) != 0;
  return !anybody || link.st_uid == geteuid() || link.st_uid == around.st_uid;
}

/// The N of /proc/SELF/fd/N; -1 where it is something else.
int own_descriptor(const fs::path& path) {
  if (path.parent_path() != fmt::format("/proc/{}/fd", getpid())) return -1;
  const std::string name = path.filename();
  int number = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc{} && end == name.data() + name.size() ? number : -1;
}

}  // namespace

FileTarget target_of(const std::string& path) {
  constexpr int most_links = 40;  // as many as the kernel follows
  fs::path now{path};
  for (int links = 0; links < most_links; ++links) {
    std::error_code failed;
    const fs::path folder = fs::canonical(now.has_parent_path() ? now.parent_path() : fs::path{"."}, failed);
    if (failed) return {now, false};  // making a file there says what is wrong
    now = folder / now.filename();
    if (of_the_machine(folder)) return {now, true};
    struct stat found{};
    if (lstat(now.c_str(), &found) != 0) return {now, false};
    if (!S_ISLNK(found.st_mode)) return {now, !S_ISREG(found.st_mode)};
    if (!to_be_followed(found, folder)) return {now, false};
    const fs::path next = fs::read_symlink(now, failed);
    if (failed) return {now, false};
    now = folder / next;
  }
  return {now, true};  // opening it says that there are too many
}

namespace {

bool may(const fs::path& path, int what) { return faccessat(AT_FDCWD, path.c_str(), what, AT_EACCESS) == 0; }

std::string in_the_way_of_a_new_file(const fs::path& folder) {
  struct stat found{};
  if (stat(folder.c_str(), &found) != 0)
    return errno == ENOENT
               ? fmt::format("its folder `{}` does not exist", folder.string())
               : fmt::format("its folder `{}` cannot be reached: {}", folder.string(), std::strerror(errno));
  if (!S_ISDIR(found.st_mode)) return fmt::format("`{}` is no folder", folder.string());
  if (!may(folder, W_OK | X_OK))
    return fmt::format("its folder `{}` cannot be written to: {}", folder.string(), std::strerror(errno));
  return {};
}

/// In a folder like /tmp a file is renamed over another one only by who owns one of the two.
bool belongs_to_others(const struct stat& file, const fs::path& folder) {
  struct stat around{};
  if (geteuid() == 0 || stat(folder.c_str(), &around) != 0 || (around.st_mode & S_ISVTX) == 0) return false;
  return file.st_uid != geteuid() && around.st_uid != geteuid();
}

}  // namespace

std::string obstacle(const std::string& path, Writing how) {
  const FileTarget target = target_of(path);
  const fs::path file{target.path}, folder = file.has_parent_path() ? file.parent_path() : fs::path{"."};
  struct stat found{};
  const int missing = stat(file.c_str(), &found) == 0 ? 0 : errno;
  if (missing == 0 && S_ISDIR(found.st_mode)) return "it is a folder";
  std::error_code unknown;
  if (how == Writing::onward && !target.in_place && fs::is_symlink(file, unknown))
    return "it is a link of somebody else";
  const bool opened = target.in_place || (how == Writing::onward && missing == 0);
  if (opened && own_descriptor(file) >= 0) return {};  // open already, whatever its name allows
  if (opened) return missing == 0 && may(file, W_OK) ? std::string{} : std::strerror(missing ? missing : errno);
  if (std::string why = in_the_way_of_a_new_file(folder); !why.empty()) return why;
  if (missing != 0 && missing != ENOENT) return std::strerror(missing);
  if (missing == 0 && belongs_to_others(found, folder)) return "it belongs to somebody else";
  return {};
}

int open_in_place(const FileTarget& target) {
  struct stat found{};
  if (stat(target.path.c_str(), &found) == 0 && S_ISDIR(found.st_mode)) return errno = EISDIR, -1;
  // Opened anew, a file would be written from its beginning, over what this program has written to it already.
  if (const int own = own_descriptor(target.path); own >= 0) return fcntl(own, F_DUPFD_CLOEXEC, 0);
  return open(target.path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
}

int open_onward(const FileTarget& target) {
  if (target.in_place) return open_in_place(target);
  // Only links of others are left here; and behind a link that came since, whatever it hits would be emptied.
  return open(target.path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
}

}  // namespace harmony::cli
