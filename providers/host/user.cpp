/// Who owns what: the service user, shared by all deployments of the machine, and the ways it may pass.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "host/command.hpp"
#include "host/diff.hpp"
#include "host/durable.hpp"
#include "host/failures.hpp"
#include "host/machine_host.hpp"
#include "host/program.hpp"

namespace harmony::host {

namespace fs = std::filesystem;

void MachineHost::ensure_user(Scope& at, Owner who) {
  if (who != Owner::service || !reader_.as_root()) return;
  const std::string name = reader_.state().service_user();
  const auto hold = at.hold(user_subject(name));
  if (reader_.user_there()) return;
  at.change(user_change(name), [&] {
    make_user(at);
    return Settled{fmt::format("uid {}", owner(Owner::service)->user)};
  });
}

void MachineHost::make_user(const Scope& at) const {
  const std::string name = reader_.state().service_user();
  const std::vector<std::string> command{program("useradd", "passwd"),
                                         "--system",
                                         "--no-create-home",
                                         "--home-dir",
                                         "/nonexistent",
                                         "--shell",
                                         "/usr/sbin/nologin",
                                         "--user-group",
                                         name};
  const Ended ended = run(at, {.argv = command, .lock = inherited_lock(*ledger_)});
  at.point("user made");
  if (!ended.ok() && !reader_.user_there())  // another deployment may have been faster
    throw command_failed(command, ended, user_subject(name));
}

std::optional<Account> MachineHost::owner(Owner who) const {
  auto account = reader_.account(who);
  if (!account && reader_.as_root())
    throw InternalError(fmt::format("user `{}` is not there", reader_.state().service_user()));
  return account;
}

std::vector<std::string> MachineHost::as_user(Owner who) const {
  if (who != Owner::service || !reader_.as_root()) return {};
  return {program("s6-setuidgid", "s6"), reader_.state().service_user()};
}

void MachineHost::make_way(const fs::path& path) const {
  const auto passable = reader_.passable();
  const fs::path& root = folder().root();
  if (passable) {
    const Descriptor state{::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    struct stat found{};
    if (!state || ::fstat(state.number(), &found) != 0) throw write_failure(root, errno);
    const bool right = found.st_gid == passable->group && (found.st_mode & 07777u) == 0710;
    if (!right && (::fchown(state.number(), 0, passable->group) != 0 || ::fchmod(state.number(), 0710) != 0))
      throw write_failure(root, errno);
  }
  const fs::path first = *path.begin();
  if (first == "keys" || first == "ledger" || first == path) return;
  if (first == "logs") folder().make(first, 0700, std::nullopt);
  else if (first == "artefacts") folder().make(first, reader_.as_root() ? 0755 : 0700, std::nullopt);
  else folder().make(first, passable ? 0710 : 0700, passable);
}

}  // namespace harmony::host
