#include "published_file.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "file_target.hpp"
#include "harmony/error.hpp"

namespace harmony::cli {
namespace {

[[noreturn]] void failed(std::string_view what, const std::string& path, int error) {
  throw Error({.code = "H0704",
               .message = fmt::format("cannot {} `{}`", what, path),
               .subject = "file/" + path,
               .facts = {{"cause", std::strerror(error)}},
               .help = "the folder must be there and writable, with room for the file"});
}

/// An open file that is closed, and taken away unless it was kept.
class Temporary {
 public:
  explicit Temporary(std::string path) : path_(std::move(path)), descriptor_(::mkostemp(path_.data(), O_CLOEXEC)) {
    if (descriptor_ < 0) failed("write beside", path_, errno);
  }
  ~Temporary() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  int descriptor() const { return descriptor_; }
  void become(const std::string& name) {
    if (::rename(path_.c_str(), name.c_str()) != 0) failed("rename a file to", name, errno);
    path_.clear();
  }

 private:
  std::string path_;
  int descriptor_;
};

void write_through(const FileTarget& target, std::string_view content, const std::string& path) {
  const int descriptor = open_in_place(target);
  if (descriptor < 0) failed("open", path, errno);
  const bool written = write_whole(descriptor, content);
  const int error = errno;
  ::close(descriptor);
  if (!written) failed("write", path, error);
}

/// The new name is as durable as the content.
void flush_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

void publish_file(const std::string& path, std::string_view content) {
  const FileTarget found = target_of(path);
  if (found.in_place) return write_through(found, content, path);
  const std::filesystem::path target{found.path};
  const auto folder = target.has_parent_path() ? target.parent_path() : std::filesystem::path{"."};
  // Hidden and without the target's ending: no collector takes the half-written file for one.
  Temporary beside{(folder / ("." + target.filename().string() + ".XXXXXX")).string()};
  if (!write_whole(beside.descriptor(), content)) failed("write", path, errno);
  if (::fchmod(beside.descriptor(), 0644) != 0) failed("make readable", path, errno);
  if (::fsync(beside.descriptor()) != 0) failed("flush", path, errno);
  beside.become(found.path);
  flush_folder(folder);
}

void unpublish_file(const std::string& path) {
  const FileTarget found = target_of(path);
  if (found.in_place) return;
  if (::unlink(found.path.c_str()) != 0 && errno != ENOENT) failed("remove", path, errno);
}

}  // namespace harmony::cli
