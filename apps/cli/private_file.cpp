#include "private_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include "export/file_target.hpp"
#include "harmony/error.hpp"
#include "text.hpp"

namespace harmony::cli {
namespace {

[[noreturn]] void fail(const std::string& path, int error) {
  throw Error({.code = "H0514",
               .message = fmt::format("cannot write `{}`: {}", printable_line(path), std::strerror(error)),
               .subject = "file/" + path,
               .help = "name a file in a folder that exists, is writable and has space"});
}

/// Closes the descriptor, and removes the file unless it was kept.
struct Unfinished {
  int descriptor;
  std::string path;
  bool kept = false;
  ~Unfinished() {
    close(descriptor);
    if (!kept && !path.empty()) unlink(path.c_str());
  }
};

void flush_folder(const std::string& path) {
  const std::string folder =
      std::filesystem::path(path).has_parent_path() ? std::filesystem::path(path).parent_path().string() : ".";
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  fsync(descriptor);
  close(descriptor);
}

}  // namespace

void write_privately(const std::string& path, std::string_view content) {
  const FileTarget target = target_of(path);
  if (target.in_place) {
    const int descriptor = open_in_place(target);
    if (descriptor < 0) fail(path, errno);
    const Unfinished device{descriptor, {}};
    if (!write_whole(descriptor, content)) fail(path, errno);
    return;
  }
  const std::string beside = fmt::format("{}.next-{}", target.path, getpid());
  unlink(beside.c_str());
  const int descriptor = open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (descriptor < 0) fail(path, errno);
  Unfinished file{descriptor, beside};
  if (!write_whole(descriptor, content) || fsync(descriptor) != 0) fail(path, errno);
  if (rename(beside.c_str(), target.path.c_str()) != 0) fail(path, errno);
  file.kept = true;
  flush_folder(target.path);
}

}  // namespace harmony::cli
