#pragma once
/// A plan for people: what would change, why, and what is uncertain about it.
#include <string>

#include "diagnostic.hpp"
#include "harmony/engine.hpp"

namespace harmony::cli {

struct PlanViewOptions {
  Style style{false};
  bool verbose = false;  ///< all parts of each step, unchanged ones too
  Redact redact = {};
  std::size_t columns = 0;  ///< of the terminal; 0: as wide as it gets
  std::chrono::system_clock::time_point now = std::chrono::system_clock::now();
};

/// The whole view, without the plan's errors.
std::string render_plan(const Plan&, const PlanViewOptions&);
/// Steps alone, aligned: for a report of what was done too.
std::string render_steps(const Outcome&, const PlanViewOptions&);
/// "note: the last deploy (deploy@ci-7, 3 min ago) stopped after change 11 of 19; 8 changes left"
std::string unfinished_text(const RunRecord&, std::chrono::system_clock::time_point now);

/// " with binary=guestbookd-next"; empty where there are none.
std::string with_what(const Given&, const Redact&);

}  // namespace harmony::cli
