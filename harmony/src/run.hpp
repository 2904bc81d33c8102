#pragma once
/// One pass over the Score tree. Three kinds: a real one, a rehearsed one, and one that only reads, as smoke tests do.
/// Scores and capabilities cannot tell which; they see a Scope.
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "harmony/context.hpp"
#include "harmony/engine.hpp"
#include "harmony/ledger.hpp"
#include "harmony/node.hpp"
#include "harmony/scope.hpp"

namespace harmony {

/// Delivers events: to observers along the tree, innermost first, then to those of the whole run. Thread-safe.
class Events {
 public:
  void subscribe(Observer&);
  void emit(const Event&);

 private:
  std::recursive_mutex mutex_;
  std::vector<Observer*> observers_;
};

/// Knows every secret that was handed out, and takes it out of texts again. Thread-safe.
class Redactor {
 public:
  void add(const std::string& value, std::string fingerprint);
  std::string apply(std::string_view text) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string, std::greater<>>
      fingerprints_;  ///< longer values that begin with shorter ones first
};

struct QueuedSmokeTest {
  std::string name;
  Node* node;
  std::function<void(const Scope&, Checks&)> body;
};

/// What all runs of one engine share.
struct RunServices {
  std::string deployment, run_id, who, verb;
  const Fingerprinter* fingerprinter;
  Events* events;
  Redactor* redactor;
};

class Run {
 public:
  explicit Run(RunServices services) : services_(std::move(services)) {}
  virtual ~Run() = default;
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  virtual bool rehearsed() const = 0;
  virtual Change change(const Scope&, Change, const std::function<Settled()>& act) = 0;
  virtual bool until(const Scope&, const Wait&, const std::function<std::optional<std::string>()>& not_yet) = 0;
  virtual void point(std::string_view) {}
  /// Among children that run side by side.
  virtual bool first_failure_stops_others() const { return true; }
  /// What people are told of an attempt that failed.
  virtual Note of_failed_attempt(const Node&, const Error&) const;

  void emit(Event event) const;
  void fail(const Node&, Error&);                 ///< records it once, with its trail
  void forgive(const Node& below);
  std::vector<Diagnostic> errors() const;         ///< in tree order
  bool failed() const;
  void queue(QueuedSmokeTest);
  std::vector<QueuedSmokeTest> smoke_tests() const;  ///< in tree order
  bool touched(const Subject&) const;
  std::mutex& mutex_of(const Subject&);
  const RunServices& services() const { return services_; }

 protected:
  void touch(const Subject&);

 private:
  RunServices services_;
  mutable std::mutex mutex_;
  std::vector<std::pair<const Node*, Error>> failures_;
  std::vector<QueuedSmokeTest> smoke_tests_;
  std::set<Subject> touched_;
  std::map<Subject, std::mutex> subject_mutexes_;
};

class RehearsedRun final : public Run {
 public:
  using Run::Run;
  bool rehearsed() const override { return true; }
  bool first_failure_stops_others() const override { return false; }  // all errors shall show
  Note of_failed_attempt(const Node&, const Error&) const override;
  Change change(const Scope&, Change, const std::function<Settled()>& act) override;
  bool until(const Scope&, const Wait&, const std::function<std::optional<std::string>()>& not_yet) override;
};

/// For status, logs, smoke tests and reading again: a write is our bug.
class ReadingRun : public Run {
 public:
  using Run::Run;
  bool rehearsed() const override { return false; }
  Change change(const Scope&, Change, const std::function<Settled()>& act) override;
  bool until(const Scope&, const Wait&, const std::function<std::optional<std::string>()>& not_yet) override;
};

/// Which Scores ask for a subject, by their paths.
using ScorePaths = std::map<Subject, std::set<std::string>>;
/// @param pruned what is asked for by none.
ScorePaths paths_of(const Outcome&, const std::vector<LedgerEntry>& pruned = {});
/// Whether other Scores ask for it than the one that the ledger names: what an attempt spares goes by that.
bool has_moved(const LedgerEntry&, const ScorePaths& asked_for);

class RealRun final : public ReadingRun {
 public:
  /// @param plan what every write is checked against, or null (a destroy: the ledger is its plan).
  RealRun(RunServices, Ledger&, const Plan* plan, int fail_at_write);
  Change change(const Scope&, Change, const std::function<Settled()>& act) override;
  void point(std::string_view) override;
  int done() const { return done_; }
  /// A ledger entry that needs no write to the world: data that is kept, or taken up again.
  void settle(LedgerEntry);
  /// An entry that needs no write either: what it names was never made.
  void forget(const Subject&);
  /// After a primitive's remove(): an entry that needed no write, because the thing was gone already, goes as well.
  void removed(const Subject&);

 private:
  void admit(const Change&) const;
  void write(const Scope&, const Change&, const std::function<Settled()>& act);
  void settle_unchanged(const Scope&, const Change&);
  /// One at a time; what it waits for is told in that place.
  void at_ledger(const Scope&, const std::function<void()>& act);

  Ledger& ledger_;
  const Plan* plan_;
  std::map<Subject, Change> planned_;
  ScorePaths planned_paths_;
  int fail_at_write_;
  std::atomic<int> writes_{0}, done_{0}, points_{0};
  mutable std::mutex ledger_mutex_;
  LedgerState known_;
  std::set<Subject> finished_, removed_;
};

/// The entry the ledger keeps of a change made at this place.
LedgerEntry entry_of(const Scope&, const Change&);

}  // namespace harmony
