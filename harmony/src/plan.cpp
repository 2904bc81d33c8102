#include <algorithm>

#include <fmt/format.h>

#include "harmony/engine.hpp"

namespace harmony {

namespace {
std::string line_of(const Change& change) {
  return fmt::format("{} {}", to_string(change.action), change.subject.text());
}

/// " (port 21720, owner a -> b)"; the identity where it is what the change is about.
std::string fields_of(const Change& change) {
  std::string text = change.identity;
  for (const FieldChange& field : change.fields)
    text += fmt::format("{}{} {} -> {}", text.empty() ? "" : ", ", field.path,
                        field.before.empty() ? "(none)" : field.before, field.after.empty() ? "(none)" : field.after);
  return text.empty() ? text : " (" + text + ")";
}

/// Both in words, without the fields that are the same in both.
std::string moved_text(const Change& now, const Change& planned) {
  const auto told = [](Change change, const Change& other) {
    std::erase_if(change.fields,
                  [&](const FieldChange& field) { return std::ranges::count(other.fields, field) != 0; });
    return line_of(change) + fields_of(change);
  };
  return fmt::format("{}: was planned as {}", told(now, planned), told(planned, now));
}

/// From what was found then: whoever approved a change has seen what it takes away.
bool starts_alike(const Change& planned, const Change& now) {
  return std::ranges::all_of(now.fields, [&](const FieldChange& field) {
    const auto before = std::ranges::find(planned.fields, field.path, &FieldChange::path);
    return before == planned.fields.end() || before->origin != Origin::exact || field.origin != Origin::exact ||
           before->before == field.before;
  });
}
}  // namespace

std::vector<const StepOutcome*> Plan::destructive() const {
  std::vector<const StepOutcome*> all;
  for (const StepOutcome& step : outcome.steps)
    if (step.action == Action::remove || step.action == Action::replace || step.loses_data) all.push_back(&step);
  return all;
}

std::vector<std::string> differences(const Plan& before, const Plan& now) {
  std::vector<std::string> lines;
  for (const ReadRecord& read : now.reads) {
    const auto old = std::ranges::find_if(before.reads, [&](const ReadRecord& one) {
      return one.primitive == read.primitive && one.key == read.key && one.fingerprint != read.fingerprint;
    });
    if (!read.binds.empty() && old != before.reads.end()) lines.push_back(read.binds + ": was planned for another one");
  }
  if (!lines.empty()) return lines;
  const auto changing = [](const Plan& plan) {
    std::map<Subject, Change> all;
    for (Change& change : plan.outcome.changes())
      if (change.action != Action::unchanged) all.insert_or_assign(change.subject, std::move(change));
    return all;
  };
  const auto old_changes = changing(before), new_changes = changing(now);
  for (const auto& [subject, change] : new_changes) {
    const auto old = old_changes.find(subject);
    if (old == old_changes.end()) lines.push_back(line_of(change) + ": was not planned");
    else if (!fits(old->second, change) || !starts_alike(old->second, change))
      lines.push_back(moved_text(change, old->second));
  }
  if (new_changes.empty() && !old_changes.empty()) return {"all that it plans is as it should be already"};
  for (const auto& [subject, change] : old_changes)
    if (!new_changes.contains(subject)) lines.push_back(line_of(change) + ": was planned, and is no longer needed");
  return lines;
}

}  // namespace harmony
