#include "named_files.hpp"

#include <filesystem>
#include <map>
#include <string>

#include <fmt/format.h>

#include "export/file_target.hpp"
#include "harmony/error.hpp"
#include "text.hpp"

namespace harmony::cli {

namespace {

/// The same file by whatever path: the last to write would win. Streams take from everybody.
void require_another(std::map<std::filesystem::path, std::string>& named, const std::string& path,
                     const std::string& option) {
  std::error_code unreadable;
  if (const auto there = std::filesystem::status(path, unreadable); exists(there) && !is_regular_file(there)) return;
  const auto place = std::filesystem::weakly_canonical(std::filesystem::absolute(path, unreadable), unreadable);
  const auto [first, fresh] = named.try_emplace(unreadable ? std::filesystem::path(path) : place, option);
  if (fresh) return;
  throw Error({.code = "H0512",
               .category = Category::usage,
               .message = fmt::format("`--{}` and `--{}` name the same file", first->second, option),
               .subject = "file/" + path,
               .help = "name one for each"});
}

}  // namespace

void check_named_files(const Arguments& arguments) {
  std::map<std::filesystem::path, std::string> named;
  for (const char* option : {"out", "report", "trace", "metrics-textfile", "events"}) {
    const std::string path = arguments.value(option);
    const bool is_events = std::string_view(option) == "events";
    if (path.empty() || (is_events && path == "-")) continue;
    if (path == "-")
      throw Error({.code = "H0514",
                   .category = Category::usage,
                   .message = fmt::format("`--{}` wants a file, and `-` is none", option),
                   .facts = {{"option", fmt::format("--{}", option)}},
                   .help = fmt::format("name one: --{} FILE; a file of that very name is ./-", option)});
    require_another(named, path, option);
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
