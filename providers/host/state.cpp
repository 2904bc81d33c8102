#include "host/state.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harmony/error.hpp"
#include "host/account.hpp"
#include "host/descriptor.hpp"
#include "host/durable.hpp"
#include "host/printable.hpp"

namespace harmony::host {

namespace fs = std::filesystem;

namespace {

constexpr mode_t writable_by_others = S_IWGRP | S_IWOTH;

bool plain_name(const std::string& name) {
  constexpr std::size_t longest = 63;  // a DNS label: on Kubernetes it names things, too
  const auto lower_or_digit = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= longest && lower_or_digit(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return lower_or_digit(c) || c == '-'; });
}

void require_plain_name(const std::string& deployment) {
  if (plain_name(deployment)) return;
  throw Error({.code = "H0105",
               .category = Category::usage,
               .message = fmt::format("`{}` cannot be the name of a deployment", deployment),
               .subject = "deployment/" + deployment,
               .help = "use 1 to 63 of a-z, 0-9 and `-`, beginning with a letter or a digit: --deployment NAME"});
}

/// A variable that names an absolute path; anything else is as good as unset (the XDG base directories say so).
std::optional<fs::path> absolute_path_in(const char* variable) {
  const char* value = std::getenv(variable);
  if (!value || *value != '/') return std::nullopt;
  return fs::path{value};
}

/// The folder that holds one folder for each deployment.
fs::path folder_of_deployments(const std::string& chosen, bool as_root) {
  if (!chosen.empty()) {
    std::error_code failed;
    const fs::path whole = fs::absolute(chosen, failed).lexically_normal();
    if (failed)
      throw Error({.code = "H0101",
                   .category = Category::usage,
                   .message = fmt::format("nobody knows where `{}` is: the folder we are in cannot be read ({})",
                                          printable(std::string_view(chosen)), cause_text(failed.value())),
                   .help = "go to a folder that is there, or give --state-dir a path from the root"});
    return whole.has_filename() ? whole : whole.parent_path();
  }
  if (as_root) return "/var/lib/harmony";
  if (const auto state_home = absolute_path_in("XDG_STATE_HOME")) return *state_home / "harmony";
  if (const auto home = absolute_path_in("HOME")) return *home / ".local/state/harmony";
  throw Error({.code = "H0101",
               .category = Category::usage,
               .message = "there is no place for the state: HOME is not set to an absolute path",
               .help = "set HOME, or choose a folder with --state-dir DIR"});
}

Error unfit(const fs::path& path, std::string_view why, std::string help) {
  return Error({.code = "H0102",
                .category = Category::refused,
                .message = fmt::format("`{}` cannot hold the state of a deployment: {}", path.string(), why),
                .subject = "folder " + path.string(),
                .help = std::move(help)});
}

std::optional<gid_t> service_group() {
  std::vector<char> buffer(65536);
  struct group entry{}, *found = nullptr;
  const int failed = ::getgrnam_r(service_user_name, &entry, buffer.data(), buffer.size(), &found);
  if (failed == EMFILE || failed == EIO) throw read_failure("/etc/group", failed);
  if (!found) return std::nullopt;
  return found->gr_gid;
}

/// What lies at a path itself, links not followed; nothing where there is nothing.
std::optional<struct stat> look(const fs::path& path) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) == 0) return found;
  if (errno == ENOENT) return std::nullopt;
  throw unfit(path, cause_text(errno), "run as the user who deployed it, or choose another place with --state-dir DIR");
}

enum class Kind { of_all_deployments, of_one_deployment };

/// Throws where a folder could be changed or swapped by somebody else.
void require_ours(const fs::path& path, const struct stat& found, Kind kind) {
  if (S_ISLNK(found.st_mode))
    throw unfit(path, "it is a symbolic link", "name the folder that it leads to: --state-dir DIR");
  if (!S_ISDIR(found.st_mode))
    throw unfit(path, "it is not a folder", "move it away, or choose another place with --state-dir DIR");
  const bool ours = found.st_uid == ::geteuid() || (kind == Kind::of_all_deployments && found.st_uid == 0);
  if (!ours)
    throw unfit(path, fmt::format("it belongs to user `{}`", user_name(found.st_uid)),
                "run as that user, or choose another place with --state-dir DIR");
  const bool swap_proof = kind == Kind::of_all_deployments && (found.st_mode & S_ISVTX);
  if ((found.st_mode & writable_by_others) && !swap_proof)
    throw unfit(path, fmt::format("others may write to it (mode {:04o})", found.st_mode & 07777u),
                fmt::format("look who did, then: chmod go-w '{}'", path.string()));
}

