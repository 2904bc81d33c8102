#include "json_text.hpp"

#include <fmt/format.h>

#include "harmony/utf8.hpp"
#include "plan_counts.hpp"
#include "source_place.hpp"

namespace harmony::cli {

namespace json = boost::json;

namespace {

template <class Range>
json::array array_of(const Range& range) {
  json::array all;
  for (const auto& element : range) all.push_back(to_json(element));
  return all;
}

json::array strings(const std::vector<std::string>& texts) {
  json::array all;
  for (const std::string& text : texts) all.emplace_back(text);
  return all;
}

json::object object_of(const std::map<std::string, std::string>& texts) {
  json::object all;
  for (const auto& [name, text] : texts) all[name] = text;
  return all;
}

json::array notes_of(const std::vector<Note>& notes) {
  json::array all;
  for (const Note& note : notes) all.push_back({{"label", note.label}, {"text", note.text}});
  return all;
}

json::object place(const std::source_location& at) {
  const SourcePlace shown = place_of(at);
  return {{"file", shown.file}, {"line", shown.line}, {"column", shown.column}};
}

std::string_view text_of(Category category) {
  switch (category) {
    case Category::failed: return "failed";
    case Category::smoke_test: return "smoke_test";
    case Category::timed_out: return "timed_out";
    case Category::refused: return "refused";
    case Category::unreachable: return "unreachable";
    case Category::locked: return "locked";
    case Category::stale_plan: return "stale_plan";
    case Category::usage: return "usage";
    case Category::internal: return "internal";
    case Category::stopped: return "stopped";
  }
  return "internal";
}

std::string_view text_of(Origin origin) {
  switch (origin) {
    case Origin::exact: return "exact";
    case Origin::generated: return "generated";
    case Origin::deferred: return "deferred";
    case Origin::defaulted: return "defaulted";
  }
  return "exact";
}

json::object subject_json(const Subject& subject) {
  return {{"primitive", subject.primitive}, {"kind", subject.kind}, {"name", subject.name}};
}

json::object field_json(const FieldChange& field) {
  json::object made{{"path", field.path}, {"origin", text_of(field.origin)}};
  made["before"] = field.before.empty() ? json::value(nullptr) : json::value(field.before);
  made["after"] = field.after.empty() ? json::value(nullptr) : json::value(field.after);
  return made;
}

void indent(const json::value& value, std::string& text, std::size_t depth) {
  const std::string space((depth + 1) * 2, ' '), outer(depth * 2, ' ');
  if (const auto* object = value.if_object(); object && !object->empty()) {
    text += "{\n";
    for (auto it = object->begin(); it != object->end(); ++it) {
      text += space + json::serialize(json::string(it->key())) + ": ";
      indent(it->value(), text, depth + 1);
      text += std::next(it) == object->end() ? "\n" : ",\n";
    }
    text += outer + "}";
  } else if (const auto* array = value.if_array(); array && !array->empty()) {
    text += "[\n";
    for (auto it = array->begin(); it != array->end(); ++it) {
      text += space;
      indent(*it, text, depth + 1);
      text += std::next(it) == array->end() ? "\n" : ",\n";
    }
    text += outer + "]";
  } else if (const auto* number = value.if_double()) {
    text += fmt::format("{}", *number);
  } else {
    text += json::serialize(value);
  }
}

}  // namespace

std::int64_t milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::round<std::chrono::milliseconds>(time).count();
}

json::object to_json(const Diagnostic& error) {
  json::object made{{"code", error.code}, {"category", text_of(error.category)}, {"message", error.message}};
  if (!error.subject.empty()) made["subject"] = error.subject;
  if (!error.trail.empty()) {
    if (error.trail.back().at.line() != 0) {
      made["location"] = place(error.trail.back().at);
      made["label"] = error.label.empty() ? "run here" : error.label;
    }
    auto& trail = made["trail"].emplace_array();
    for (const Frame& frame : error.trail) {
      json::object entry = place(frame.at);
      entry["name"] = frame.name;
      trail.push_back(std::move(entry));
    }
  }
  auto& facts = made["facts"].emplace_array();
  for (const auto& [key, value] : error.facts) facts.push_back({{"key", key}, {"value", value}});
  made["log"] = strings(error.log);
  made["notes"] = strings(error.notes);
  made["help"] = error.help;
  return made;
}

json::array to_json(const std::vector<Diagnostic>& errors) { return array_of(errors); }

