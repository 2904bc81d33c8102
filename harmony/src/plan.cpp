#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine_impl.hpp"

namespace harmony {

std::string sides_of(const FieldChange& field) {
  return fmt::format("{} -> {}", field.before.empty() ? "(none)" : field.before,
                     field.after.empty() ? "(none)" : field.after);
}

namespace {
std::string_view done_to_it(Action action) {
  switch (action) {
    case Action::unchanged: return "left as it is";
    case Action::create: return "created";
    case Action::update: return "changed";
    case Action::replace: return "replaced";
    case Action::remove: return "deleted";
  }
  return "?";
}

/// "size 9 -> 2 (planned: 1 -> 2), owner a -> b (not planned)": what is the same in both is left out.
std::string moved_fields(const Change& now, const Change& planned) {
  std::vector<std::string> parts;
  if (now.identity != planned.identity && !now.identity.empty() && !planned.identity.empty())
    parts.push_back(fmt::format("{} (planned: {})", now.identity, planned.identity));
  const auto same_path = [](const Change& change, const std::string& path) {
    return std::ranges::find(change.fields, path, &FieldChange::path);
  };
  for (const FieldChange& field : now.fields) {
    const auto before = same_path(planned, field.path);
    if (before == planned.fields.end())
      parts.push_back(fmt::format("{} {} (not planned)", field.path, sides_of(field)));
    else if (*before != field)
      parts.push_back(fmt::format("{} {} (planned: {})", field.path, sides_of(field), sides_of(*before)));
  }
  for (const FieldChange& field : planned.fields)
    if (same_path(now, field.path) == now.fields.end())
      parts.push_back(fmt::format("{} {} (planned, and no longer needed)", field.path, sides_of(field)));
  return parts.empty() ? "would be changed otherwise than planned" : fmt::format("{}", fmt::join(parts, ", "));
}

std::string moved_text(const Change& now, const Change& planned) {
  const std::string subject = now.subject.text();
  if (now.action == planned.action) return fmt::format("{}: {}", subject, moved_fields(now, planned));
  return fmt::format("{}: would be {}, and was planned to be {}", subject, done_to_it(now.action),
                     done_to_it(planned.action));
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
    if (old == old_changes.end())
      lines.push_back(fmt::format("{}: would be {}, which was not planned", subject.text(), done_to_it(change.action)));
    else if (!fits(old->second, change) || !starts_alike(old->second, change))
      lines.push_back(moved_text(change, old->second));
  }
  if (new_changes.empty() && !old_changes.empty()) return {"all that it plans is as it should be already"};
  for (const auto& [subject, change] : old_changes)
    if (!new_changes.contains(subject))
      lines.push_back(
          fmt::format("{}: was planned to be {}, and need not be any more", subject.text(), done_to_it(change.action)));
  return lines;
}

}  // namespace harmony
