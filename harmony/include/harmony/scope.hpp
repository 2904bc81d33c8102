#pragma once
/// Who is calling: place in the Score tree, deployment, stop token, events, ledger. Every operation of a capability
/// or a primitive takes it first. It is no template, so that all of them compile once.
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "harmony/change.hpp"
#include "harmony/deferred.hpp"
#include "harmony/node.hpp"
#include "harmony/secret.hpp"

namespace harmony {

class Run;

/// What is known after a write: what the world calls the thing now ("pid 4711 since 2026-11-23T10:00:00Z").
struct Settled {
  std::string identity = {};
};

/// A wait that is declared, not looped by hand.
struct Wait {
  std::chrono::milliseconds limit;
  std::string what;               ///< "the server accepts connections": completes "waited 30 s, but not: …"
  std::string subject = {};
};

class Scope {
 public:
  Scope(Run& run, Node& node, std::stop_token stop) : run_(&run), node_(&node), stop_(std::move(stop)) {}

  /// The one door for writes (decision 3). Asks the stop token, checks the change against the plan, sees it in the
  /// ledger, emits the event, calls `act`, settles. `act` is not called for Action::unchanged. The rehearsed twin
  /// calls it as well: there `act` notes the change in the pending world.
  /// @throws Stopped, Error H0302 (not in the plan), what `act` throws.
  Change change(Change, const std::function<Settled()>& act) const;

  /// Opens a step: what people read. It ends with the last copy of the scope returned, which must not outlive this one.
  Scope step(Step) const;
  /// Sets the detail of the step once it is known ("PostgreSQL 15 on 127.0.0.1:5433").
  void detail(std::string) const;
  /// Names whose action is the step's, where that is known only after a first part was read (a version by its hash).
  void decides(Subject) const;
  /// A line for the person at the end of a deploy: ("open", "http://…").
  void note(std::string label, std::string text) const;

  /// Waits until `not_yet` returns nothing; what it returns instead is the reason, shown while waiting. It may throw
  /// to end a wait that has become hopeless. A rehearsal asks once and goes on.
  /// @throws TimedOut, Stopped.
  void until(const Wait&, const std::function<std::optional<std::string>()>& not_yet) const;
  /// For twins alone: false where a rehearsal found it not so yet. A Score that branched on it would plan another deploy.
  bool until(PrimitiveKey, const Wait&, const std::function<std::optional<std::string>()>& not_yet) const;
  /// Shows why nothing seems to happen.
  void waiting(std::string_view reason) const;
  void retried(std::string_view reason) const;
  /// A numbered place inside a write where a kill must be survived; tests kill there.
  void point(std::string_view where) const;
  /// Sleeps, but not longer than until a stop is asked for. @throws Stopped
  void pause(std::chrono::milliseconds) const;
  /// @throws Stopped
  void check() const;
  const std::stop_token& stop() const { return stop_; }

  /// One writer at a time per subject: hold it from the read to the end of the write.
  std::unique_lock<std::mutex> hold(const Subject&) const;

  const std::string& deployment() const;
  const std::string& run_id() const;
  const std::string& who() const;  ///< "user@host"
  const std::string& verb() const;  ///< "deploy"
  /// For twins alone, where reading through would write: a statement, a POST.
  bool rehearsed(PrimitiveKey) const;
  const Fingerprinter& fingerprinter() const;
  /// From now on no sink shows this value, wherever it comes back from.
  void conceal(const Secret<std::string>&) const;

  Run& run() const { return *run_; }
  Node& node() const { return *node_; }

 private:
  Run* run_;
  Node* node_;
  std::stop_token stop_;
  std::shared_ptr<Node> end_{};  ///< of a step: its end is an event
};

}  // namespace harmony
