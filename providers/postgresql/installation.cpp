#include "postgresql/installation.hpp"

#include <optional>
#include <sstream>

#include <fmt/format.h>

#include "harmony/error.hpp"

namespace harmony::postgresql {

namespace fs = std::filesystem;

namespace {
const fs::path debian_root = "/usr/lib/postgresql";
constexpr int oldest = 15;

std::optional<Installation> installed(const std::string& major) {
  Installation found{major, debian_root / major / "bin"};
  std::error_code ignored;
  if (fs::exists(found.bin / "postgres", ignored) && fs::exists(found.bin / "initdb", ignored)) return found;
  return std::nullopt;
}

int newest_major() {
  int newest = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(debian_root, ignored)) {
    const std::string name = entry.path().filename();
    if (name.empty() || name.size() > 3 || name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (const int major = std::stoi(name); major > newest && installed(name)) newest = major;
  }
  return newest;
}
}  // namespace

Installation installation(const host::Folder& state, const fs::path& data) {
  std::istringstream version{state.read(data / "PG_VERSION").value_or("")};
  if (std::string major;
      version >> major && major.size() <= 3 && major.find_first_not_of("0123456789") == std::string::npos) {
    if (auto found = installed(major)) return *found;
    throw Error(
        {.code = "H0226",
         .message = fmt::format("the data was made by PostgreSQL {}, which is not installed", major),
         .subject = "tree/" + data.string(),
         .facts = {{"data", state.absolute(data).string()}},
         .help = fmt::format("install postgresql-{} again, or move the data to another major with pg_upgrade", major)});
  }
  const int newest = newest_major();
  if (newest >= oldest) return *installed(std::to_string(newest));
  throw Error(
      {.code = "H0225",
       .message = newest ? fmt::format("PostgreSQL {} is too old", newest) : std::string("PostgreSQL is not installed"),
       .facts = {{"looked in", debian_root.string()}, {"needed", fmt::format("PostgreSQL {} or newer", oldest)}},
       .help = "apt-get install postgresql-15, or the major of your release"});
}

}  // namespace harmony::postgresql
