#pragma once
/// Nats in a cluster: a StatefulSet of one pod with JetStream on a volume claim of its own.
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "harmony/capabilities/nats.hpp"
#include "k8s/api.hpp"
#include "nats/client.hpp"

namespace harmony::nats {

class OnKubernetes final : public Nats {
 public:
  /// @param image whose `nats-server` is on its PATH: "nats:2.11"
  OnKubernetes(std::shared_ptr<k8s::Api> api, std::shared_ptr<Client> client, std::string image)
      : api_(std::move(api)), client_(std::move(client)), image_(std::move(image)) {}
  void ensure(Scope&, const NatsServer&) override;
  std::unique_ptr<NatsSubscription> subscribe(Scope&, std::string_view instance, std::string_view subject) override;
  /// The value of a Reference to it. @throws Error H0012 where no Score provided it.
  host::Content resolve(Scope&, const Reference&) const;
  /// The server of an instance that the ledger holds, for verbs without Scores.
  void recall(Scope&, const std::string& instance) const;

 private:
  Server server(Scope&, const std::string& instance) const;
  void ensure_server(Scope&, const NatsServer&);

  std::shared_ptr<k8s::Api> api_;
  std::shared_ptr<Client> client_;
  std::string image_;
  mutable std::mutex mutex_;
  std::set<std::string> provided_;
};

}  // namespace harmony::nats
