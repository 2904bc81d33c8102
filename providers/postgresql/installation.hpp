#pragma once
/// Which PostgreSQL of this machine to use.
#include <filesystem>
#include <string>

#include "host/folder.hpp"

namespace harmony::postgresql {

struct Installation {
  std::string major;            ///< "15"
  std::filesystem::path bin;    ///< /usr/lib/postgresql/15/bin
};
/// The newest one, at least 15; the one that made `data` where that is there already and installed.
/// @param data below the state folder; the server owns it, and may have put anything there
/// @throws Error H0106 where it did, H0225 where none is installed, H0226 where the data needs a major that is not.
Installation installation(const host::Folder& state, const std::filesystem::path& data);

}  // namespace harmony::postgresql
