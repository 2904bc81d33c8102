#pragma once
/// Ledgers to test with, and their state as text to compare.
#include <algorithm>
#include <string>
#include <vector>

#include "harmony/ledger.hpp"

namespace harmony::testing {

inline LedgerEntry entry(const std::string& name, LedgerEntry::State state = LedgerEntry::State::intended,
                         const std::string& identity = {}) {
  return {.subject = {"host", "process", name},
          .state = state,
          .identity = identity,
          .step_kind = "database server",
          .step_name = name,
          .score_path = "guestbook > " + name,
          .holds_data = name == "data"};
}
inline RunRecord run(const std::string& id, const std::string& finished = {}) {
  return {.id = id,
          .verb = "deploy",
          .who = "tester@here",
          .started = "2026-11-23T10:00:00Z",
          .finished = finished,
          .planned = 4};
}

inline std::string text(const LedgerEntry& entry, bool with_sequence = true) {
  return entry.subject.text() + " " + std::to_string(static_cast<int>(entry.state)) + " " + entry.identity + " " +
         entry.step_kind + " " + entry.step_name + " " + entry.score_path + (entry.holds_data ? " data" : "") +
         (entry.shared ? " shared" : "") + (with_sequence ? " " + std::to_string(entry.sequence) : "");
}
inline std::string text(const LedgerState& state) {
  std::string all;
  if (state.run)
    all += state.run->id + " " + state.run->finished + " " + std::to_string(state.run->done) +
           (state.run->failed ? " failed" : "") + (state.run->stopped ? " stopped" : "") +
           (state.run->key_mark.empty() ? "" : " key " + state.run->key_mark) +
           (state.run->version.empty() ? "" : " version " + state.run->version);
  all += "\nlast " + state.last_success;
  for (const LedgerEntry& each : state.entries) all += "\n" + text(each);
  return all;
}
/// What is owned, whatever the order in which it came about.
inline std::string owned(const LedgerState& state) {
  std::vector<std::string> lines;
  for (const LedgerEntry& each : state.entries) lines.push_back(text(each, false));
  std::ranges::sort(lines);
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  return all;
}

}  // namespace harmony::testing
