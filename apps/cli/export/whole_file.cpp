#include "whole_file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "file_target.hpp"

namespace harmony::cli {
namespace {

constexpr mode_t owner_alone = 0600;

/// An open file of its owner alone, that is closed, and taken away while it still has a name of its own.
struct Temporary {
  std::string path;
  int descriptor = mkostemp(path.data(), O_CLOEXEC);
  ~Temporary() {
    if (descriptor < 0) return;
    close(descriptor);
    if (!path.empty()) unlink(path.c_str());
  }
};

std::optional<NotWritten> write_through(const FileTarget& target, std::string_view content) {
  const int descriptor = open_in_place(target);
  if (descriptor < 0) return NotWritten{"open", errno};
  const bool written = write_whole(descriptor, content);
  const int error = errno;
  close(descriptor);
  return written ? std::nullopt : std::optional(NotWritten{"write", error});
}

/// The new name becomes as durable as the content, where a folder can be flushed.
void flush_folder(const std::filesystem::path& folder) {
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  fsync(descriptor);
  close(descriptor);
}

}  // namespace

std::optional<NotWritten> write_file(const std::string& path, std::string_view content, mode_t mode) {
  const FileTarget found = target_of(path);
  if (found.in_place) return write_through(found, content);
  const std::filesystem::path target{found.path};
  const auto folder = target.has_parent_path() ? target.parent_path() : std::filesystem::path{"."};
  // Hidden and without the target's ending: no collector takes the half-written file for one.
  Temporary beside{(folder / ("." + target.filename().string() + ".XXXXXX")).string()};
  const auto failed = [](std::string_view what) { return NotWritten{what, errno}; };
  if (beside.descriptor < 0) return failed("write beside");
  if (!write_whole(beside.descriptor, content)) return failed("write");
  if (mode != owner_alone && fchmod(beside.descriptor, mode) != 0) return failed("make readable");
  if (fsync(beside.descriptor) != 0) return failed("flush");
  if (rename(beside.path.c_str(), found.path.c_str()) != 0) return failed("rename a file to");
  beside.path.clear();
  flush_folder(folder);
  return std::nullopt;
}

bool write_whole(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written >= 0) {
      content.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {  // a descriptor that somebody else made non-blocking
      pollfd waiting{descriptor, POLLOUT, 0};
      poll(&waiting, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace harmony::cli
