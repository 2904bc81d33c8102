#include "plan_view.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "plan_counts.hpp"
#include "text.hpp"

namespace harmony::cli {
namespace {

constexpr std::size_t long_value = 60;  ///< a longer one gets a line of its own

std::string colored(const Style& style, Sign sign, std::string_view text) {
  switch (sign) {
    case Sign::create: return style.green(text);
    case Sign::update: return style.yellow(text);
    case Sign::replace: return style.magenta(text);
    case Sign::remove: return style.red(text);
    case Sign::unknown: return style.cyan(text);
    case Sign::unchanged: return style.dim(text);
  }
  return std::string(text);
}

struct Columns {
  std::size_t symbol = 1, kind = 0, name = 0, detail = 0;
  std::size_t lone_detail = 0, tail = 0;  ///< a detail without a tail needs no column

  std::size_t row() const {
    return 2 + symbol + 1 + kind + 2 + name + 2 + std::max(lone_detail, tail == 0 ? 0 : detail + 2 + tail);
  }
};

class StepsView {
 public:
  /// @param broken what is said of a step that did not come to its end
  StepsView(const PlanViewOptions& options, std::string broken)
      : options_(options), style_(options.style), broken_(std::move(broken)) {}

  void measure(const Outcome& outcome) {
    for (const StepOutcome& step : outcome.steps)
      if (shown(step))
        measure(std::string_view(symbol_of(sign_of(step))), step.kind, step.name, step.detail, tail(step));
  }
  void measure(std::string_view symbol, std::string_view kind, std::string_view name, std::string_view detail,
               std::string_view tail) {
    columns_.symbol = std::max(columns_.symbol, symbol.size());
    columns_.kind = std::max(columns_.kind, width_of(line(kind)));
    columns_.name = std::max(columns_.name, width_of(line(name)));
    columns_.tail = std::max(columns_.tail, width_of(line(tail)));
    auto& column = tail.empty() ? columns_.lone_detail : columns_.detail;
    column = std::max(column, width_of(line(detail)));
  }

  bool shown(const StepOutcome& step) const { return options_.verbose || sign_of(step) != Sign::unchanged; }

  std::string row(Sign sign, std::string_view kind, std::string_view name, std::string_view detail,
                  const std::string& tail) {
    used_.insert(sign);
    std::string text = "  " + colored(style_, sign, padded(symbol_of(sign), columns_.symbol)) + " " +
                       padded(line(kind), columns_.kind) + "  " + style_.bold(line(name));
    if (options_.columns > 0 && columns_.row() > options_.columns)
      return text + "\n" + below(line(detail)) + below(tail);
    const std::string name_space(columns_.name - std::min(columns_.name, width_of(line(name))), ' ');
    if (!detail.empty() || !tail.empty())
      text += name_space + "  " + (tail.empty() ? line(detail) : padded(line(detail), columns_.detail));
    if (!tail.empty()) text += "  " + tail;
    while (text.ends_with(' ')) text.pop_back();
    return text + "\n";
  }

  std::string step(const StepOutcome& step) {
    sure_.insert(step.fidelity);
    std::string text = row(sign_of(step), step.kind, step.name, step.detail, colored_tail(step));
    for (const Change& change : step.changes) text += part(step, change);
    return text;
  }

  const std::set<Sign>& used() const { return used_; }
  const std::set<Fidelity>& sure() const { return sure_; }
  std::string line(std::string_view text) const {
    return printable_line(options_.redact ? options_.redact(text) : std::string(text));
  }

 private:
  std::string indent(std::size_t by) const { return std::string(columns_.symbol + 3 + by, ' '); }

  /// On a terminal too narrow for a table: what is there gets a line of its own.
  std::string below(const std::string& text) const { return text.empty() ? text : indent(2) + text + "\n"; }

  /// What stands behind the detail: effect, loss of data, how sure it is.
  std::string tail(const StepOutcome& step) const {
    std::vector<std::string> parts;
    if (step.failed) parts.push_back(broken_);
    if (!step.effect.empty()) parts.push_back(step.effect);
    if (step.loses_data && step.effect.find("data") == std::string::npos) parts.emplace_back("loses data");
    if (step.fidelity != Fidelity::exact && step.fidelity != Fidelity::unknown)
      parts.emplace_back(to_string(step.fidelity));
    return fmt::format("{}", fmt::join(parts, ", "));
  }
  std::string colored_tail(const StepOutcome& step) const {
    const std::string text = line(tail(step));
    return step.loses_data || step.failed ? style_.bold_red(text) : style_.yellow(text);
  }

