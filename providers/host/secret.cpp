/// Generated secrets: made once, kept as data.
#include "host/diff.hpp"
#include "host/machine_host.hpp"
#include "host/names.hpp"
#include "host/random_text.hpp"

namespace harmony::host {

Deferred<Secret<std::string>> MachineHost::secret(Scope& at, const std::string& name,
                                                  const std::filesystem::path& opens) {
  require_secret_name(name);
  const auto hold = at.hold(secret_subject(name));
  auto kept = reader_.secret(name);
  if (!kept) require_unused(name, opens, !opens.empty() && reader_.tree({.path = opens, .command = {}}));
  at.change(secret_change(name, kept.has_value()), [&] {
    kept = Secret<std::string>{random_text()};
    at.conceal(*kept);
    folder().draft(std::filesystem::path("keys") / name, kept->reveal(), 0600, std::nullopt);
    at.point("secret written beside its place");
    folder().place(std::filesystem::path("keys") / name);
    return Settled{};
  });
  at.conceal(*kept);
  return *kept;
}

void MachineHost::conceal(Scope& at, const LedgerEntry& entry) {
  if (entry.subject.kind != "secret") return;
  if (const auto kept = reader_.secret(entry.subject.name)) at.conceal(*kept);
}

}  // namespace harmony::host
