#include "host/program.hpp"

#include <unistd.h>

#include <fmt/format.h>

#include "harmony/error.hpp"

namespace harmony::host {

std::string program(const std::string& name, const std::string& package) {
  for (const char* folder : {"/usr/local/bin/", "/usr/local/sbin/", "/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/"})
    if (std::string path = folder + name; ::access(path.c_str(), X_OK) == 0) return path;
  throw Error({.code = "H0112",
               .message = fmt::format("the program `{}` is not installed", name),
               .subject = "program/" + name,
               .facts = {{"looked in", "/usr/local/bin, /usr/local/sbin, /usr/bin, /usr/sbin"}},
               .help = fmt::format("apt-get install {}", package)});
}

}  // namespace harmony::host
