#include "host/account.hpp"

#include <pwd.h>

#include <cerrno>

#include "host/durable.hpp"

namespace harmony::host {

namespace {
constexpr std::size_t longest_entry = 16384;
}

std::string user_name(uid_t user) {
  char buffer[longest_entry];
  struct passwd entry{}, *found = nullptr;
  ::getpwuid_r(user, &entry, buffer, sizeof buffer, &found);
  return found ? found->pw_name : std::to_string(user);
}

std::optional<Account> account_of(const std::string& user) {
  char buffer[longest_entry];
  struct passwd entry{}, *found = nullptr;
  const int failed = ::getpwnam_r(user.c_str(), &entry, buffer, sizeof buffer, &found);
  if (failed == EMFILE || failed == EIO) throw read_failure("/etc/passwd", failed);  // others mean that there is none
  if (!found) return std::nullopt;
  return Account{found->pw_uid, found->pw_gid};
}

}  // namespace harmony::host
