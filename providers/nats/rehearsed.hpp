#pragma once
#include <map>
#include <memory>
#include <mutex>

#include "host/servers.hpp"
#include "nats/client.hpp"

namespace harmony::nats {

/// The twin. A server is in one of four states: as it is (read through); moving (asked where it is now); fresh (known to
/// be empty); stopped with data, or starting (unknown).
class RehearsedClient final : public Client {
 public:
  RehearsedClient(std::shared_ptr<Client> real, Rehearsal& rehearsal)
      : real_(std::move(real)), rehearsal_(rehearsal), pending_(rehearsal.facts<host::PendingEndpoints>()) {}

  std::optional<std::string> not_accepting(Scope&, const Server&) override;
  bool refuses_login(Scope&, const Server&) override;
  Deferred<std::optional<StreamState>> stream(Scope&, const Server&, const std::string& name) override;
  std::unique_ptr<NatsSubscription> subscribe(Scope&, const Server&, const std::string& subject) override;
  void ensure(Scope&, const Server&, const Stream&) override;
  void serves(const Server&) override;
  std::optional<Server> served(const std::string& instance) const override;
  void remove(Scope&, const LedgerEntry&) override;
  Observation observe(Scope& in, const LedgerEntry& entry) override { return real_->observe(in, entry); }
  std::string read_again(Scope&, std::string_view key) override;

 private:
  std::shared_ptr<Client> real_;
  Rehearsal& rehearsal_;
  host::PendingEndpoints& pending_;
  host::Servers<Server> servers_;
  mutable std::mutex mutex_;
  std::map<std::string, std::optional<StreamState>>
      made_;  ///< "instance/stream", as it would be; nothing inside: removed
};

}  // namespace harmony::nats
