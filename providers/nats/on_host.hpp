#pragma once
/// Nats on this machine: nats-server of Debian's package under the supervisor, JetStream in the state folder.
#include <memory>
#include <mutex>
#include <set>

#include "harmony/capabilities/nats.hpp"
#include "host/host.hpp"
#include "nats/client.hpp"

namespace harmony::nats {

class OnHost final : public Nats {
 public:
  OnHost(std::shared_ptr<host::Host> host, std::shared_ptr<Client> client)
      : host_(std::move(host)), client_(std::move(client)) {}
  void ensure(Scope&, const NatsServer&) override;
  std::unique_ptr<NatsSubscription> subscribe(Scope&, std::string_view instance, std::string_view subject) override;
  /// @throws Error H0012 where no Score provided it.
  host::Content resolve(Scope&, const Reference&) const;
  void recall(Scope&, const std::string& instance) const;

 private:
  Server server(Scope&, const std::string& instance) const;
  void ensure_server(Scope&, const Server&);

  std::shared_ptr<host::Host> host_;
  std::shared_ptr<Client> client_;
  mutable std::mutex mutex_;
  std::set<std::string> provided_;
};

}  // namespace harmony::nats