  /// A part is worth a line where it has something to say that its step does not: fields, a reason; all of them with -v.
  std::string part(const StepOutcome& step, const Change& change) const {
    const Sign sign = sign_of(change), whole = sign_of(step);
    if (sign == Sign::unchanged && !options_.verbose) return {};
    const bool shows_fields =
        (sign == Sign::update || sign == Sign::replace || sign == Sign::unknown || options_.verbose) &&
        !change.fields.empty();
    const bool shows_reason = !change.reason.empty();
    const bool differs = sign != whole && whole != Sign::create;  // a new server has new files: no news
    if (!options_.verbose && !shows_fields && !shows_reason && !differs) return {};
    std::string text =
        indent(0) + colored(style_, sign, padded(symbol_of(sign), columns_.symbol)) + " " + line(change.subject.text());
    if (!change.effect.empty() && change.effect != step.effect) text += "  " + style_.yellow(line(change.effect));
    if (options_.verbose && !change.identity.empty()) text += "  " + style_.dim(line(change.identity));
    text += "\n";
    if (shows_reason) text += indent(4) + style_.dim("because " + line(change.reason)) + "\n";
    if (shows_fields)
      for (const FieldChange& field : change.fields) text += this->field(field);
    return text;
  }

  static std::string after(const FieldChange& field) {
    switch (field.origin) {
      case Origin::exact: return field.after.empty() ? "(none)" : field.after;
      case Origin::generated: return "(generated)";
      case Origin::deferred: return "(known after the deploy)";
      case Origin::defaulted: return "(set by the server)";
    }
    return field.after;
  }

  std::string field(const FieldChange& field) const {
    const std::string before = field.before.empty() ? "(none)" : field.before;
    if (before.find('\n') != std::string::npos || field.after.find('\n') != std::string::npos)
      return line_difference(field);
    const std::string from = line(before), to = line(after(field));
    if (width_of(from) + width_of(to) <= long_value)
      return fmt::format("{}{}  {} -> {}\n", indent(4), line(field.path), style_.red(from), style_.green(to));
    return fmt::format("{0}{1}\n{0}  {2}\n{0}  {3}\n", indent(4), line(field.path), style_.red("- " + from),
                       style_.green("+ " + to));
  }

  /// Texts of several lines: what is equal at both ends is left out but for one line.
  std::string line_difference(const FieldChange& field) const {
    const auto before = lines_of_text(field.before), now = lines_of_text(field.after);
    std::size_t head = 0, end = 0;
    const std::size_t shorter = std::min(before.size(), now.size());
    while (head < shorter && before[head] == now[head]) ++head;
    while (end < shorter - head && before[before.size() - 1 - end] == now[now.size() - 1 - end]) ++end;
    std::string text = indent(4) + line(field.path) + "\n";
    const auto add = [&](const std::string& shown) { text += indent(6) + shown + "\n"; };
    if (head > 0) add("  " + line(before[head - 1]));
    for (std::size_t i = head; i < before.size() - end; ++i) add(style_.red("- " + line(before[i])));
    for (std::size_t i = head; i < now.size() - end; ++i) add(style_.green("+ " + line(now[i])));
    if (end > 0) add("  " + line(before[before.size() - end]));
    return text;
  }

