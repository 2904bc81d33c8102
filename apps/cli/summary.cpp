#include "summary.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "plan_counts.hpp"
#include "plan_view.hpp"
#include "text.hpp"

namespace harmony::cli {
namespace {

std::string clean(std::string_view text, const SummaryContext& context) {
  return printable_line(context.redact ? context.redact(text) : std::string(text));
}

std::string smoke_text(const Report& report, const SummaryContext& context) {
  if (report.smoke_tests.empty())
    return context.unverified ? fmt::format("Unverified: {}.", clean(*context.unverified, context))
                              : std::string("No smoke test.");
  int checks = 0;
  for (const SmokeResult& result : report.smoke_tests) checks += result.checks;
  const auto failed = std::ranges::count(report.smoke_tests, false, &SmokeResult::passed);
  const std::string_view title = report.smoke_tests.size() == 1 ? "Smoke test" : "Smoke tests";
  return failed == 0 ? fmt::format("{}: {} passed.", title, counted(checks, "check"))
                     : fmt::format("{}: {} of {} failed.", title, failed, report.smoke_tests.size());
}

std::string named(const SummaryContext& context) {
  std::string text = clean(context.deployment, context);
  if (!context.version.empty()) text += " " + clean(context.version, context);
  return text + " on " + clean(context.topology, context);
}

/// ("open", "http://…") and the commands to try next, aligned.
std::string next_lines(const Outcome& outcome, const SummaryContext& context) {
  std::vector<std::pair<std::string, std::string>> lines;
  for (const Note& note : outcome.notes) lines.emplace_back(clean(note.label, context), clean(note.text, context));
  if (context.hints) {
    const auto with = [&](const char* verb) { return fmt::format("{} {}{}", context.program, verb, context.options); };
    lines.emplace_back("look", with("status") + " · " + with("logs"));
    lines.emplace_back("remove", with("destroy"));
  }
  std::size_t width = 0;
  for (const auto& [label, text] : lines) width = std::max(width, width_of(label));
  std::string all;
  for (const auto& [label, text] : lines) all += fmt::format("  {}  {}\n", padded(label, width), text);
  return all;
}

/// "2 created, 1 not finished"
std::string begun_text(Outcome outcome, const std::string& verb) {
  const auto unfinished = [&](const StepOutcome& step) {
    return step.failed && (verb == "destroy" || sign_of(step) != Sign::unchanged);
  };
  const auto begun = std::ranges::count_if(outcome.steps, unfinished);
  if (begun == 0) return done_text(count_steps(outcome));
  std::erase_if(outcome.steps, unfinished);
  const bool others = !outcome.empty();
  return fmt::format("{}{}{} not finished", others ? done_text(count_steps(outcome)) : "", others ? ", " : "", begun);
}

}  // namespace

bool changed_anything(const Report& report) {
  return report.changed_anything && (!report.outcome.empty() || count_steps(report.outcome).unknown != 0);
}

std::string deploy_summary(const Report& report, const SummaryContext& context) {
  const std::string took = seconds_text(report.took);
  if (!changed_anything(report))
    return context.style.green(fmt::format("No changes in {}", took)) +
           fmt::format(": {} is as the Scores say. {}\n", named(context), smoke_text(report, context)) +
           next_lines(report.outcome, context);
  return context.style.green(fmt::format("Deployed {} in {}", named(context), took)) +
         fmt::format(": {}. {}\n", done_text(count_steps(report.outcome)), smoke_text(report, context)) +
         next_lines(report.outcome, context);
}

std::string destroy_summary(const Report& report, const LedgerState& after, const SummaryContext& context) {
  std::vector<std::string> kept;
  for (const LedgerEntry& entry : after.entries) {
    const std::string name = clean(entry.step_name.empty() ? entry.subject.name : entry.step_name, context);
    if (entry.holds_data && std::ranges::find(kept, name) == kept.end()) kept.push_back(name);
  }
  std::string text;
  if (!report.changed_anything)
    text = context.style.green(fmt::format("Nothing of {} is there to take down.", named(context))) + "\n";
  else
    text = context.style.green(fmt::format("Destroyed {} in {}", named(context), seconds_text(report.took))) +
           fmt::format(": {}.\n", destroyed_text(count_steps(report.outcome)));
  if (kept.empty()) return text;
  std::string names;
  for (const std::string& name : kept) names += (names.empty() ? "" : ", ") + name;
  text += fmt::format("  kept    data of {}\n", names);
  if (context.hints) text += fmt::format("  remove  {} destroy --delete-data{}\n", context.program, context.options);
  return text;
}

std::string smoke_test_summary(const Report& report, const SummaryContext& context) {
  std::string text;
  for (const SmokeResult& result : report.smoke_tests)
    text += fmt::format("  {}  {}  {}, {}\n", result.passed ? context.style.green("ok") : context.style.red("!!"),
                        clean(result.name, context), counted(result.checks, "check"), seconds_text(result.took));
  if (!report.errors.empty()) return text;
  return text + context.style.green(smoke_text(report, context)) + " " + seconds_text(report.took) + "\n";
}

std::string changed_before_failure(const Report& report, const std::string& verb, const SummaryContext& context) {
  if (!report.changed_anything) return {};
  const char* end = context.signal ? "stop" : "failure";
  if (!changed_anything(report)) {
    // What is told to go is not gone yet, and nothing takes that back.
    const auto begun = std::ranges::find(report.outcome.steps, true, &StepOutcome::failed);
    if (verb != "destroy" || begun == report.outcome.steps.end())
      return fmt::format("note: nothing was changed before the {}\n", end);
    return fmt::format("note: nothing was taken down before the {}; {} may have been told to go\n", end,
                       clean(begun->kind + " " + begun->name, context));
  }
  std::string text = fmt::format("note: changed before the {}: {}\n", end, begun_text(report.outcome, verb));
  text += render_steps(report.outcome, {.style = context.style, .redact = context.redact, .columns = context.columns});
  return text + fmt::format("note: what was changed stays; the next {} goes on from there\n", verb);
}

}  // namespace harmony::cli
