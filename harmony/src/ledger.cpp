#include "harmony/ledger.hpp"

#include <algorithm>

namespace harmony {

std::string Given::text() const {
  std::string text;
  for (const auto& [name, value] : settings) text += (text.empty() ? "" : ", ") + name + "=" + value;
  for (const auto& [name, value] : options) text += (text.empty() ? "--" : ", --") + name + "=" + value;
  return text;
}

const LedgerEntry* LedgerState::find(const Subject& subject) const {
  const auto found = std::ranges::find(entries, subject, &LedgerEntry::subject);
  return found == entries.end() ? nullptr : &*found;
}

bool LedgerState::only_kept(const LedgerEntry& entry) const {
  if (entry.state == LedgerEntry::State::kept) return true;
  const bool half_destroyed = run && run->verb == "destroy" && ended_badly();
  return half_destroyed && entry.holds_data && !entry.shared;
}

void LedgerState::put(LedgerEntry entry) {
  const auto known = std::ranges::find(entries, entry.subject, &LedgerEntry::subject);
  if (known == entries.end()) {
    entry.sequence = entries.empty() ? 1 : entries.back().sequence + 1;
    entries.push_back(std::move(entry));
  } else {
    entry.sequence = known->sequence;
    *known = std::move(entry);
  }
}

void LedgerState::line_up(const std::vector<LedgerEntry>& in_order) {
  for (const LedgerEntry& entry : in_order) {
    std::erase_if(entries, [&](const LedgerEntry& known) { return known.subject == entry.subject; });
    put(entry);
  }
}

}  // namespace harmony
