#pragma once
/// A namespace of a Kubernetes cluster, whichever that is: a kubeconfig says where, discovery says what it has.
#include <memory>
#include <string>
#include <vector>

#include "harmony/capabilities/http_route.hpp"
#include "harmony/capabilities/nats.hpp"
#include "harmony/capabilities/postgresql.hpp"
#include "harmony/capabilities/workloads.hpp"
#include "harmony/topology.hpp"

namespace harmony {

class K8sAnywhere final : public Topology {
 public:
  static constexpr std::string_view id = "k8s";
  static std::vector<TopologyOption> options();
  /// Reads the kubeconfig; asks the cluster nothing yet. @throws Error H0400 to H0404
  explicit K8sAnywhere(const TopologySettings&);
  ~K8sAnywhere() override;

  std::string label() const override;
  AskBefore asks() const override { return AskBefore::any_change; }
  Ledger& ledger() override;
  const Fingerprinter& fingerprinter() const override;
  std::vector<Primitive*> primitives() override;
  std::shared_ptr<Topology> rehearsed(Rehearsal&) override;
  std::vector<std::pair<std::string, std::string>> facts(Scope&) override;
  void reach(Scope&) override;
  void recall(Scope&) override;
  void ground(Scope&) override;
  void prepare(Scope&) override;
  bool prepared() override;
  void require_removable(Scope&, const std::vector<LedgerEntry>&) override;
  std::string unclaimed(Scope&) override;
  void clean_up(Scope&) override;

  /// For saved plans, which carry the key that their fingerprints were made with.
  std::string fingerprint_key() const;
  void adopt_fingerprint_key(const std::string&);

  PostgreSql& capability(PostgreSql*);
  Nats& capability(Nats*);
  Workloads& capability(Workloads*);
  HttpRoute& capability(HttpRoute*);

 private:
  struct Shared;
  struct World;
  explicit K8sAnywhere(std::shared_ptr<Shared>, std::unique_ptr<World>);
  std::shared_ptr<Shared> shared_;  ///< place, ledger, lock, key: the same for the real one and its twins
  std::unique_ptr<World> world_;    ///< primitives, real or rehearsed, and the capabilities on them
};

}  // namespace harmony
