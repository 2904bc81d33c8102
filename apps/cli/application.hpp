#pragma once
/// A deploy binary with its types erased: what the root Score, its companions and the topologies bring.
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/field.hpp"
#include "harmony/engine.hpp"
#include "harmony/topology.hpp"

namespace harmony {
class MetricsSource;
class TraceSource;
}  // namespace harmony

namespace harmony::cli {

/// The root Score bound to one topology.
struct Instance {
  std::shared_ptr<Topology> topology;
  Program program;
  /// Of topologies that keep one; a saved plan carries it. Empty functions otherwise.
  std::function<std::string()> fingerprint_key = {};
  std::function<void(const std::string&)> adopt_fingerprint_key = {};
};

struct TopologyChoice {
  std::string id;                         ///< what --on names
  std::vector<TopologyOption> options;
  /// Not before a verb needs it. @throws what the topology's constructor throws.
  std::function<Instance(const TopologySettings&)> open;
};

struct Application {
  std::string kind;                       ///< of the root Score
  std::function<std::string()> name;      ///< of the root Score, once its fields are set
  std::function<std::string()> version;   ///< of what is deployed, where the root says one; else empty
  std::vector<Field> fields = {};
  std::vector<TopologyChoice> topologies = {};
  // What the companions at the root bring.
  bool plans = false;                     ///< verb `plan`, option `deploy --plan`
  bool rehearses = false;                 ///< option `deploy --dry-run`
  bool smoke_tested = false;              ///< verb `smoke-test`
  MetricsSource* metrics = nullptr;       ///< options --metrics-…, --push-gateway
  TraceSource* trace = nullptr;           ///< option --trace

  const TopologyChoice* find(std::string_view topology) const;
};

/// @returns the exit code. Catches everything.
int run_application(Application&, int argc, char** argv);

}  // namespace harmony::cli
