#pragma once
/// Where a file named on the command line is written to.
#include <string>

namespace harmony::cli {

struct FileTarget {
  std::string path;   ///< behind all symbolic links: a file renamed to this name replaces none of them
  bool in_place;      ///< something that is there to be opened and written to, and never replaced
};

/// What is no regular file, and whatever lies in /dev or /proc, is written in place: `/dev/stdout` is a symbolic link,
/// and root could replace it by a file.
FileTarget target_of(const std::string& path);

/// How a file comes about: a new one takes its place, or the one that is there is opened and goes on.
enum class Writing { replacing, onward };
/// Why that cannot be, as far as it shows without opening anything: "its folder `/srv/reports` does not exist". Empty
/// where nothing is in the way.
std::string obstacle(const std::string& path, Writing);

/// Opens what is written in place. @returns -1, with errno, where it cannot be.
int open_in_place(const FileTarget&);
/// Opens what is written as things happen, by who knows nothing of its end: what is there is emptied, and a new file is
/// its owner's alone. @returns -1, with errno, where it cannot be.
int open_onward(const FileTarget&);

}  // namespace harmony::cli
