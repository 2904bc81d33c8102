#pragma once
/// Which PostgreSQL of this machine to use.
#include <filesystem>
#include <string>

namespace harmony::postgresql {

struct Installation {
  std::string major;            ///< "15"
  std::filesystem::path bin;    ///< /usr/lib/postgresql/15/bin
};
/// The newest one, at least 15; the one that made `data` where that is there already and installed.
/// @throws Error H0225 where none is installed, H0226 where the data needs a major that is not.
Installation installation(const std::filesystem::path& data);

}  // namespace harmony::postgresql
