#pragma once
/// The verbs of a deployment: rehearse, deploy, smoke test, destroy (decision 5). No templates over Scores here:
/// program.hpp turns a stack and a topology type into a Program.
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "harmony/event.hpp"
#include "harmony/ledger.hpp"
#include "harmony/outcome.hpp"
#include "harmony/rehearsal.hpp"
#include "harmony/topology.hpp"

namespace harmony {

class Scope;

/// A stacked root Score bound to a type of topology, its types erased.
struct Program {
  std::string kind, name;
  std::string version = {};                      ///< of what it deploys, where the root says one
  std::source_location at;
  std::function<void(const Scope&, Topology&)> interpret;
  std::vector<Observer*> observers = {};         ///< of the companions at the root; they see the phases too
  std::optional<std::string> unverified = {};    ///< why the root has no smoke test
  Given given = {};                              ///< part of the plan
};

struct PlannedSmokeTest {
  std::string name, score_path;
};

/// What a rehearsal found. A saved plan is this, in a file: it guards a re-run of the Scores, it is no script.
struct Plan {
  std::string deployment, topology, root;        ///< root: kind and name
  Given given;
  Outcome outcome;                               ///< prunes included, behind the tree
  ReadSet reads;
  std::vector<PlannedSmokeTest> smoke_tests;
  std::vector<Diagnostic> errors;                ///< a plan with errors cannot be deployed
  std::optional<RunRecord> unfinished;           ///< of the deploy before, if it stopped half-way
  std::vector<LedgerEntry> kept;                 ///< data no Score speaks of any more
  std::optional<Given> given_before = {};        ///< the last deploy, where that was something else
  bool other_key = false;                        ///< of fingerprints, than that of the last run: all of them differ
  bool of_another = false;                       ///< all that is deployed goes, and it has another root
  bool settles = false;                          ///< the ledger has to be put right, though the world has not
  std::chrono::nanoseconds took{};
  /// Deletes, replacements and loss of data, less the old version of what is only updated.
  std::vector<const StepOutcome*> destructive() const;
};
/// What differs, as lines for people; empty where a deploy by `now` is what `before` promised.
std::vector<std::string> differences(const Plan& before, const Plan& now);

struct SmokeResult {
  std::string name, score_path;
  int checks = 0;
  bool passed = false;
  std::chrono::nanoseconds took{};
};

/// How a verb ended. `errors` is empty where all went well.
struct Report {
  Outcome outcome;                               ///< what was done
  std::vector<Diagnostic> errors;                ///< in tree order, less those that a stop caused
  std::vector<SmokeResult> smoke_tests;
  bool changed_anything = false;                 ///< false: the no-change path, without lock or ledger write
  bool abandoned = false;                        ///< a smoke test ignores its stop token: leave by std::_Exit
  std::chrono::nanoseconds took{};
  bool ok() const { return errors.empty(); }
  bool stopped() const;                          ///< by a signal, and by nothing else
};

enum class Approval { yes, no, cannot_ask };

struct EngineOptions {
  std::string deployment;
  std::string who;                               ///< "user@host"
  std::string verb = "deploy";
  std::chrono::milliseconds lock_limit{15'000};
  std::chrono::milliseconds smoke_test_limit{30'000};  ///< each
  int fail_at_write = 0;                         ///< testing kit: the n-th write of a real run fails (H0901)
};

/// One deployment on one topology. Not thread-safe; observers may be.
class Engine {
 public:
  Engine(Program, std::shared_ptr<Topology>, EngineOptions, std::stop_token);
  ~Engine();
  /// Sees every event of every verb. Outlives the engine.
  void observe(Observer&);
  /// Replaces every concealed value in `text` by its fingerprint; for each sink, on each text.
  std::string redact(std::string_view text) const;

  /// Writes nothing. Errors are in the plan.
  Plan rehearse();
  using Approve = std::function<Approval(const Plan&)>;
  /// @param saved a plan to hold the deploy to (exit 8 where it no longer fits), or null. Without one `Approve` is asked,
  /// and once more where the world moved before the lock was ours so that the plan is another one.
  Report deploy(const Plan* saved, const Approve&);
  /// Runs the smoke tests against what is deployed; interprets the Scores only in a rehearsal.
  Report smoke_test();
  /// Reads the ledger, never the Scores.
  struct Destruction {
    std::vector<LedgerEntry> go, kept;
    bool of_another = false;  ///< nothing of it was deployed below the root of this program
  };
  using ApproveDestroy = std::function<Approval(const Destruction&)>;
  Report destroy(bool delete_data, const ApproveDestroy&);

  std::vector<Observation> observe_entries();
  /// For `logs`: entries whose step name or subject name contains `filter` (empty: all).
  void logs(const std::string& filter, const LogQuery&, const LogSink&);
  /// Before the verbs that only read: see Topology::reach. @throws Error, Stopped
  void reach();
  /// What the ledger says. @throws Error H0208 where the deployment is there, and its ledger is not
  LedgerState require_ledger();
  LedgerState ledger_state() const;
  std::vector<std::pair<std::string, std::string>> facts();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace harmony
