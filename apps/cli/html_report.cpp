#include "html_report.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "exit_code.hpp"
#include "graph.hpp"
#include "html_style.hpp"
#include "plan_counts.hpp"
#include "private_file.hpp"
#include "session.hpp"
#include "text.hpp"
#include "version.hpp"

namespace harmony::cli {
namespace {

constexpr const char* classes[] = {"same", "create", "update", "replace", "remove", "unknown"};

const char* state_class(Span::State state) {
  constexpr const char* names[] = {"running", "ok", "failed", "stopped"};
  return names[static_cast<int>(state)];
}

class Page {
 public:
  explicit Page(const ReportPage& page) : page_(page) {}

  std::string html() {
    head();
    errors();
    smoke_tests();
    timeline();
    if (page_.plan) steps("Plan", page_.plan->outcome, planned_text(count_steps(page_.plan->outcome)));
    if (page_.report && page_.report->changed_anything) done(page_.report->outcome);
    kept();
    text_ += fmt::format("<footer>Harmony {} · {}</footer>\n</main></body></html>\n", harmony_version,
                         text(timestamp(page_.began)));
    return std::move(text_);
  }

 private:
  std::string text(std::string_view raw) const {
    return escaped(printable_line(page_.redact ? page_.redact(raw) : std::string(raw)));
  }

  void head() {
    const std::string name = text(page_.deployment) + (page_.version.empty() ? "" : " " + text(page_.version)) +
                             " on " + text(page_.topology);
    text_ += fmt::format(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width,initial-scale=1\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\"><title>{0}: "
        "{1}</title>\n<style>{2}</style></head>\n<body><main>\n",
        text(page_.verb), name, html_style);
    text_ +=
        fmt::format("<header><p class=\"verb\">{}</p><h1>{}</h1><p>{}</p>\n", text(page_.verb), name, how_it_ended());
    const Outcome* outcome = page_.report ? &page_.report->outcome : page_.plan ? &page_.plan->outcome : nullptr;
    if (outcome && !outcome->notes.empty()) {
      text_ += "<dl>";
      for (const Note& note : outcome->notes)
        text_ += fmt::format("<dt>{}</dt><dd>{}</dd>", text(note.label), linked(note.text));
      text_ += "</dl>\n";
    }
    if (page_.plan && !page_.plan->given.empty()) {
      text_ += "<dl>";
      for (const auto& [name_of, value] : page_.plan->given.settings)
        text_ += fmt::format("<dt>{}</dt><dd>{}</dd>", text(name_of), text(value));
      for (const auto& [name_of, value] : page_.plan->given.options)
        text_ += fmt::format("<dt>--{}</dt><dd>{}</dd>", text(name_of), text(value));
      text_ += "</dl>\n";
    }
    text_ += "</header>\n";
  }

  std::string how_it_ended() const {
    const std::string began = text(timestamp(page_.began));
    if (!page_.exit_code)
      return fmt::format("<span class=\"badge\">has not ended</span> began {} · it still runs, or it was killed",
                         began);
    const int code = *page_.exit_code;
    const bool good = code == exit_done || code == exit_changes_pending;
    return fmt::format("<span class=\"badge {}\">{}</span> {} · {} · exit code {}", good ? "ok" : "failed",
                       good ? "done" : text(meaning(code)), began, seconds_text(page_.took), code);
  }

  static std::string meaning(int code) {
    for (const ExitCodeText& row : exit_code_table())
      if (row.code == code) return row.text;
    return "ended";
  }

  std::string linked(const std::string& raw) const {
    const std::string safe = text(raw);
    const bool is_url = raw.starts_with("http://") || raw.starts_with("https://");
    return is_url ? fmt::format("<a rel=\"noreferrer\" href=\"{0}\">{0}</a>", safe) : safe;
  }

  void errors() {
    if (page_.errors.empty()) return;
    text_ += "<section><h2>Errors</h2>\n";
    for (const Diagnostic& error : distinct(page_.errors))
      text_ += fmt::format("<pre class=\"error\">{}</pre>\n",
                           escaped(render({error}, {.program = page_.program, .redact = page_.redact})));
    text_ += "</section>\n";
  }

  void smoke_tests() {
    if (!page_.report || page_.report->smoke_tests.empty()) return;
    text_ +=
        "<section><h2>Smoke "
        "tests</h2><table><tr><th></th><th>Test</th><th>Score</th><th>Checks</th><th>Took</th></tr>\n";
    for (const SmokeResult& result : page_.report->smoke_tests)
      text_ += fmt::format(
          "<tr><td><span class=\"badge {}\">{}</span></td><td>{}</td><td>{}</td><td class=\"n\">{}</td><td "
          "class=\"n\">{}</td></tr>\n",
          result.passed ? "ok" : "failed", result.passed ? "passed" : "failed", text(result.name),
          text(result.score_path), result.checks, seconds_text(result.took));
    text_ += "</table></section>\n";
  }