void require_private(const fs::path& path, const struct stat& found) {
  constexpr mode_t others = S_IRWXG | S_IRWXO;
  if (!(found.st_mode & others)) return;
  throw unfit(path, fmt::format("others may read the passwords in it (mode {:04o})", found.st_mode & 07777u),
              fmt::format("look who did, then: chmod 700 '{}'", path.string()));
}

/// Links above the folder are as the machine's owner made them; but nobody else may be able to swap what they lead to.
void require_safe_parents(const fs::path& folder, bool as_root) {
  fs::path parent;
  for (const fs::path& part : folder.parent_path()) {
    parent /= part;
    struct stat found{};
    if (::stat(parent.c_str(), &found) != 0) return;  // what is missing will be made; what is hidden shows below
    if (!S_ISDIR(found.st_mode))
      throw unfit(folder, fmt::format("`{}` above it is not a folder", parent.string()),
                  "choose another place with --state-dir DIR");
    if ((found.st_mode & S_IWOTH) && !(found.st_mode & S_ISVTX))
      throw unfit(folder, fmt::format("anybody may write to `{}` above it", parent.string()),
                  "choose a place that others cannot change: --state-dir DIR");
    const bool group_may = (found.st_mode & S_IWGRP) && !(found.st_mode & S_ISVTX) && found.st_gid != 0;
    if (as_root && (found.st_uid != 0 || group_may))
      throw unfit(
          folder,
          fmt::format("user or group `{}` may exchange `{}` above it",
                      found.st_uid != 0 ? user_name(found.st_uid) : std::to_string(found.st_gid), parent.string()),
          "deploy as that user, or choose a place that only root can change: --state-dir DIR");
    if (as_root && !(found.st_mode & S_IXOTH))
      throw Error({.code = "H0103",
                   .category = Category::refused,
                   .message = fmt::format("services cannot reach `{}`: user `harmony` may not pass `{}` (mode {:04o})",
                                          folder.string(), parent.string(), found.st_mode & 07777u),
                   .subject = "folder " + parent.string(),
                   .help = fmt::format("choose another place with --state-dir DIR, or let others pass: chmod o+x '{}'",
                                       parent.string())});
  }
}

/// A folder in an open one: made where it is missing, and of exactly this mode and group (nothing: as it is).
Descriptor make_folder(int parent, const fs::path& path, mode_t mode, std::optional<gid_t> group) {
  const std::string name = path.filename();
  if (::mkdirat(parent, name.c_str(), 0700) == 0) sync_folder(path.parent_path());
  else if (errno != EEXIST) throw write_failure(path, errno);
  Descriptor folder{::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!folder) throw write_failure(path, errno);
  struct stat found{};
  if (::fstat(folder.number(), &found) != 0) throw write_failure(path, errno);
  require_ours(path, found, Kind::of_one_deployment);
  const bool other_group = group && *group != found.st_gid;
  if (other_group && ::fchown(folder.number(), static_cast<uid_t>(-1), *group) != 0) throw write_failure(path, errno);
  if ((found.st_mode & 07777u) != mode && ::fchmod(folder.number(), mode) != 0) throw write_failure(path, errno);
  return folder;
}

