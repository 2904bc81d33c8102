#include "named_files.hpp"

#include <fmt/format.h>

#include "export/file_target.hpp"
#include "harmony/error.hpp"
#include "text.hpp"

namespace harmony::cli {

void check_named_files(const Arguments& arguments) {
  for (const char* option : {"out", "report", "trace", "metrics-textfile", "events"}) {
    const std::string path = arguments.value(option);
    const bool is_events = std::string_view(option) == "events";
    if (path.empty() || (is_events && path == "-")) continue;
    const std::string why = obstacle(path, is_events ? Writing::onward : Writing::replacing);
    if (why.empty()) continue;
    throw Error({.code = "H0514",
                 .category = Category::usage,
                 .message = fmt::format("cannot write `{}`: {}", printable_line(path), printable_line(why)),
                 .subject = "file/" + path,
                 .facts = {{"option", fmt::format("--{}", option)}},
                 .help = "name a file in a folder that exists and is writable; nothing was done"});
  }
}

}  // namespace harmony::cli
