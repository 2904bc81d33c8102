#include "k8s/small_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include <fmt/format.h>

#include "host/descriptor.hpp"
#include "host/durable.hpp"
#include "host/printable.hpp"

namespace harmony::k8s {

namespace {

Error unreadable(const std::filesystem::path& path, const Origin& origin, std::string_view why) {
  Diagnostic diagnostic{.code = "H0400",
                        .category = Category::usage,
                        .message = fmt::format("{} cannot be read: {}", host::printable(path.string()), why),
                        .subject = "file/" + host::printable(path.filename().string()),
                        .help = "name a file that can be read, and that only its owner may change"};
  if (origin.file != path)
    diagnostic.facts.emplace_back(
        "named by", fmt::format("{} in {}", host::printable(origin.field), host::printable(origin.place())));
  return Error(std::move(diagnostic));
}

}  // namespace

Error missing_file(const std::filesystem::path& path, const Origin& origin) {
  return unreadable(path, origin, "there is no such file");
}

std::optional<std::string> read_small_file(const std::filesystem::path& path, std::size_t largest, const Origin& origin,
                                           Guard guard) {
  // Not blocking: opening a pipe would wait for somebody who writes.
  const host::Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (!file && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  if (!file) throw unreadable(path, origin, host::cause_text(errno));
  struct stat found{};
  if (::fstat(file.number(), &found) != 0) throw unreadable(path, origin, host::cause_text(errno));
  if (!S_ISREG(found.st_mode)) throw unreadable(path, origin, "it is no regular file");
  if (guard == Guard::not_writable_by_all && (found.st_mode & S_IWOTH) != 0)
    throw unreadable(path, origin, "anybody on this machine may change it");
  std::string text;
  char buffer[1 << 14];
  for (;;) {
    const auto got = ::read(file.number(), buffer, sizeof buffer);
    if (got == 0) return text;
    if (got < 0 && errno != EINTR) throw unreadable(path, origin, host::cause_text(errno));
    if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > largest) throw unreadable(path, origin, fmt::format("it is larger than {} bytes", largest));
  }
}

}  // namespace harmony::k8s
