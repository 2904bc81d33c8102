#pragma once
/// What happens during a run, as it happens. Observers see every Score below where they are stacked.
#include <chrono>
#include <string_view>

#include "harmony/change.hpp"
#include "harmony/error.hpp"

namespace harmony {

class Node;

/// The parts of one deploy, in their order.
enum class Phase { rehearse, approve, lock, apply, prune, smoke_test, destroy };
std::string_view to_string(Phase);

struct Event {
  enum class Kind {
    run_started,
    run_finished,         // text: verb; failed
    phase_started,
    phase_finished,     // phase, took
    score_started,
    score_finished,     // node, took
    score_failed,                      // node, took, error
    score_stopped,                     // node, took: a sibling or a signal stopped it
    step_started,
    step_finished,       // node, took; failed: it was left by an error or a stop
    change_started,
    change_finished,   // node, change
    change_failed,                     // node, change, error
    waiting,                           // node, text: the reason
    retried,                           // node, text
    note,                              // node, text
    smoke_test_started,
    smoke_test_passed,
    smoke_test_failed,  // node, text: name; took; checks; error
    write_point,                       // number, text: a place where a kill must be survived
  };
  Kind kind;
  const Node* node = nullptr;          ///< valid during the call; null for run and phase events
  Phase phase = Phase::apply;
  bool rehearsed = false;              ///< happened in a rehearsal: nothing was touched
  const Change* change = nullptr;
  const Diagnostic* error = nullptr;
  std::string_view text = {};
  std::chrono::nanoseconds took{};
  int number = 0;                      ///< write points, and the checks of a smoke test
  bool failed = false;                 ///< of run_finished, phase_finished, step_finished
};
std::string_view to_string(Event::Kind);

/// Called one at a time, from whatever thread acts. Must not throw and must not block.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on(const Event&) noexcept = 0;
};

}  // namespace harmony
