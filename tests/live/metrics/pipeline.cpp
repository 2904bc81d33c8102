/// A long deploy in short time: thirty Scores one after another, each waiting until the test opens its gate (a file).
#include <filesystem>

#include "cli/cli.hpp"
#include "companions/default_stack.hpp"
#include "companions/smoke_tested.hpp"
#include "support/memory_topology.hpp"

using namespace harmony;
using testing::Shelf;

namespace {

struct StageScore {
  using needs = Needs<Shelf>;
  std::string instance;
  std::string gates;
  static constexpr std::string_view kind() { return "stage"; }
  std::string_view name() const { return instance; }
  void interpret(Context<needs>& in) const {
    const Scope step = in.step({.kind = "value", .name = instance});
    in.use<Shelf>().put(step, instance, "done");
    if (gates.empty()) return;
    step.until({.limit = std::chrono::minutes(5), .what = "the gate of " + instance + " is open"},
               [&]() -> std::optional<std::string> {
                 if (std::filesystem::exists(gates + "/" + instance)) return std::nullopt;
                 return "the gate of " + instance + " is closed";
               });
  }
};

struct PipelineScore {
  using needs = Needs<Shelf>;
  int stages = 30;
  std::string gates = "";
  static constexpr std::string_view kind() { return "pipeline"; }
  std::string_view name() const { return "pipeline"; }
  void interpret(Context<needs>& in) const {
    for (int i = 1; i <= stages; ++i) in.run(StageScore{.instance = fmt::format("stage-{:02}", i), .gates = gates});
  }
};

struct FirstStageIsDone {
  using needs = Needs<Shelf>;
  std::string_view name() const { return "FirstStageIsDone"; }
  void test(Context<needs>& in, Checks& checks) const {
    checks.expect(in.use<Shelf>().get("stage-01").has_value(), "the first stage's value");
  }
};

}  // namespace

int main(int argc, char** argv) {
  return cli::run(argc, argv, PipelineScore{} | smoke_tested(FirstStageIsDone{}) | default_stack(),
                  cli::topologies<testing::MemoryTopology>(),
                  cli::set("stages", &PipelineScore::stages, "how many; without any the smoke test fails"),
                  cli::set("gates", &PipelineScore::gates, "the folder of the gates; empty: all are open"));
}
