#include <algorithm>

#include <fmt/format.h>

#include "conclude.hpp"
#include "exporting.hpp"
#include "html_report.hpp"
#include "session.hpp"
#include "text.hpp"

namespace harmony::cli {
namespace {

/// A step by its name, and whether data goes with it.
struct Listed {
  std::string name;
  bool data = false;
};

/// Each step once, in the order of the entries.
std::vector<Listed> listed(const std::vector<LedgerEntry>& entries) {
  std::vector<Listed> steps;
  for (const LedgerEntry& entry : entries) {
    const std::string name = printable_line(entry.step());
    auto step = std::ranges::find(steps, name, &Listed::name);
    if (step == steps.end()) step = steps.insert(steps.end(), {.name = name});
    step->data |= entry.holds_data;
  }
  return steps;
}

Approval approve_destroy(Session& session, const std::vector<LedgerEntry>& go, const std::vector<LedgerEntry>& kept) {
  const Style style = session.in.result_style();
  session.progress->suspend();
  if (!session.json()) {
    std::string text = style.bold(printable_line(session.deployment)) + " on " +
                       printable_line(session.instance.topology->label()) + "\n\n";
    for (const Listed& step : listed(go))
      text += "  " + style.red("-") + " " + step.name + (step.data ? "  " + style.red("deletes all data") : "") + "\n";
    for (const Listed& step : listed(kept)) text += "    " + style.dim("data is kept: " + step.name) + "\n";
    session.print(session.redact()(text + "\n"));
  }
  if (session.arguments.has("yes")) return Approval::yes;
  const bool data = session.arguments.has("delete-data");
  return session.ask(fmt::format("Destroy {} on {}{}", printable_line(session.deployment),
                                 printable_line(session.instance.topology->label()),
                                 data ? ", and delete all its data, with no undo" : ""));
}

}  // namespace

int destroy_verb(Session& session) {
  Exporting exporting{session};
  begin_report(session);
  const Report report =
      session.engine->destroy(session.arguments.has("delete-data"),
                              [&](const auto& go, const auto& kept) { return approve_destroy(session, go, kept); });
  const int code = conclude(session, report);
  exporting.finish(report);
  return leave(session, report, code);
}

}  // namespace harmony::cli
