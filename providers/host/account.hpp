#pragma once
/// The users of this machine.
#include <sys/types.h>

#include <optional>
#include <string>

#include "host/folder.hpp"

namespace harmony::host {

/// Runs the services of all deployments of root.
inline constexpr const char* service_user_name = "harmony";

/// The number itself where nobody has it.
std::string user_name(uid_t);
/// Nothing where there is no such user. @throws H0107 where that cannot be known
std::optional<Account> account_of(const std::string& user);

}  // namespace harmony::host
