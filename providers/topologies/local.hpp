#pragma once
/// One machine: this one. Servers are processes under a supervisor; all state lies in one folder of the deployment.
#include <memory>
#include <string>
#include <vector>

#include "harmony/capabilities/http_route.hpp"
#include "harmony/capabilities/nats.hpp"
#include "harmony/capabilities/postgresql.hpp"
#include "harmony/capabilities/workloads.hpp"
#include "harmony/topology.hpp"

namespace harmony {

class Local final : public Topology {
 public:
  static constexpr std::string_view id = "local";
  static std::vector<TopologyOption> options();
  explicit Local(const TopologySettings&);
  ~Local() override;

  std::string label() const override { return "local"; }
  AskBefore asks() const override { return AskBefore::destructive_changes; }
  Ledger& ledger() override;
  const Fingerprinter& fingerprinter() const override;
  std::vector<Primitive*> primitives() override;
  std::shared_ptr<Topology> rehearsed(Rehearsal&) override;
  std::vector<std::pair<std::string, std::string>> facts(Scope&) override;
  void recall(Scope&) override;
  bool prepared() override;
  std::string unclaimed(Scope&) override;
  void look_closer(Scope&, Observation&) override;
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
  explicit Local(std::shared_ptr<Shared>, std::unique_ptr<World>);
  std::shared_ptr<Shared> shared_;  ///< state folder, ledger, key: the same for the real one and its twins
  std::unique_ptr<World> world_;    ///< primitives, real or rehearsed, and the capabilities on them
};

}  // namespace harmony
