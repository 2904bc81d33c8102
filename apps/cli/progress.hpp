#pragma once
/// Shows on stderr what goes on, for everything longer than half a second.
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "diagnostic.hpp"
#include "harmony/event.hpp"
#include "harmony/node.hpp"
#include "output.hpp"
#include "terminal.hpp"

namespace harmony::cli {

using Clock = std::chrono::steady_clock;

/// One line of progress: a Score, or a smoke test.
struct ProgressRow {
  enum class State { running, ok, failed, stopped };
  std::size_t id = 0;
  std::size_t parent = 0;      ///< 0: none
  int depth = 0;
  std::string name;            ///< "database server guestbook-db"
  State state = State::running;
  Clock::time_point started{};
  std::chrono::nanoseconds took{};
  std::string activity = {};   ///< the step it is at, or was at last
  std::string waiting = {};    ///< why nothing seems to happen
};

/// What the events add up to: rows in the order of the tree. Not thread-safe.
class ProgressModel {
 public:
  void apply(const Event&, Clock::time_point now);
  std::vector<ProgressRow> rows() const;        ///< parents before children, siblings in program order
  const ProgressRow* row_of(const Node*) const;  ///< of the nearest Score above
  Phase phase() const { return phase_; }
  bool in_phase() const { return in_phase_; }
  Clock::time_point phase_started() const { return phase_started_; }
  const std::string& phase_waiting() const { return phase_waiting_; }
  /// Of the phase, or of what is asked outside of any.
  std::string title() const;

 private:
  ProgressRow* row_above(const Node*);
  void start(const Event&, Clock::time_point now);
  void finish(const Event&);
  void wait_above_rows(std::string_view reason, Clock::time_point now);
  void append_below(std::size_t parent, std::vector<ProgressRow>&) const;

  std::map<std::size_t, ProgressRow> rows_;   ///< by id: ids grow in program order
  std::map<std::string, std::size_t> smoke_tests_;
  Phase phase_ = Phase::rehearse;
  bool in_phase_ = false;
  Clock::time_point phase_started_{};
  std::string phase_waiting_;
};

/// "planning", "waiting for the lock" …
std::string phase_text(Phase);

/// An observer that a clock wakes: `tick` is called with every event's lock held. Thread-safe.
class Progress : public Observer {
 public:
  void on(const Event&) noexcept final;
  /// Starts the clock.
  void start(std::chrono::milliseconds interval);
  /// Shows the end of it, and is silent from now on.
  void finish();
  /// Takes its lines off the screen, so that something else can be written; they come back with the next tick.
  void suspend();
  ~Progress() override;

  /// As `on` and the clock do it, with the time told; for tests.
  void event(const Event&, Clock::time_point now);
  void tick(Clock::time_point now);

 protected:
  virtual void changed(const Event&, Clock::time_point now) = 0;
  virtual void ticked(Clock::time_point now) = 0;
  virtual void cleared() {}
  virtual void finished(Clock::time_point) {}
  ProgressModel model_;

 private:
  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool done_ = false;
  std::jthread clock_;
};

/// Its clock must not outlive what it draws.
struct FinishProgress {
  void operator()(Progress* progress) const {
    progress->finish();
    delete progress;
  }
};

using WriteText = std::function<void(std::string)>;

/// Lines that stay: started and finished with times, the reason of a wait at most every 5 s, "Still …" every 10 s.
std::unique_ptr<Progress> plain_progress(WriteText, Redact, Style);
/// A tree that is redrawn in place. @param drawable false: the last frame is not written yet, or the reader is slow.
std::unique_ptr<Progress> tty_progress(WriteText, Redact, Style, std::function<TerminalSize()>,
                                       std::function<bool()> drawable);
/// Silence.
std::unique_ptr<Progress> quiet_progress();

}  // namespace harmony::cli
