#include "status_view.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "json_text.hpp"
#include "plan_view.hpp"
#include "text.hpp"

namespace harmony::cli {
namespace {

using Health = Observation::Health;

/// From good to bad; what is unknown may be well or not, so it is not ok.
int badness(Health health) {
  switch (health) {
    case Health::ok: return 0;
    case Health::unknown: return 1;
    case Health::starting: return 2;
    case Health::degraded: return 3;
    case Health::missing: return 4;
    case Health::down: return 5;
  }
  return 0;
}

struct Row {
  std::string kind, name;
  Health health = Health::ok;
  std::vector<const Observation*> parts = {};
  const Observation* told = nullptr;  ///< the part whose detail stands for all

  std::string detail() const;
};

/// Where there are several of the kind that tells, such as the processes of a workload, how many of them are well; where
/// one part alone is missing, which.
std::string Row::detail() const {
  const auto missing = [](const Observation* part) { return part->health == Health::missing; };
  if (missing(told) && !std::ranges::all_of(parts, missing))
    return told->entry.subject.text() + ": " + (told->detail.empty() ? "not there any more" : told->detail);
  std::vector<Health> alike;
  for (const Observation* part : parts)
    if (part->entry.subject.kind == told->entry.subject.kind) alike.push_back(part->health);
  if (alike.size() < 2 || told->detail.empty()) return told->detail;
  const auto well = static_cast<std::size_t>(std::ranges::count(alike, Health::ok));
  const std::string count = fmt::format("{} of {} ok", well, alike.size());
  return well == alike.size() ? count : count + "; " + told->detail;
}

bool kept(const Status& status, const Observation& seen) { return status.ledger.only_kept(seen.entry); }

std::vector<Row> rows_of(const Status& status) {
  std::vector<Row> rows;
  for (const Observation& seen : status.observations) {
    if (kept(status, seen)) continue;
    const std::string kind = seen.entry.step_kind.empty() ? seen.entry.subject.kind : seen.entry.step_kind;
    const std::string name = seen.entry.step_name.empty() ? seen.entry.subject.name : seen.entry.step_name;
    auto found = std::ranges::find_if(rows, [&](const Row& row) { return row.kind == kind && row.name == name; });
    if (found == rows.end()) found = rows.insert(rows.end(), Row{.kind = kind, .name = name, .told = &seen});
    found->parts.push_back(&seen);
    // The detail of what is worst; where all is well, of what has one: a process tells more than its files.
    if (badness(seen.health) > badness(found->health) ||
        (seen.health == found->health && seen.detail.size() > found->told->detail.size()))
      found->told = &seen;
    if (badness(seen.health) > badness(found->health)) found->health = seen.health;
  }
  return rows;
}

std::string colored(const Style& style, Health health, std::string_view text) {
  switch (health) {
    case Health::ok: return style.green(text);
    case Health::starting: return style.yellow(text);
    case Health::unknown: return style.dim(text);
    default: return style.red(text);
  }
}

std::string headline(const Status& status, const std::vector<Row>& rows, const Style& style,
                     std::chrono::system_clock::time_point now) {
  std::string text = style.bold(printable_line(status.deployment)) + " on " + printable_line(status.topology);
  const auto& run = status.ledger.run;
  const bool last = run && run->verb == "deploy" && !run->failed && run->finished == status.ledger.last_success &&
                    !run->finished.empty();
  if (last) text += with_what(run->given, {});
  if (rows.empty()) return text + ": nothing is deployed\n";
  text += fmt::format(": {} of {} ok", std::ranges::count(rows, Health::ok, &Row::health), rows.size());
  if (const auto unknown = std::ranges::count(rows, Health::unknown, &Row::health); unknown > 0)
    text += fmt::format(", {} unknown", unknown);
  if (last && !run->version.empty()) text += ", version " + printable_line(run->version);
  if (!status.ledger.last_success.empty()) text += ", last deployed " + ago(status.ledger.last_success, now);
  if (last) text += " by " + printable_line(run->who);
  return text + "\n";
}

std::string ended_badly(const RunRecord& run, std::chrono::system_clock::time_point now) {
  const std::string verb = printable_line(run.verb), with = with_what(run.given, {});
  const std::string when = ago(run.started, now) + (with.empty() ? "" : "," + with);
  if (run.stopped) return fmt::format("the last {0} ({1}) was stopped; a {0} goes on from there", verb, when);
  return fmt::format("the last {} ({}) failed", verb, when);
}

std::string table_of(const std::vector<Row>& rows, const Style& style, bool verbose, const Redact& redact) {
  const auto clean = [&](std::string_view text) { return printable_line(redact ? redact(text) : std::string(text)); };
  std::size_t kind = 4, name = 4, health = 5;
  for (const Row& row : rows) {
    kind = std::max(kind, width_of(clean(row.kind)));
    name = std::max(name, width_of(clean(row.name)));
    health = std::max(health, to_string(row.health).size());
  }
  std::string text = style.dim(fmt::format("{}   {}   {}   DETAIL", padded("KIND", kind), padded("NAME", name),
                                           padded("STATE", health))) +
                     "\n";
  for (const Row& row : rows) {
    std::string line = padded(clean(row.kind), kind) + "   " + padded(clean(row.name), name) + "   " +
                       colored(style, row.health, padded(to_string(row.health), health)) + "   " + clean(row.detail());
    while (line.ends_with(' ')) line.pop_back();
    text += line + "\n";
    if (!verbose) continue;
    for (const Observation* part : row.parts) {
      const std::string identity = part->entry.identity.empty() ? "" : "  " + style.dim(clean(part->entry.identity));
      text += fmt::format("  {}  {}{}{}\n", clean(part->entry.subject.text()),
                          colored(style, part->health, to_string(part->health)),
                          part->detail.empty() ? "" : "  " + clean(part->detail), identity);
    }
  }
  return text;
}

std::string kept_text(const Status& status, const Redact& redact) {
  const auto clean = [&](std::string_view text) { return printable_line(redact ? redact(text) : std::string(text)); };
  std::string text;
  for (const Observation& seen : status.observations)
    if (kept(status, seen))
      text += fmt::format("  {}  of {} {}\n", clean(seen.entry.subject.text()), clean(seen.entry.step_kind),
                          clean(seen.entry.step_name));
  return text.empty() ? text : "\nkept data (a deploy takes it up again, `destroy --delete-data` removes it)\n" + text;
}

}  // namespace

std::string render_status(const Status& status, Style style, bool verbose, const Redact& redact,
                          std::chrono::system_clock::time_point now) {
  const auto rows = rows_of(status);
  std::string text = headline(status, rows, style, now);
  const auto& run = status.ledger.run;
  if (status.ledger.unfinished())
    text += style.bold("note") + ": " + unfinished_text(*run, now) +
            (run->at_work ? "\n" : fmt::format("; a {} goes on from there\n", printable_line(run->verb)));
  else if (run && run->failed) text += style.bold("note") + ": " + ended_badly(*run, now) + "\n";
  auto facts = status.facts;
  if (run)
    for (const Note& note : run->notes) facts.emplace_back(note.label, note.text);
  std::size_t width = 0;
  for (const auto& [key, value] : facts) width = std::max(width, width_of(key));
  for (const auto& [key, value] : facts)
    text += fmt::format("  {}  {}\n", padded(key, width), printable_line(redact ? redact(value) : value));
  if (!rows.empty()) text += "\n" + table_of(rows, style, verbose, redact);
  return text + kept_text(status, redact);
}

boost::json::object to_json(const Status& status) {
  boost::json::object made{
      {"deployment", status.deployment}, {"topology", status.topology}, {"last_success", status.ledger.last_success}};
  made["run"] = status.ledger.run ? boost::json::value(to_json(*status.ledger.run)) : boost::json::value(nullptr);
  made["unfinished"] = status.ledger.unfinished();
  auto& facts = made["facts"].emplace_object();
  for (const auto& [key, value] : status.facts) facts[key] = value;
  bool works = false, healthy = true;
  auto& entries = made["entries"].emplace_array();
  for (const Observation& seen : status.observations) {
    boost::json::object entry = to_json(seen.entry);
    if (kept(status, seen)) entry["state"] = "kept";
    entry["health"] = to_string(seen.health);
    entry["detail"] = seen.detail;
    if (!kept(status, seen)) works = true, healthy = healthy && seen.health == Health::ok;
    entries.push_back(std::move(entry));
  }
  const bool at_work = status.ledger.run && status.ledger.run->at_work;
  made["healthy"] = works && healthy && (at_work || !status.ledger.ended_badly());
  return made;
}

}  // namespace harmony::cli