/// Where anybody may write, anybody may have put something else there. Empty where another deploy has moved it on.
Descriptor open_draft(const fs::path& draft, const fs::path& folder) {
  Descriptor made{::open(draft.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  struct stat found{};
  const bool other_kind = !made && (errno == ENOTDIR || errno == ELOOP);
  const bool foreign = made && ::fstat(made.number(), &found) == 0 && found.st_uid != ::geteuid();
  if (!other_kind && !foreign) return made;
  throw unfit(folder, fmt::format("`{}` is in the way, and no folder of ours", draft.string()),
              "look who put it there, and move it away, or choose another place with --state-dir DIR");
}

/// The folders above a deployment's own. Passable as root, since services run as another user; else one's own affair.
void make_parents(const fs::path& folder, mode_t mode) {
  if (folder == folder.root_path() || ::access(folder.c_str(), F_OK) == 0) return;
  make_parents(folder.parent_path(), mode);
  // Beside its place first: a kill must not leave one that services cannot pass. Another deploy may be doing the same.
  const fs::path next = folder.parent_path() / ("." + folder.filename().string() + ".next");
  if (::mkdir(next.c_str(), 0700) != 0 && errno != EEXIST) throw write_failure(folder, errno);
  const Descriptor draft = open_draft(next, folder);
  const bool made = draft && ::fchmod(draft.number(), mode) == 0 &&
                    ::renameat2(AT_FDCWD, next.c_str(), AT_FDCWD, folder.c_str(), RENAME_NOREPLACE) == 0;
  const int cause = errno;
  if (!made) ::rmdir(next.c_str());
  if (!made && ::access(folder.c_str(), F_OK) != 0) throw write_failure(folder, cause);
  sync_folder(folder.parent_path());
}

}  // namespace

namespace {

/// The ledger last: what a kill leaves of a removal is still ours to end.
constexpr std::string_view ledger = "ledger", half_removed = ".ledger.gone";
constexpr std::string_view folders[] = {"artefacts", "keys", "logs", "services", "supervisor", ledger, half_removed};

fs::path place_of(const fs::path& root) { return root / "ledger/place"; }

/// What others use already is not taken over. A disk of its own comes with lost+found.
void require_unused(const fs::path& root) {
  std::error_code failed;
  if (fs::exists(root / "ledger", failed)) return;
  for (const auto& entry : fs::directory_iterator(root, failed))
    if (const fs::path name = entry.path().filename();
        name != "lost+found" && std::ranges::find(folders, name.string()) == std::end(folders))
      throw unfit(root, fmt::format("others use it: there is `{}`", entry.path().filename().string()),
                  "choose another place with --state-dir DIR, or another name with --deployment NAME");
}

void require_no_deployment(const fs::path& all) {
  std::error_code hidden;
  if (!fs::exists(place_of(all), hidden)) return;
  throw unfit(all, "it is the folder of one deployment",
              fmt::format("name the folder above it: --state-dir {} --deployment {}", all.parent_path().string(),
                          all.filename().string()));
}

/// Before there is such a user, a deploy that is killed leaves a folder of root alone; the next one mends it.
void require_passable(const fs::path& root, const struct stat& found, std::optional<gid_t> services) {
  if (!services || found.st_gid != *services || (found.st_mode & S_IXGRP)) return;
  throw Error({.code = "H0103",
               .category = Category::refused,
               .message = fmt::format("services cannot reach `{}`: user `harmony` may not pass it (mode {:04o})",
                                      root.string(), found.st_mode & 07777u),
               .subject = "folder " + root.string(),
               .help = fmt::format("look who did, then: chmod 710 '{}'", root.string())});
}

/// A copy holds the ports and passwords of servers that are not its own.
void require_original(const fs::path& root) {
  std::ifstream file{place_of(root)};
  std::string place;
  if (!std::getline(file, place) || place == root.string()) return;
  std::error_code hidden;
  std::string help =
      fs::exists(place, hidden)
          ? "work with the original"
          : fmt::format("move it back, since what runs knows that place: mv '{}' '{}'", root.string(), place);
  if (fs::path(place).filename() == root.filename())
    help += fmt::format("; or, where nothing of it runs any more, remove `{}`, and deploy from here",
                        place_of(root).string());
  throw unfit(root, fmt::format("it is a copy of `{}`, or was moved from there", place), std::move(help));
}

}  // namespace

State::State(const std::string& deployment, const std::string& chosen)
    : deployment_(deployment), as_root_(::geteuid() == 0) {
  require_plain_name(deployment);
  const fs::path all = folder_of_deployments(chosen, as_root_);
  root_ = all / deployment;
  require_safe_parents(all, as_root_);
  require_no_deployment(all);
  if (const auto found = look(all)) {
    require_ours(all, *found, Kind::of_all_deployments);
    require_safe_parents(root_, as_root_);
  }
  for (const fs::path& path : {root_, root_ / "ledger"})
    if (const auto found = look(path)) require_ours(path, *found, Kind::of_one_deployment);
  if (const auto found = look(root_); found && as_root_) require_passable(root_, *found, service_group());
  if (const fs::path keys = root_ / "keys"; const auto found = look(keys)) {
    require_ours(keys, *found, Kind::of_one_deployment);
    require_private(keys, *found);
  }
  require_unused(root_);
  require_original(root_);
}

void State::require_makeable() const {
  fs::path there = root_;
  while (::access(there.c_str(), F_OK) != 0 && there != there.root_path()) there = there.parent_path();
  if (there == root_) return;
  struct statfs disk{};
  const bool of_the_kernel =
      ::statfs(there.c_str(), &disk) == 0 && (disk.f_type == PROC_SUPER_MAGIC || disk.f_type == SYSFS_MAGIC);
  if (!of_the_kernel && ::access(there.c_str(), W_OK | X_OK) == 0) return;
  throw unfit(root_,
              fmt::format("it cannot be made in `{}`: {}", there.string(),
                          of_the_kernel ? "files there are the kernel's" : cause_text(errno)),
              "choose another place with --state-dir DIR");
}

std::string State::service_user() const { return as_root_ ? service_user_name : ""; }

void State::make_folders() const {
  const fs::path all = root_.parent_path();
  make_parents(all, as_root_ ? 0755 : 0700);
  const Descriptor parent{::open(all.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  struct stat found{};
  if (!parent || ::fstat(parent.number(), &found) != 0) throw write_failure(all, errno);
  require_ours(all, found, Kind::of_all_deployments);  // it may have come since it was looked at
  const auto group = as_root_ ? service_group() : std::nullopt;
  const Descriptor folder = make_folder(parent.number(), root_, group ? 0710 : 0700, group);
  make_folder(folder.number(), root_ / "ledger", 0700, std::nullopt);
  make_folder(folder.number(), root_ / "keys", 0700, std::nullopt);
}

void State::make() const {
  make_folders();
  place_durably(place_of(root_), root_.string() + "\n", 0600, Existing::keep);
}

bool State::made() const { return look(root_).has_value(); }

std::string State::contents() const {
  constexpr std::size_t enough = 5;
  std::vector<std::string> names;
  for (const char* folder : {"services", "supervisor", "artefacts", "keys"}) {
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(root_ / folder, failed)) {
      const std::string name = entry.path().filename().string();
      const bool of_the_folder = name.starts_with('.') || name == "fingerprint";
      if (!of_the_folder && names.size() < enough) names.push_back(fmt::format("{}/{}", folder, name));
    }
  }
  std::ranges::sort(names);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string State::neighbours() const {
  std::vector<std::string> names;
  std::error_code failed, hidden;
  for (const auto& entry : fs::directory_iterator(root_.parent_path(), failed))
    if (entry.path() != root_ && fs::is_directory(entry.path() / "ledger", hidden))
      names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return fmt::format("{}", fmt::join(names, ", "));
}

namespace {

/// A ledger that is out of the way holds nobody up: the next destroy may already be at the same.
constexpr int tries_beside_another = 20;

std::error_code removed_beside_another(const fs::path& path) {
  std::error_code failed;
  for (int i = 0; i < tries_beside_another; ++i) {
    fs::remove_all(path, failed);
    if (failed != std::errc::no_such_file_or_directory && failed != std::errc::directory_not_empty) break;
  }
  return failed;
}

}  // namespace

void State::take_away() const {
  const auto require = [&](const std::error_code& failed, std::string_view name) {
    if (!failed) return;
    throw Error(
        {.code = "H0104",
         .message =
             fmt::format("`{}` cannot be taken away whole: {}", (root_ / name).string(), cause_text(failed.value())),
         .subject = "folder " + root_.string(),
         .help = "all that was deployed is taken down; look what is left in the folder, and take it away by hand"});
  };
  std::error_code failed;
  for (const std::string_view name : folders) {
    if (name == ledger || name == half_removed) continue;
    fs::remove_all(root_ / name, failed);
    require(failed, name);
  }
  // Out of the way at once: whoever waits for the lock makes a ledger of its own, and nothing in this one.
  for (int i = 0; i < tries_beside_another; ++i) {
    require(removed_beside_another(root_ / half_removed), half_removed);
    fs::rename(root_ / ledger, root_ / half_removed, failed);
    if (failed != std::errc::directory_not_empty && failed != std::errc::file_exists) break;
  }
  if (failed != std::errc::no_such_file_or_directory) require(failed, ledger);
  require(removed_beside_another(root_ / half_removed), half_removed);
  fs::remove(root_, failed);  // a mount of its own stays, and so does what others have put there since
}

}  // namespace harmony::host
