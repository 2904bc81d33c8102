#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "conclude.hpp"
#include "exporting.hpp"
#include "session.hpp"
#include "text.hpp"

namespace harmony::cli {
namespace {

std::string listed(const std::vector<LedgerEntry>& entries) {
  std::vector<std::string> names;
  for (const LedgerEntry& entry : entries) {
    const std::string name = entry.step_name.empty() ? entry.subject.text() : entry.step_kind + " " + entry.step_name;
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  std::string text;
  for (const std::string& name : names) text += printable_line(name) + "\n";
  return text;
}

Approval approve_destroy(Session& session, const std::vector<LedgerEntry>& go, const std::vector<LedgerEntry>& kept) {
  const Style style = session.in.result_style();
  session.progress->suspend();
  if (!session.json()) {
    std::string text = style.bold(printable_line(session.deployment)) + " on " +
                       printable_line(session.instance.topology->label()) + "\n\n";
    const std::string going = listed(go), staying = listed(kept);
    std::set<std::string> losing;
    for (const LedgerEntry& entry : go)
      if (entry.holds_data)
        losing.insert(fmt::format("{} {}", printable_line(entry.step_kind), printable_line(entry.step_name)));
    for (const std::string_view name : lines_of_text(going))
      text += "  " + style.red("-") + " " + std::string(name) +
              (losing.contains(std::string(name)) ? "  " + style.red("deletes all data") : "") + "\n";
    for (const std::string_view name : lines_of_text(staying))
      text += "    " + style.dim("data is kept: " + std::string(name)) + "\n";
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
  const Report report =
      session.engine->destroy(session.arguments.has("delete-data"),
                              [&](const auto& go, const auto& kept) { return approve_destroy(session, go, kept); });
  const int code = conclude(session, report);
  exporting.finish(report);
  return leave(session, report, code);
}

}  // namespace harmony::cli
