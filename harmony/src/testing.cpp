#include "harmony/testing.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace harmony {

namespace testing {
namespace {

class MemoryLedger final : public Ledger {
 public:
  LedgerState read() const override {
    std::lock_guard hold{mutex_};
    return state_;
  }
  std::unique_ptr<harmony::Lock> lock(Scope&, std::chrono::milliseconds) override {
    struct Free final : harmony::Lock {
      bool waited() const override { return false; }
    };
    return std::make_unique<Free>();
  }
  void begin(const RunRecord& run, const std::vector<LedgerEntry>& lined_up) override {
    std::lock_guard hold{mutex_};
    state_.run = run;
    state_.line_up(lined_up);
  }
  void intend(const LedgerEntry& entry) override {
    std::lock_guard hold{mutex_};
    state_.put(entry);
  }
  void settle(const LedgerEntry& entry) override {
    std::lock_guard hold{mutex_};
    state_.put(entry);
  }
  void forget(const Subject& subject) override {
    std::lock_guard hold{mutex_};
    std::erase_if(state_.entries, [&](const LedgerEntry& entry) { return entry.subject == subject; });
  }
  void finish(const RunRecord& run) override {
    std::lock_guard hold{mutex_};
    state_.run = run;
    if (!run.failed && run.verb == "deploy") state_.last_success = run.finished;
  }

 private:
  mutable std::mutex mutex_;
  LedgerState state_;
};

}  // namespace

std::shared_ptr<Ledger> memory_ledger() { return std::make_shared<MemoryLedger>(); }

void RecordingObserver::on(const Event& event) noexcept {
  std::lock_guard hold{mutex_};
  seen_.push_back(
      {event.kind, event.node ? event.node->path() : std::string{}, std::string(event.text), event.rehearsed});
}

std::vector<RecordingObserver::Seen> RecordingObserver::seen() const {
  std::lock_guard hold{mutex_};
  return seen_;
}

std::vector<std::string> lines_of(const Outcome& outcome) {
  std::vector<std::string> lines;
  for (const Change& change : outcome.changes())
    lines.push_back(fmt::format("{} {}", to_string(change.action), change.subject.text()));
  return lines;
}

}  // namespace testing
}  // namespace harmony
