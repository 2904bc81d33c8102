/// What companions cost: one deploy of 10 000 child Scores, bare and wrapped. Prints JSON, nanoseconds per Score.
#include <algorithm>
#include <array>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "companions/default_stack.hpp"
#include "companions/smoke_tested.hpp"
#include "support/world.hpp"

using namespace harmony;
using namespace harmony::testing;

namespace {

constexpr int branches = 100, leaves = 100, scores = branches * leaves;
constexpr int rounds = 9;

struct LeafScore {
  using needs = Needs<>;
  std::string instance;
  static constexpr std::string_view kind() { return "leaf"; }
  std::string_view name() const { return instance; }
  void interpret(Context<needs>& in) const { in.step({.kind = "leaf", .name = instance}); }
};

struct BranchScore {
  using needs = Needs<>;
  std::string instance;
  static constexpr std::string_view kind() { return "branch"; }
  std::string_view name() const { return instance; }
  void interpret(Context<needs>& in) const {
    for (int i = 0; i < leaves; ++i) in.run(LeafScore{fmt::format("leaf-{}", i)});
  }
};

struct TreeScore {
  using needs = Needs<Things>;
  static constexpr std::string_view kind() { return "tree"; }
  std::string_view name() const { return "tree"; }
  void interpret(Context<needs>& in) const {
    in.use<Things>().ensure(in, {.name = "changed"});  // without a change nothing is run for real
    for (int i = 0; i < branches; ++i) in.run(BranchScore{fmt::format("branch-{}", i)});
  }
};

struct Passes {
  using needs = Needs<>;
  std::string_view name() const { return "passes"; }
  void test(Context<needs>&, Checks& checks) const { checks.expect(true, "nothing"); }
};

/// Nanoseconds of this process: what others do at the same time does not count.
double processor_time() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// A rehearsal and a run of the whole tree.
template <Score S>
double deploy_once(S score) {
  Engine engine{
      make_program<S, Memory>(score), std::make_shared<Memory>(), {.deployment = "bench", .who = "bench"}, {}};
  const double start = processor_time();
  const Report report = engine.deploy(nullptr, [](const Plan&) { return Approval::yes; });
  const double took = processor_time() - start;
  if (!report.ok() || !report.changed_anything) throw InternalError("the bench did not deploy");
  return took / scores;
}

struct Variant {
  const char* name;
  std::function<double()> deploy;
  std::vector<double> figures = {};
  double median() {
    std::ranges::sort(figures);
    return figures[figures.size() / 2];
  }
};

}  // namespace

int main() {
  std::array variants{
      Variant{"plain", [] { return deploy_once(TreeScore{}); }},
      Variant{"metered", [] { return deploy_once(TreeScore{} | metered()); }},
      Variant{"traced", [] { return deploy_once(TreeScore{} | traced()); }},
      Variant{"all", [] { return deploy_once(TreeScore{} | smoke_tested(Passes{}) | default_stack()); }},
  };
  for (int round = 0; round < rounds; ++round)  // in turns, so that a busy moment hits them alike
    for (auto& variant : variants) variant.figures.push_back(variant.deploy());
  const double plain = variants.front().median();
  std::string text;
  for (auto& variant : variants)
    text += fmt::format("{}\"{}\": {{\"ns_per_score\": {:.0f}, \"cost_ns\": {:.0f}}}", text.empty() ? "" : ", ",
                        variant.name, variant.median(), variant.median() - plain);
  fmt::print("{{{}}}\n", text);
}
