#pragma once
/// From what the compiler noted to what people look at.
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

namespace harmony::cli {

struct SourcePlace {
  std::string file;                 ///< as it is shown
  unsigned line = 0, column = 0;
  std::optional<std::string> code;  ///< the line, where the source can be read here
};
SourcePlace place_of(const std::source_location&);

/// How a path of a source is shown: without the way up from the build folder.
std::string shown_path(const char* file_name);

/// Where the name before the bracket stands that the one at this place closes: compilers note the end of what a Score
/// is made of, people look for its beginning. The same place where none closes here. Lines and columns count from 1.
std::pair<unsigned, unsigned> beginning_of(std::string_view source, unsigned line, unsigned column);

}  // namespace harmony::cli
