#pragma once
/// Workloads in a cluster: a Deployment. A new version starts beside the old one, which goes when it is ready.
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "harmony/capabilities/workloads.hpp"
#include "k8s/api.hpp"
#include "workloads/resolver.hpp"

namespace harmony::workloads {

class OnKubernetes final : public Workloads {
 public:
  static constexpr int port = 8080;                ///< where every container listens
  OnKubernetes(std::shared_ptr<k8s::Api> api, Resolver& resolver) : api_(std::move(api)), resolver_(resolver) {}
  void ensure(Scope&, const Workload&) override;

 private:
  std::shared_ptr<k8s::Api> api_;
  Resolver& resolver_;
};

}  // namespace harmony::workloads
