#pragma once
/// How people count a plan: in steps; one that cannot be known before the deploy counts as unknown, whatever it may be.
#include "harmony/outcome.hpp"

namespace harmony::cli {

enum class Sign { unchanged, create, update, replace, remove, unknown };
Sign sign_of(const StepOutcome&);
Sign sign_of(const Change&);
const char* symbol_of(Sign);  ///< "+"
const char* word_of(Sign);  ///< "create"

struct PlanCounts {
  int create = 0, update = 0, replace = 0, remove = 0, unknown = 0, unchanged = 0;
};
PlanCounts count_steps(const Outcome&);
/// "4 to create, 0 to change, 0 to delete"; replacements and unknown ones only where there are some.
std::string planned_text(const PlanCounts&);
/// "4 created, 1 deleted"; only what is not zero, or "nothing changed".
std::string done_text(const PlanCounts&);
/// "4 deleted, 1 not there": as many as a destroy named before it began.
std::string destroyed_text(const PlanCounts&);

}  // namespace harmony::cli