  // ---- timeline

  /// Phases at the top level; below each what ran in it, as a tree.
  void timeline() {
    if (page_.spans.empty()) return;
    start_ = std::ranges::min(page_.spans, {}, &Span::start).start;
    std::chrono::nanoseconds end{1};
    for (const Span& span : page_.spans) end = std::max(end, span.start + span.took - start_);
    text_ += "<section><h2>Timeline</h2><div class=\"gantt\">\n" + scale(end);
    for (const Span& phase : page_.spans) {
      if (phase.kind != Span::Kind::phase) continue;
      bar(phase, 0, end);
      for (const Span& span : page_.spans)
        if (span.kind == Span::Kind::smoke_test && within(span, phase)) bar(span, 1, end);
      below(0, phase, 1, end);
    }
    text_ += "</div></section>\n";
  }

  static bool within(const Span& span, const Span& phase) {
    return span.start >= phase.start && span.start <= phase.start + phase.took;
  }

  void below(std::size_t parent, const Span& phase, int depth, std::chrono::nanoseconds end) {
    std::vector<const Span*> spans;
    for (const Span& span : page_.spans) {
      if (span.kind != Span::Kind::score && span.kind != Span::Kind::step) continue;
      // A step of a prune hangs below a root that began in another phase.
      const bool top = parent == 0 && (span.parent == 0 || !began_in(span.parent, phase));
      if (within(span, phase) && innermost(span, phase) && (parent == 0 ? top : span.parent == parent))
        spans.push_back(&span);
    }
    std::ranges::stable_sort(spans, {}, &Span::id);
    for (const Span* span : spans) {
      bar(*span, depth, end);
      if (span->id != 0) below(span->id, phase, depth + 1, end);
    }
  }
  bool began_in(std::size_t id, const Span& phase) const {
    return std::ranges::any_of(page_.spans, [&](const Span& span) {
      return span.id == id && span.kind != Span::Kind::phase && within(span, phase) && innermost(span, phase);
    });
  }
  /// Phases may lie in each other: a rehearsal below the lock.
  bool innermost(const Span& span, const Span& phase) const {
    return std::ranges::none_of(page_.spans, [&](const Span& other) {
      return other.kind == Span::Kind::phase && &other != &phase && other.start > phase.start && within(other, phase) &&
             within(span, other);
    });
  }

  std::string scale(std::chrono::nanoseconds end) const {
    std::string made = "<div class=\"row scale\"><div></div><div></div><div class=\"track\">";
    for (const int percent : {0, 25, 50, 75, 100})
      made += fmt::format("<span style=\"left:{}%\">{}</span>", percent, fine_text(end * percent / 100));
    return made + "</div></div>\n";
  }

  static std::string fine_text(std::chrono::nanoseconds time) {
    using namespace std::chrono_literals;
    return time >= 1s ? seconds_text(time)
                      : fmt::format("{:.{}f} ms", static_cast<double>(time.count()) / 1e6, time < 10ms ? 1 : 0);
  }

  /// Beside the bar where there is room, else upon it.
  static std::string label_place(double from, double to) {
    if (to <= 60) return fmt::format("style=\"left:{:.3f}%\"", to);
    if (from >= 40) return fmt::format("style=\"right:{:.3f}%\"", 100 - from);
    return fmt::format("class=\"upon\" style=\"left:{:.3f}%\"", from);
  }

  void bar(const Span& span, int depth, std::chrono::nanoseconds end) {
    const auto percent = [&](std::chrono::nanoseconds time) {
      return 100.0 * static_cast<double>(time.count()) / static_cast<double>(end.count());
    };
    const double from = percent(span.start - start_);
    std::string title = span.label == span.name || span.name.empty() ? span.label : span.label + " " + span.name;
    if (span.kind == Span::Kind::phase) title = phase_title(span.name);
    std::string more = span.detail;
    for (const std::string& wait : span.waits) more += (more.empty() ? "waited: " : "; waited: ") + wait;
    if (!span.error.empty()) more = span.error;
    constexpr const char* kinds[] = {"phase", "score", "step", "smoke"};
    text_ += fmt::format(
        "<div class=\"row {0} {1}\"><div class=\"name\" style=\"padding-left:{2}em\">{3}</div><div "
        "class=\"n\">{4}</div><div class=\"track\">"
        "<i style=\"left:min({5:.3f}%,calc(100% - 3px));width:{6:.3f}%\"></i>{7}</div></div>\n",
        kinds[static_cast<int>(span.kind)], state_class(span.state), depth * 1.2, text(title), fine_text(span.took),
        from, percent(span.took),
        more.empty() ? ""
                     : fmt::format("<small {}>{}</small>", label_place(from, from + percent(span.took)), text(more)));
  }

