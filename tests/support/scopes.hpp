#pragma once
/// Scopes for tests of primitives, one for each kind of run, without an engine around them.
#include <memory>
#include <stop_token>
#include <string>

#include "harmony/testing.hpp"
#include "run.hpp"

namespace harmony::testing {

/// Shows the value itself: a test can say what it expects.
class OpenFingerprinter final : public Fingerprinter {
 public:
  std::string of(std::string_view value) const override { return "<" + std::string(value) + ">"; }
};

/// Holds all that scopes refer to; outlives them. `ledger` belongs to the real runs.
class Scopes {
 public:
  explicit Scopes(std::shared_ptr<Ledger> ledger = memory_ledger()) : ledger_(std::move(ledger)) {}

  Scope reading(std::stop_token stop = {}) { return {add<ReadingRun>(services()), node(), std::move(stop)}; }
  Scope rehearsed(std::stop_token stop = {}) { return {add<RehearsedRun>(services()), node(), std::move(stop)}; }
  /// Writes, and checks each write against `plan` where there is one.
  Scope real(const Plan* plan = nullptr, std::stop_token stop = {}) {
    return {add<RealRun>(services(), *ledger_, plan, 0), node(), std::move(stop)};
  }

  Ledger& ledger() { return *ledger_; }
  void observe(Observer& observer) { events_.subscribe(observer); }
  std::string redact(const std::string& text) const { return redactor_.apply(text); }

 private:
  RunServices services() {
    return {"guestbook", "run-1", "tester@here", "deploy", &fingerprinter_, &events_, &redactor_};
  }
  Node& node() {
    return *nodes_.emplace_back(
        std::make_unique<Node>(nullptr, Node::Kind::score, "test", "test", std::source_location::current()));
  }
  template <class R, class... Arguments>
  Run& add(Arguments&&... arguments) {
    return *runs_.emplace_back(std::make_unique<R>(std::forward<Arguments>(arguments)...));
  }

  std::shared_ptr<Ledger> ledger_;
  OpenFingerprinter fingerprinter_;
  Events events_;
  Redactor redactor_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::unique_ptr<Run>> runs_;
};

/// The changes recorded at a scope, as a plan that a real run is checked against.
inline Plan plan_of(const Scope& rehearsed) {
  Plan plan;
  plan.outcome = rehearsed.node().outcome();
  return plan;
}

}  // namespace harmony::testing