  const PlanViewOptions& options_;
  const Style style_;
  const std::string broken_;
  Columns columns_;
  std::set<Sign> used_;
  std::set<Fidelity> sure_;
};

std::string legend_line(const std::vector<std::string>& words) {
  return words.empty() ? std::string{} : fmt::format("  {}\n", fmt::join(words, "   "));
}

/// Empty where there is nothing to explain.
std::string_view meaning_of(Fidelity fidelity) {
  switch (fidelity) {
    case Fidelity::server: return "by the server's own dry run";
    case Fidelity::shadow: return "by a dry run in another place";
    case Fidelity::schema: return "by its schema alone";
    case Fidelity::exact:
    case Fidelity::unknown: break;
  }
  return {};
}

std::string legend(const StepsView& view, const Style& style) {
  std::vector<std::string> signs, sure;
  for (const Sign sign : view.used())
    if (sign != Sign::unchanged) signs.push_back(colored(style, sign, symbol_of(sign)) + " " + word_of(sign));
  for (const Fidelity fidelity : view.sure())
    if (const auto meaning = meaning_of(fidelity); !meaning.empty())
      sure.push_back(style.yellow(std::string(to_string(fidelity))) + ": " + std::string(meaning));
  return legend_line(signs) + legend_line(sure);
}

std::string kept_text(const Plan& plan, const StepsView& view, const Style& style) {
  std::vector<std::string> names;
  for (const LedgerEntry& entry : plan.kept) {
    const std::string name = entry.step();
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  std::string text;
  for (const std::string& name : names) text += "    " + style.dim("data is kept: " + view.line(name)) + "\n";
  for (const Note& note : plan.outcome.notes)
    if (note.label == "taken up")
      text += "    " + style.dim("data that was kept is taken up again: " + view.line(note.text)) + "\n";
  return text;
}

std::string header(const Plan& plan, const StepsView& view, const Style& style, const Redact& redact) {
  std::string text = style.bold(view.line(plan.deployment)) + " on " + view.line(plan.topology);
  if (const std::string with = with_what(plan.given, redact); !with.empty()) text += style.dim(with);
  return text + "\n";
}

std::string steps_text(const Plan& plan, StepsView& view, const PlanCounts& counts, const PlanViewOptions& options) {
  view.measure(plan.outcome);
  for (const PlannedSmokeTest& test : plan.smoke_tests) view.measure("?", "smoke test", test.name, {}, {});
  std::string text;
  for (const StepOutcome& step : plan.outcome.steps)
    if (view.shown(step)) text += view.step(step);
  for (const PlannedSmokeTest& test : plan.smoke_tests)
    text += view.row(Sign::unknown, "smoke test", test.name, "runs after the deploy", {});
  if (counts.unchanged > 0 && !options.verbose)
    text += "    " + options.style.dim(fmt::format("{} unchanged", counts.unchanged)) + "\n";
  return text;
}

}  // namespace

std::string with_what(const Given& given, const Redact& redact) {
  const std::string text = given.text();
  return text.empty() ? text : " with " + printable_line(redact ? redact(text) : text);
}

std::string unfinished_text(const RunRecord& run, std::chrono::system_clock::time_point now) {
  const int planned = std::max(run.planned, run.done);  // what was found on the way is none of the planned ones
  if (run.at_work)
    return fmt::format("a {} ({}, {}) is running, at change {} of {}", printable_line(run.verb),
                       printable_line(run.who), ago(run.started, now), std::min(run.done + 1, planned), planned);
  std::string text = fmt::format("the last {} ({}, {}) stopped after change {} of {}", printable_line(run.verb),
                                 printable_line(run.who), ago(run.started, now), run.done, planned);
  if (planned > run.done) text += fmt::format("; {} left", counted(planned - run.done, "change"));
  return text;
}

std::string render_steps(const Outcome& outcome, const PlanViewOptions& options) {
  StepsView view{options, "not finished"};
  view.measure(outcome);
  std::string text;
  for (const StepOutcome& step : outcome.steps)
    if (view.shown(step)) text += view.step(step);
  return folded(text, options.columns);
}

namespace {

std::string whole_plan(const Plan& plan, const PlanViewOptions& options) {
  const Style& style = options.style;
  StepsView view{options, "not known to its end"};
  const std::string took = seconds_text(plan.took);
  const PlanCounts counts = count_steps(plan.outcome);
  const bool nothing = plan.outcome.empty() && counts.unknown == 0;
  std::string text = header(plan, view, style, options.redact);
  if (plan.unfinished)
    text += style.bold("note") + ": " + view.line(unfinished_text(*plan.unfinished, options.now)) + "\n";
  if (plan.given_before && !plan.given_before->empty() && !nothing)
    text += style.bold("note") + ": the last deploy was made" + with_what(*plan.given_before, options.redact) + "\n";
  if (plan.other_key && !nothing)
    text += style.bold("note") + ": the fingerprint key is not that of the last run (it was deleted or replaced), so " +
            "every secret, and what carries one, shows as changed once\n";
  if (!nothing || options.verbose) text += "\n" + steps_text(plan, view, counts, options);
  text += kept_text(plan, view, style);
  bool warned = false;
  for (const Note& note : plan.outcome.notes)
    if (note.label == "warning") {
      text += style.yellow("warning") + ": " + view.line(note.text) + "\n";
      warned = true;
    }
  if (!plan.errors.empty())
    return text + style.red("No plan") + ": " + counted(static_cast<long>(plan.errors.size()), "error") + ". " + took +
           "\n";
  if (nothing && plan.settles)
    return text +
           style.yellow(
               "No changes, but the last run did not end well, or the ledger lags behind; a deploy puts that right.") +
           " " + took + "\n";
  if (nothing && warned) return text + style.yellow("No changes; see the warnings.") + " " + took + "\n";
  if (nothing) return text + style.green("No changes. What runs is what the Scores say.") + " " + took + "\n";
  text += "\n" + legend(view, style);
  return text + style.bold("Plan: ") + planned_text(counts) + ". " + took + "\n";
}

}  // namespace

std::string render_plan(const Plan& plan, const PlanViewOptions& options) {
  return folded(whole_plan(plan, options), options.columns);
}

}  // namespace harmony::cli
