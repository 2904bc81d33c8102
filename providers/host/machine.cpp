#include "host/machine.hpp"

#include "host/machine_host.hpp"

namespace harmony::host {

std::shared_ptr<Host> machine(const State& state, std::shared_ptr<Ledger> ledger) {
  return std::make_shared<MachineHost>(state, std::move(ledger));
}

ProcessState MachineHost::process(Scope& at, const std::string& name) {
  return reader_.state_of(reader_.process(at, name));
}

Deferred<Secret<std::string>> MachineHost::render(Scope& at, const Content& content) {
  const Rendered whole = rendered(at, content, key());
  if (whole.pending()) return Deferred<Secret<std::string>>::pending(whole.because);
  return Secret<std::string>{whole.text()};
}

}  // namespace harmony::host
