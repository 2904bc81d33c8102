#include "plan_counts.hpp"

#include <fmt/format.h>

namespace harmony::cli {
namespace {
Sign sign_of(Action action, Fidelity fidelity) {
  if (fidelity == Fidelity::unknown) return Sign::unknown;
  switch (action) {
    case Action::unchanged: return Sign::unchanged;
    case Action::create: return Sign::create;
    case Action::update: return Sign::update;
    case Action::replace: return Sign::replace;
    case Action::remove: return Sign::remove;
  }
  return Sign::unknown;
}
}  // namespace

Sign sign_of(const StepOutcome& step) { return sign_of(step.action, step.fidelity); }
Sign sign_of(const Change& change) { return sign_of(change.action, change.fidelity); }

const char* symbol_of(Sign sign) {
  constexpr const char* symbols[] = {" ", "+", "~", "-/+", "-", "?"};
  return symbols[static_cast<int>(sign)];
}

const char* word_of(Sign sign) {
  constexpr const char* words[] = {"unchanged", "create", "change", "replace", "delete", "known after the deploy"};
  return words[static_cast<int>(sign)];
}

PlanCounts count_steps(const Outcome& outcome) {
  PlanCounts counts;
  int* const slots[] = {&counts.unchanged, &counts.create, &counts.update,
                        &counts.replace,   &counts.remove, &counts.unknown};
  for (const StepOutcome& step : outcome.steps) ++*slots[static_cast<int>(sign_of(step))];
  return counts;
}

std::string planned_text(const PlanCounts& counts) {
  std::string text = fmt::format("{} to create, {} to change, ", counts.create, counts.update);
  if (counts.replace > 0) text += fmt::format("{} to replace, ", counts.replace);
  text += fmt::format("{} to delete", counts.remove);
  if (counts.unknown > 0) text += fmt::format(", {} unknown", counts.unknown);
  return text;
}

std::string done_text(const PlanCounts& counts) {
  std::string text;
  const auto add = [&](int count, const char* word) {
    if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, word);
  };
  add(counts.create, "created");
  add(counts.update, "changed");
  add(counts.replace, "replaced");
  add(counts.remove, "deleted");
  add(counts.unknown, "settled");
  return text.empty() ? "nothing changed" : text;
}

std::string destroyed_text(const PlanCounts& counts) {
  if (counts.unchanged == 0) return done_text(counts);
  return fmt::format("{} deleted, {} not there", counts.remove, counts.unchanged);
}

}  // namespace harmony::cli
