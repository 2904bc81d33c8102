#include "published_file.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "file_target.hpp"
#include "harmony/error.hpp"
#include "whole_file.hpp"

namespace harmony::cli {
namespace {

[[noreturn]] void fail(const NotWritten& failed, const std::string& path) {
  throw Error({.code = "H0704",
               .message = fmt::format("cannot {} `{}`", failed.what, path),
               .subject = "file/" + path,
               .facts = {{"cause", std::strerror(failed.error)}},
               .help = "the folder must be there and writable, with room for the file"});
}

}  // namespace

void publish_file(const std::string& path, std::string_view content) {
  if (const auto failed = write_file(path, content, 0644)) fail(*failed, path);
}

void unpublish_file(const std::string& path) {
  const FileTarget found = target_of(path);
  if (found.in_place) return;
  if (::unlink(found.path.c_str()) != 0 && errno != ENOENT) fail({"remove", errno}, path);
}

}  // namespace harmony::cli
