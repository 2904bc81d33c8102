#include "host/port.hpp"

#include <fmt/format.h>

#include "host/diff.hpp"
#include "host/hash.hpp"
#include "host/machine_host.hpp"
#include "host/names.hpp"

namespace harmony::host {

int choose_port(const std::string& deployment, const std::string& instance, const std::function<bool(int)>& taken) {
  constexpr int count = last_port - first_port + 1;
  const auto start =
      static_cast<int>(std::stoul(sha256(deployment + "\n" + instance).substr(0, 7), nullptr, 16) % count);
  for (int i = 0; i < count; ++i)
    if (const int port = first_port + (start + i) % count; !taken(port)) return port;
  throw Error({.code = "H0111",
               .message = fmt::format("no port from {} to {} is free for `{}`", first_port, last_port, instance),
               .subject = port_subject(instance).text(),
               .help = "`ss -ltn` lists who listens; end what is not needed"});
}

int MachineHost::port(Scope& at, const std::string& instance) {
  require_name("port", instance);
  const auto hold = at.hold(port_subject(instance));
  const auto kept = reader_.kept_port(instance);
  int number = kept ? kept->number : 0;
  if (number == 0) {
    std::lock_guard own{mutex_};
    const auto reserved = reader_.reserved_ports();
    number = choose_port(reader_.state().deployment(), instance, [&](int port) {
      return reserved.contains(port) || chosen_ports_.contains(port) || !reader_.free(port);
    });
    chosen_ports_.insert(number);
  }
  at.change(port_change(instance, number, kept && kept->owned), [&] { return Settled{std::to_string(number)}; });
  return number;
}

}  // namespace harmony::host
