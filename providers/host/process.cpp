/// Supervised processes.
#include <fmt/format.h>

#include "host/diff.hpp"
#include "host/failures.hpp"
#include "host/logs.hpp"
#include "host/machine_host.hpp"
#include "host/names.hpp"
#include "host/text.hpp"

namespace harmony::host {

namespace fs = std::filesystem;

void MachineHost::ensure(Scope& at, const Process& process) {
  require_process_name(process.name);
  ensure_user(at, process.owner);
  const auto hold = at.hold(process_subject(process.name));
  Supervisor::require_installed(reader_.as_root());
  require_program(process.command.empty() ? std::string{} : process.command.front(), process_subject(process.name));
  const bool other_user = process.owner == Owner::service && reader_.as_root();
  const WantedProcess wanted = host::wanted(at, process, other_user ? reader_.state().service_user() : "", key());
  const ProcessFacts now = reader_.process(at, process.name);
  if (process.listens) require_free(at, process);
  const Change change = process_change(process, wanted, reader_.supervisor().before_start(process.name).value_or(now));
  at.change(change, [&] { return bring_up(at, process, wanted, change); });
}

Settled MachineHost::bring_up(const Scope& at, const Process& process, const WantedProcess& wanted,
                              const Change& change) {
  Supervisor& supervisor = reader_.supervisor();
  const fs::path home = fs::path("services") / process.name;
  const Declaration declaration{.name = process.name,
                                .process = wanted,
                                .working_folder = folder().absolute(home),
                                .as_user = as_user(process.owner),
                                .reader = reader_.passable(),
                                .stop_signal = process.stop_signal};
  make_way(home);
  make_way(log_folder(process.name));
  if (!folder().look(home)) folder().make(home, 0700, owner(process.owner));
  const bool log_gone = !folder().look(log_folder(process.name));
  folder().make(log_folder(process.name), 0700, std::nullopt);
  if (log_gone) supervisor.reopen_log(process.name);

  const std::string id = wanted.definition.id();
  const ProcessFacts now = reader_.process(at, process.name);
  if (!now.declared || !now.strays.empty()) supervisor.end_strays(at, process.name);
  if (!now.declared) {
    supervisor.start(at, reader_.passable());
    supervisor.declare(at, declaration);
  } else {
    if (now.declared_id != id) supervisor.redefine(at, declaration);
    if (!supervisor.start_with(at, process.name, reader_.passable())) renew(at, process, id, change);
  }
  const ProcessFacts then = supervisor.until_settled(at, process.name, id);
  supervisor.tidy(process.name);
  return {fmt::format("pid {} since {}", then.pid, rfc3339(then.since))};
}

/// What is declared already, under a supervisor that lives already.
void MachineHost::renew(const Scope& at, const Process& process, const std::string& id, const Change& change) {
  const ProcessFacts now = reader_.process(at, process.name);
  if (now.kept_up && now.pid != 0 && only_reloads(process, change))
    reader_.supervisor().reload(at, process.name, id, *process.reload_signal);
  else if (!now.kept_up || !now.settled || now.running_id != id || !now.other_executable.empty() ||
           !now.strays.empty() || process.outdated)
    reader_.supervisor().restart(at, process.name);
}

}  // namespace harmony::host
