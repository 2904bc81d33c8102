#include "private_file.hpp"

#include <cstring>

#include <fmt/format.h>

#include "export/whole_file.hpp"
#include "harmony/error.hpp"
#include "text.hpp"

namespace harmony::cli {

void write_privately(const std::string& path, std::string_view content) {
  if (const auto failed = write_file(path, content, 0600))
    throw Error({.code = "H0514",
                 .message = fmt::format("cannot write `{}`: {}", printable_line(path), std::strerror(failed->error)),
                 .subject = "file/" + path,
                 .help = "name a file in a folder that exists, is writable and has space"});
}

}  // namespace harmony::cli
