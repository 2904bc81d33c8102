#include <algorithm>

#include <fmt/format.h>

#include "conclude.hpp"
#include "exporting.hpp"
#include "html_report.hpp"
#include "session.hpp"
#include "text.hpp"

namespace harmony::cli {
namespace {

/// A step by its name, its parts, and whether data goes with it.
struct Listed {
  std::string name;
  bool data = false;
  std::vector<std::string> parts = {};
};

/// Each step once, in the order of the entries.
std::vector<Listed> listed(const std::vector<LedgerEntry>& entries) {
  std::vector<Listed> steps;
  for (const LedgerEntry& entry : entries) {
    const std::string name = printable_line(entry.step());
    auto step = std::ranges::find(steps, name, &Listed::name);
    if (step == steps.end()) step = steps.insert(steps.end(), {.name = name});
    step->data |= entry.holds_data;
    step->parts.push_back(printable_line(entry.subject.text()));
  }
  return steps;
}

/// Nobody has looked, with `--yes` or without a terminal.
void refuse_to_destroy(const Session& session) {
  throw Error({.code = "H0306",
               .category = Category::refused,
               .message = fmt::format("deployment `{}` is another application's", session.deployment),
               .notes = {"another program has deployed it, or the root Score had another name then"},
               .help =
                   "give the right --deployment; or destroy it with its own program, or on a terminal, where you are "
                   "asked; nothing was taken down"});
}

std::string parts_text(const Session& session, const Listed& step, const Style& style) {
  if (!session.arguments.has("verbose")) return {};
  std::string text;
  for (const std::string& part : step.parts) text += "      " + style.dim(part) + "\n";
  return text;
}

Approval approve_destroy(Session& session, const Engine::Destruction& what) {
  const Style style = session.in.result_style();
  session.progress->suspend();
  if (!session.json()) {
    std::string text = style.bold(printable_line(session.deployment)) + " on " +
                       printable_line(session.instance.topology->label()) + "\n\n";
    for (const Listed& step : listed(what.go))
      text += "  " + style.red("-") + " " + step.name + (step.data ? "  " + style.red("deletes all data") : "") + "\n" +
              parts_text(session, step, style);
    for (const Listed& step : listed(what.kept))
      text += "    " + style.dim("data is kept: " + step.name) + "\n" + parts_text(session, step, style);
    if (what.of_another)
      text +=
          "\n" + style.bold("warning") + ": another program has deployed this, or the root Score had another name\n";
    session.print(session.redact()(text + "\n"));
  }
  if (session.arguments.has("yes")) {
    if (what.of_another) refuse_to_destroy(session);
    return Approval::yes;
  }
  const bool data = session.arguments.has("delete-data");
  const Approval answer = session.ask(fmt::format("Destroy {} on {}{}", printable_line(session.deployment),
                                                  printable_line(session.instance.topology->label()),
                                                  data ? ", and delete all its data, with no undo" : ""));
  if (answer == Approval::cannot_ask && what.of_another) refuse_to_destroy(session);
  return answer;
}

}  // namespace

int destroy_verb(Session& session) {
  Exporting exporting{session};
  begin_report(session);
  const Report report = session.engine->destroy(session.arguments.has("delete-data"),
                                                [&](const auto& what) { return approve_destroy(session, what); });
  const int code = conclude(session, report);
  exporting.finish(report);
  return leave(session, report, code);
}

}  // namespace harmony::cli
