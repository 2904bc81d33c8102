#include "host/machine.hpp"

#include "host/logs.hpp"
#include "host/machine_host.hpp"

namespace harmony::host {

std::shared_ptr<Host> machine(const State& state, std::shared_ptr<Ledger> ledger) {
  return std::make_shared<MachineHost>(state, std::move(ledger));
}

ProcessState MachineHost::process(Scope& at, const std::string& name) {
  return reader_.state_of(reader_.process(at, name));
}

std::vector<std::string> MachineHost::log_tail(Scope&, const std::string& process, std::size_t lines) {
  return last_lines(folder(), log_folder(process), lines);
}

std::optional<Host::Listener> MachineHost::listener(Scope&, const Endpoint& endpoint, const std::string& process) {
  return reader_.listener(endpoint, process);
}

Deferred<Secret<std::string>> MachineHost::render(Scope& at, const Content& content) {
  const Rendered whole = rendered(at, content, key());
  if (whole.pending()) return Deferred<Secret<std::string>>::pending(whole.because);
  return Secret<std::string>{whole.text()};
}

}  // namespace harmony::host