json::object to_json(const Change& change) {
  json::object made{{"subject", subject_json(change.subject)},
                    {"action", to_string(change.action)},
                    {"fidelity", to_string(change.fidelity)}};
  auto& fields = made["fields"].emplace_array();
  for (const FieldChange& field : change.fields) fields.push_back(field_json(field));
  made["before"] = change.before;
  made["after"] = change.after;
  made["effect"] = change.effect;
  made["reason"] = change.reason;
  made["identity"] = change.identity;
  made["holds_data"] = change.holds_data;
  made["loses_data"] = change.loses_data;
  made["shared"] = change.shared;
  return made;
}

json::object to_json(const StepOutcome& step) {
  return {{"kind", step.kind},
          {"name", step.name},
          {"detail", step.detail},
          {"score", step.score_path},
          {"action", to_string(step.action)},
          {"fidelity", to_string(step.fidelity)},
          {"effect", step.effect},
          {"loses_data", step.loses_data},
          {"failed", step.failed},
          {"changes", array_of(step.changes)}};
}

json::object to_json(const Outcome& outcome) {
  return {{"steps", array_of(outcome.steps)}, {"notes", notes_of(outcome.notes)}};
}

json::object to_json(const LedgerEntry& entry) {
  constexpr std::string_view states[] = {"intended", "owned", "kept"};
  return {{"subject", subject_json(entry.subject)},
          {"state", states[static_cast<std::size_t>(entry.state)]},
          {"identity", entry.identity},
          {"step_kind", entry.step_kind},
          {"step_name", entry.step_name},
          {"score", entry.score_path},
          {"holds_data", entry.holds_data},
          {"shared", entry.shared}};
}

json::object to_json(const RunRecord& run) {
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
          {"smoke_tested", run.smoke_tested},
          {"settings", object_of(run.given.settings)},
          {"options", object_of(run.given.options)},
          {"notes", notes_of(run.notes)}};
}

json::object to_json(const SmokeResult& result) {
  return {{"name", result.name},
          {"score", result.score_path},
          {"checks", result.checks},
          {"passed", result.passed},
          {"took_ms", milliseconds(result.took)}};
}

json::object counts_json(const Outcome& outcome) {
  const PlanCounts counts = count_steps(outcome);
  return {{"create", counts.create}, {"change", counts.update},   {"replace", counts.replace},
          {"delete", counts.remove}, {"unknown", counts.unknown}, {"unchanged", counts.unchanged}};
}

json::object to_json(const Plan& plan) {
  json::object made{{"deployment", plan.deployment}, {"topology", plan.topology}, {"root", plan.root}};
  made["settings"] = object_of(plan.given.settings);
  made["options"] = object_of(plan.given.options);
  const std::optional<Given>& before = plan.given_before;
  made["settings_before"] = before ? json::value(object_of(before->settings)) : json::value(nullptr);
  made["options_before"] = before ? json::value(object_of(before->options)) : json::value(nullptr);
  if (plan.errors.empty()) made["changes_pending"] = !plan.outcome.empty() || plan.settles;
  else made["changes_pending"] = nullptr;  // nobody knows
  made["counts"] = counts_json(plan.outcome);
  const json::object outcome = to_json(plan.outcome);
  for (const auto& [key, value] : outcome) made[key] = value;
  auto& tests = made["smoke_tests"].emplace_array();
  for (const PlannedSmokeTest& test : plan.smoke_tests)
    tests.push_back({{"name", test.name}, {"score", test.score_path}});
  made["kept"] = array_of(plan.kept);
  made["unfinished"] = plan.unfinished ? json::value(to_json(*plan.unfinished)) : json::value(nullptr);
  made["settles"] = plan.settles;
  made["other_fingerprint_key"] = plan.other_key;
  made["errors"] = to_json(plan.errors);
  made["took_ms"] = milliseconds(plan.took);
  return made;
}

json::value redacted(json::value value, const Redact& redact) {
  if (auto* text = value.if_string()) *text = valid_utf8(redact ? redact(*text) : std::string(*text));
  else if (auto* array = value.if_array())
    for (auto& element : *array) element = redacted(std::move(element), redact);
  else if (auto* object = value.if_object())
    for (auto& [key, element] : *object) element = redacted(std::move(element), redact);
  return value;
}

std::string one_line(const json::value& value) { return harmless_json(json::serialize(value) + "\n"); }

std::string pretty(const json::value& value) {
  std::string text;
  indent(value, text, 0);
  return harmless_json(text + "\n");
}

}  // namespace harmony::cli
