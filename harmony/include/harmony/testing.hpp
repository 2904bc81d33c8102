#pragma once
/// The testing kit: unit-test Scores without any server. Rehearsed twins over an empty world record what would
/// happen; and the n-th write of a run fails.
#include <string>
#include <vector>

#include "harmony/program.hpp"

namespace harmony::testing {

/// Keeps the ledger in memory. Thread-safe.
std::shared_ptr<Ledger> memory_ledger();

/// Collects events; for assertions on what observers see.
class RecordingObserver final : public Observer {
 public:
  struct Seen {
    Event::Kind kind;
    std::string path, text;
    bool rehearsed;
  };
  void on(const Event&) noexcept override;
  std::vector<Seen> seen() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Seen> seen_;
};

/// T with nothing behind it: every write lands in the pending world of its twins, so that a whole deploy runs without
/// any server, and a second one finds what the first has done. Give T a state folder that does not exist.
template <TopologyType T>
class Recorded final : public Topology {
 public:
  static constexpr std::string_view id = T::id;
  static std::vector<TopologyOption> options() { return T::options(); }
  explicit Recorded(const TopologySettings& settings)
      : base_(std::make_shared<T>(settings)),
        ledger_(memory_ledger()),
        world_(std::static_pointer_cast<T>(base_->rehearsed(rehearsal_))) {}

  std::string label() const override { return "recorded " + base_->label(); }
  AskBefore asks() const override { return base_->asks(); }
  Ledger& ledger() override { return *ledger_; }
  const Fingerprinter& fingerprinter() const override { return base_->fingerprinter(); }
  std::vector<Primitive*> primitives() override { return world_->primitives(); }
  std::shared_ptr<Topology> rehearsed(Rehearsal& rehearsal) override {
    return std::shared_ptr<Recorded>(
        new Recorded(base_, ledger_, std::static_pointer_cast<T>(world_->rehearsed(rehearsal))));
  }
  template <class C>
    requires Provides<T, C>
  C& capability(C* which) {
    return world_->capability(which);
  }

 private:
  Recorded(std::shared_ptr<T> base, std::shared_ptr<Ledger> ledger, std::shared_ptr<T> world)
      : base_(std::move(base)), ledger_(std::move(ledger)), world_(std::move(world)) {}
  std::shared_ptr<T> base_;
  std::shared_ptr<Ledger> ledger_;
  Rehearsal rehearsal_;
  std::shared_ptr<T> world_;
};

/// Rehearses `score` on a topology.
template <Score S, TopologyType T>
Plan plan_of(S score, std::shared_ptr<T> topology) {
  if constexpr (runs_on<S, T>()) {
    Engine engine{
        make_program<S, T>(score), std::move(topology), {.deployment = std::string(score.name()), .who = "test"}, {}};
    return engine.rehearse();
  } else {
    return {};
  }
}
/// Deploys it, approved. @param fail_at_write the n-th write fails; 0: none.
template <Score S, TopologyType T>
Report deploy(S score, std::shared_ptr<T> topology, int fail_at_write = 0) {
  Engine engine{make_program<S, T>(score),
                std::move(topology),
                {.deployment = std::string(score.name()), .who = "test", .fail_at_write = fail_at_write},
                {}};
  return engine.deploy(nullptr, [](const Plan&) { return Approval::yes; });
}
/// "create process/guestbook" …: the changes of an outcome as lines, in tree order.
std::vector<std::string> lines_of(const Outcome&);

}  // namespace harmony::testing