  static std::string phase_title(const std::string& name) {
    for (const Phase phase :
         {Phase::rehearse, Phase::approve, Phase::lock, Phase::apply, Phase::prune, Phase::smoke_test, Phase::destroy})
      if (to_string(phase) == name) return phase_text(phase);
    return name;
  }

  // ---- plan

  void done(const Outcome& outcome) {
    const PlanCounts counts = count_steps(outcome);
    steps("Done", outcome, page_.verb == "destroy" ? destroyed_text(counts) : done_text(counts));
  }

  void steps(const char* title, const Outcome& outcome, const std::string& sum) {
    text_ += fmt::format("<section><h2>{}</h2><p>{}</p>\n", title, text(sum));
    for (const StepOutcome& step : outcome.steps) {
      const Sign sign = sign_of(step);
      std::string side = step.failed ? "not finished" : "";
      if (!step.effect.empty()) side += (side.empty() ? "" : ", ") + text(step.effect);
      if (step.loses_data) side += side.empty() ? "loses data" : ", loses data";
      if (step.fidelity != Fidelity::exact)
        side += fmt::format("{}{}", side.empty() ? "" : ", ", to_string(step.fidelity));
      text_ += fmt::format(
          "<details class=\"step {0}\"{1}><summary><b class=\"sign\">{2}</b><span>{3}</span> <strong>{4}</strong> "
          "<span>{5}</span> <em>{6}</em></summary>\n",
          classes[static_cast<int>(sign)],
          sign == Sign::update || sign == Sign::replace || sign == Sign::remove ? " open" : "", symbol_of(sign),
          text(step.kind), text(step.name), text(step.detail), side);
      for (const Change& change : step.changes) part(change);
      text_ += "</details>\n";
    }
    text_ += "</section>\n";
  }

  void part(const Change& change) {
    const Sign sign = sign_of(change);
    text_ += fmt::format("<div class=\"part {}\"><b class=\"sign\">{}</b> <code>{}</code> {} <em>{}</em>",
                         classes[static_cast<int>(sign)], symbol_of(sign), text(change.subject.text()),
                         text(change.identity), text(change.effect));
    if (!change.reason.empty()) text_ += fmt::format("<p>because {}</p>", text(change.reason));
    if (!change.fields.empty()) {
      text_ += "<table>";
      for (const FieldChange& field : change.fields)
        text_ += fmt::format("<tr><td><code>{}</code></td><td class=\"before\">{}</td><td class=\"after\">{}</td></tr>",
                             text(field.path), lines(field.before), after(field));
      text_ += "</table>";
    }
    text_ += "</div>\n";
  }

  std::string lines(const std::string& raw) const {
    return raw.empty() ? "(none)" : escaped(page_.redact ? page_.redact(raw) : raw);
  }
  std::string after(const FieldChange& field) const {
    switch (field.origin) {
      case Origin::generated: return "(generated)";
      case Origin::deferred: return "(known after the deploy)";
      case Origin::defaulted: return "(set by the server)";
      case Origin::exact: break;
    }
    return lines(field.after);
  }

  void kept() {
    if (!page_.plan || page_.plan->kept.empty()) return;
    text_ += "<section><h2>Kept data</h2><ul>";
    for (const LedgerEntry& entry : page_.plan->kept)
      text_ += fmt::format("<li>{} {}: <code>{}</code></li>", text(entry.step_kind), text(entry.step_name),
                           text(entry.subject.text()));
    text_ += "</ul></section>\n";
  }

  const ReportPage& page_;
  std::chrono::nanoseconds start_{};  ///< of the first span
  std::string text_;
};

}  // namespace

std::string html_page(const ReportPage& page) { return Page{page}.html(); }

void write_report(Session& session, const Report* report, const std::vector<Diagnostic>& errors,
                  std::optional<int> exit_code) {
  const std::string path = session.arguments.value("report");
  if (path.empty()) return;
  const auto took = std::chrono::system_clock::now() - session.timeline.began();
  try {
    write_privately(path, html_page({.program = session.in.program,
                                     .verb = session.arguments.verb,
                                     .deployment = session.deployment,
                                     .topology = session.instance.topology->label(),
                                     .version = session.in.application.version(),
                                     .began = session.timeline.began(),
                                     .took = took,
                                     .exit_code = exit_code,
                                     .plan = session.shown ? &*session.shown : nullptr,
                                     .report = report,
                                     .errors = errors,
                                     .spans = session.timeline.spans(),
                                     .redact = session.redact()}));
  } catch (const Error& error) {
    const std::string note = fmt::format("note: the report was not written: {}\n", error.data().message);
    if (std::exchange(session.report_note, note) != note) session.say(note);
  }
}

void begin_report(Session& session) { write_report(session, nullptr, {}, std::nullopt); }

}  // namespace harmony::cli
