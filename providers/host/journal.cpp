#include "host/journal.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "harmony/error.hpp"
#include "host/hash.hpp"

namespace harmony::host {

namespace json = boost::json;

namespace {

constexpr int format_version = 1;
constexpr std::string_view sum_opens = R"({"sum":")", record_opens = R"(","record":)", line_closes = "}";
constexpr std::size_t sum_length = 16;

std::string sum_of(std::string_view bytes) { return sha256(bytes).substr(0, sum_length); }

std::string framed(const json::object& record) {
  const std::string text = json::serialize(record);
  return fmt::format("{}{}{}{}{}\n", sum_opens, sum_of(text), record_opens, text, line_closes);
}

/// The record's text, where the line is as it was written; else nothing.
std::optional<std::string_view> unframed(std::string_view line) {
  constexpr std::size_t before = sum_opens.size() + sum_length + record_opens.size();
  if (line.size() < before + line_closes.size() || !line.starts_with(sum_opens) || !line.ends_with(line_closes))
    return std::nullopt;
  if (line.substr(sum_opens.size() + sum_length, record_opens.size()) != record_opens) return std::nullopt;
  const std::string_view record = line.substr(before, line.size() - before - line_closes.size());
  if (line.substr(sum_opens.size(), sum_length) != sum_of(record)) return std::nullopt;
  return record;
}

json::object parse_record(std::string_view text) {
  json::parse_options options;
  options.max_depth = 128;
  options.allow_invalid_utf8 = true;  // names come from elsewhere; a ledger that cannot be read again is no ledger
  return json::parse(json::string_view(text.data(), text.size()), {}, options).as_object();
}

// ---------------------------------------------------------------- values

std::string text(const json::object& from, std::string_view key) {
  const auto* value = from.if_contains(json::string_view(key.data(), key.size()));
  return value ? std::string(value->as_string()) : std::string();
}
bool truth(const json::object& from, std::string_view key) {
  const auto* value = from.if_contains(json::string_view(key.data(), key.size()));
  return value && value->as_bool();
}

constexpr std::string_view names_of_states[] = {"intended", "owned", "kept"};

json::object to_json(const Subject& subject) {
  return {{"primitive", subject.primitive}, {"kind", subject.kind}, {"name", subject.name}};
}
Subject subject_from(const json::object& from) {
  return {text(from, "primitive"), text(from, "kind"), text(from, "name")};
}

json::object to_json(const LedgerEntry& entry) {
  const auto state = names_of_states[static_cast<std::size_t>(entry.state)];
  return {{"subject", to_json(entry.subject)}, {"state", json::string_view(state.data(), state.size())},
          {"identity", entry.identity},        {"step_kind", entry.step_kind},
          {"step_name", entry.step_name},      {"score_path", entry.score_path},
          {"holds_data", entry.holds_data},    {"shared", entry.shared},
          {"sequence", entry.sequence}};
}
LedgerEntry entry_from(const json::object& from) {
  const auto state = std::ranges::find(names_of_states, text(from, "state"));
  if (state == std::end(names_of_states)) throw std::invalid_argument("a state that is none");
  return {.subject = subject_from(from.at("subject").as_object()),
          .state = static_cast<LedgerEntry::State>(state - std::begin(names_of_states)),
          .identity = text(from, "identity"),
          .step_kind = text(from, "step_kind"),
          .step_name = text(from, "step_name"),
          .score_path = text(from, "score_path"),
          .holds_data = truth(from, "holds_data"),
          .shared = truth(from, "shared"),
          .sequence = from.at("sequence").to_number<std::uint64_t>()};
}

json::object to_json(const std::map<std::string, std::string>& texts) {
  json::object all;
  for (const auto& [name, value] : texts) all[name] = value;
  return all;
}
std::map<std::string, std::string> texts_from(const json::object& from, std::string_view key) {
  std::map<std::string, std::string> texts;
  if (const json::value* all = from.if_contains(key))
    for (const auto& [name, value] : all->as_object()) texts.emplace(name, std::string(value.as_string()));
  return texts;
}
std::vector<Note> notes_from(const json::object& from) {
  std::vector<Note> notes;
  if (const json::value* all = from.if_contains("notes"))
    for (const json::value& note : all->as_array())
      notes.push_back({text(note.as_object(), "label"), text(note.as_object(), "text")});
  return notes;
}

json::object to_json(const RunRecord& run) {
  json::array notes;
  for (const Note& note : run.notes) notes.push_back({{"label", note.label}, {"text", note.text}});
  return {{"id", run.id},
          {"verb", run.verb},
          {"who", run.who},
          {"version", run.version},
          {"started", run.started},
          {"finished", run.finished},
          {"planned", run.planned},
          {"done", run.done},
          {"failed", run.failed},
          {"stopped", run.stopped},
          {"key_mark", run.key_mark},
          {"smoke_tested", run.smoke_tested},
          {"settings", to_json(run.given.settings)},
          {"options", to_json(run.given.options)},
          {"notes", std::move(notes)}};
}
RunRecord run_from(const json::object& from) {
  return {.id = text(from, "id"),
          .verb = text(from, "verb"),
          .who = text(from, "who"),
          .version = text(from, "version"),
          .started = text(from, "started"),
          .finished = text(from, "finished"),
          .planned = from.at("planned").to_number<int>(),
          .done = from.at("done").to_number<int>(),
          .failed = truth(from, "failed"),
          .stopped = truth(from, "stopped"),
          .key_mark = text(from, "key_mark"),
          .smoke_tested = truth(from, "smoke_tested"),
          .given = {.settings = texts_from(from, "settings"), .options = texts_from(from, "options")},
          .notes = notes_from(from)};
}

json::array to_json(const std::vector<LedgerEntry>& entries) {
  json::array all;
  for (const LedgerEntry& entry : entries) all.push_back(to_json(entry));
  return all;
}

json::object record(std::uint64_t number, const char* what) { return {{"n", number}, {"do", what}}; }

// ---------------------------------------------------------------- replay

void count_write(LedgerState& state) {
  if (state.unfinished()) ++state.run->done;
}

void apply(LedgerState& state, const json::object& record) {
  const std::string what = text(record, "do");
  if (what == "begin") {
    state.run = run_from(record.at("run").as_object());
    std::vector<LedgerEntry> lined_up;
    for (const auto& entry : record.at("intended").as_array()) lined_up.push_back(entry_from(entry.as_object()));
    state.line_up(lined_up);
  } else if (what == "intend") {
    state.put(entry_from(record.at("entry").as_object()));
  } else if (what == "settle") {
    state.put(entry_from(record.at("entry").as_object()));
    count_write(state);
  } else if (what == "forget") {
    const Subject subject = subject_from(record.at("subject").as_object());
    std::erase_if(state.entries, [&](const LedgerEntry& entry) { return entry.subject == subject; });
    count_write(state);
  } else if (what == "finish") {
    finish(state, run_from(record.at("run").as_object()));
  } else {
    throw std::invalid_argument("a record that is none");
  }
}

Error damaged(const std::string& path, std::size_t line, std::string_view how) {
  return Error({.code = "H0203",
                .message = fmt::format("the ledger `{}` is damaged: line {} {}", path, line, how),
                .subject = "ledger/" + path,
                .notes = {"nothing was changed: without its ledger a deploy does not know what it owns"},
                .help = "put it back from a backup; where there is none, see `explain H0203` for what can be saved"});
}

/// The first line: all that was known when the last run finished.
LedgerState whole_from(std::string_view line, const std::string& deployment, const std::string& path) {
  const auto text_of_record = unframed(line);
  if (!text_of_record) throw damaged(path, 1, "is not as it was written");
  try {
    const json::object record = parse_record(*text_of_record);
    if (const int version = record.at("version").to_number<int>(); version > format_version)
      throw Error({.code = "H0204",
                   .category = Category::refused,
                   .message = fmt::format(
                       "the ledger `{}` was written by a newer Harmony: its format is {}, this program knows {}", path,
                       version, format_version),
                   .subject = "ledger/" + path,
                   .notes = {"nothing was changed"},
                   .help = "use the deploy binary that wrote it, or one built with at least its version of Harmony"});
    if (const std::string owner = text(record, "deployment"); owner != deployment)
      throw Error(
          {.code = "H0205",
           .category = Category::refused,
           .message = fmt::format("the ledger `{}` belongs to deployment `{}`, not to `{}`", path, owner, deployment),
           .subject = "ledger/" + path,
           .notes = {"nothing was changed: its entries name paths and ports of that other deployment"},
           .help =
               fmt::format("deploy with --deployment {}, or choose a folder of its own with --state-dir DIR", owner)});
    LedgerState state{.run = std::nullopt, .last_success = text(record, "last_success"), .entries = {}};
    if (const auto* run = record.if_contains("run")) state.run = run_from(run->as_object());
    for (const auto& entry : record.at("entries").as_array()) state.entries.push_back(entry_from(entry.as_object()));
    return state;
  } catch (const Error&) {
    throw;
  } catch (const std::exception&) {
    throw damaged(path, 1, "does not say what a ledger says");
  }
}

/// @returns false where the line is not as it was written.
bool replay(std::string_view line, std::size_t line_number, Journal& journal, const std::string& path) {
  const auto text_of_record = unframed(line);
  if (!text_of_record) return false;
  try {
    const json::object record = parse_record(*text_of_record);
    if (record.at("n").to_number<std::uint64_t>() != journal.next) throw std::invalid_argument("a number out of order");
    apply(journal.state, record);
  } catch (const std::exception&) {
    throw damaged(path, line_number, "does not follow from the one before it");
  }
  ++journal.next;
  return true;
}

}  // namespace

Journal read_journal(std::string_view bytes, const std::string& deployment, const std::string& path) {
  Journal journal;
  std::size_t line_number = 0;
  while (journal.intact < bytes.size() || line_number == 0) {
    const auto end = bytes.find('\n', journal.intact);
    const bool ended = end != std::string_view::npos;
    const std::string_view line = bytes.substr(journal.intact, ended ? end - journal.intact : std::string_view::npos);
    ++line_number;
    if (line_number == 1) {
      if (!ended) throw damaged(path, 1, "is cut");
      journal.state = whole_from(line, deployment, path);
    } else if (!ended) {
      break;  // torn: a crash came between
    } else if (!replay(line, line_number, journal, path)) {
      const bool two_in_one = line.find(sum_opens, 1) != std::string_view::npos;  // the break between them is gone
      if (end + 1 != bytes.size() || two_in_one) throw damaged(path, line_number, "is not as it was written");
      break;
    }
    journal.intact = end + 1;
  }
  return journal;
}

std::string whole_line(const std::string& deployment, const LedgerState& state) {
  json::object all = record(0, "hold");
  all["version"] = format_version;
  all["deployment"] = deployment;
  if (state.run) all["run"] = to_json(*state.run);
  all["last_success"] = state.last_success;
  all["entries"] = to_json(state.entries);
  return framed(all);
}

std::string begin_line(std::uint64_t number, const RunRecord& run, const std::vector<LedgerEntry>& intended) {
  json::object begun = record(number, "begin");
  begun["run"] = to_json(run);
  begun["intended"] = to_json(intended);
  return framed(begun);
}
std::string intend_line(std::uint64_t number, const LedgerEntry& entry) {
  json::object intended = record(number, "intend");
  intended["entry"] = to_json(entry);
  return framed(intended);
}
std::string settle_line(std::uint64_t number, const LedgerEntry& entry) {
  json::object settled = record(number, "settle");
  settled["entry"] = to_json(entry);
  return framed(settled);
}
std::string forget_line(std::uint64_t number, const Subject& subject) {
  json::object forgotten = record(number, "forget");
  forgotten["subject"] = to_json(subject);
  return framed(forgotten);
}
std::string finish_line(std::uint64_t number, const RunRecord& run) {
  json::object finished = record(number, "finish");
  finished["run"] = to_json(run);
  return framed(finished);
}

void finish(LedgerState& state, const RunRecord& run) {
  state.run = run;
  if (!run.failed && run.verb == "deploy") state.last_success = run.finished;
}

}  // namespace harmony::host
