#include <algorithm>

#include <fmt/format.h>

#include "run.hpp"

namespace harmony {

LedgerEntry entry_of(const Scope& at, const Change& change) {
  const Node& node = at.node();
  const bool step = node.kind() == Node::Kind::step;
  return {.subject = change.subject,
          .state = LedgerEntry::State::intended,
          .identity = change.identity,
          .step_kind = step ? node.label() : change.subject.kind,
          .step_name = step ? node.name() : change.subject.name,
          .score_path = node.path(),
          .holds_data = change.holds_data,
          .shared = change.shared};
}

RealRun::RealRun(RunServices services, Ledger& ledger, const Plan* plan, int fail_at_write)
    : ReadingRun(std::move(services)),
      ledger_(ledger),
      plan_(plan),
      fail_at_write_(fail_at_write),
      known_(ledger.read()) {
  if (!plan_) return;
  planned_paths_ = paths_of(plan_->outcome);
  for (Change& change : plan_->outcome.changes()) {
    auto& slot = planned_[change.subject];
    if (slot.action == Action::unchanged) slot = std::move(change);
  }
}

void RealRun::admit(const Change& change) const {
  if (!plan_ || change.action == Action::unchanged) return;
  const auto planned = planned_.find(change.subject);
  if (planned != planned_.end() && fits(planned->second, change)) return;
  Diagnostic wrong{.code = "H0302",
                   .message = fmt::format("about to {} `{}`, which the plan does not say", to_string(change.action),
                                          change.subject.text()),
                   .subject = change.subject.text(),
                   .notes = {"nothing of this change was written"},
                   .help = "deploy again: the new plan starts from what is there now"};
  wrong.facts.emplace_back("planned",
                           planned == planned_.end() ? "nothing" : std::string(to_string(planned->second.action)));
  if (planned != planned_.end())
    for (const auto& field : planned->second.fields)
      wrong.facts.emplace_back("planned field", fmt::format("{}: {} -> {}", field.path, field.before, field.after));
  for (const auto& field : change.fields)
    wrong.facts.emplace_back("found field", fmt::format("{}: {} -> {}", field.path, field.before, field.after));
  throw Error(std::move(wrong));
}

Change RealRun::change(const Scope& at, Change change, const std::function<Settled()>& act) {
  at.check();
  touch(change.subject);
  admit(change);
  if (change.action == Action::unchanged) settle_unchanged(at, change);
  else write(at, change, act);
  at.node().record(change);
  if (change.action != Action::unchanged)
    emit({.kind = Event::Kind::change_finished, .node = &at.node(), .change = &change});
  return change;
}

void RealRun::at_ledger(const Scope& at, const std::function<void()>& act) {
  std::lock_guard hold{ledger_mutex_};
  struct Telling {
    Ledger& ledger;
    ~Telling() { ledger.tell({}); }
  } telling{ledger_};
  ledger_.tell([&at](std::string_view reason) { at.waiting(reason); });
  act();
}

void RealRun::write(const Scope& at, const Change& change, const std::function<Settled()>& act) {
  if (++writes_ == fail_at_write_)
    throw Error({.code = "H0901",
                 .message = fmt::format("write {} fails, as the test asked", fail_at_write_),
                 .subject = change.subject.text()});
  LedgerEntry entry = entry_of(at, change);
  at_ledger(at, [&] {
    const auto* known = known_.find(change.subject);
    // What is known of it must not say less than what is about to be there ("without secrets").
    const bool says_less = known && !change.identity.empty() && known->identity != change.identity;
    if (change.action != Action::remove) {
      if (!known || says_less) ledger_.intend(entry);
    } else if (known && known->holds_data) {  // once it is about to go, nobody who finds it gone has lost it
      LedgerEntry leaving = *known;
      leaving.state = LedgerEntry::State::intended;
      ledger_.intend(leaving);
    }
  });
  emit({.kind = Event::Kind::change_started, .node = &at.node(), .change = &change});
  point("before " + change.subject.text());
  const auto failed = [&](const Diagnostic& error) {
    emit({.kind = Event::Kind::change_failed, .node = &at.node(), .change = &change, .error = &error});
  };
  try {
    const Settled settled = act();
    if (!settled.identity.empty()) entry.identity = settled.identity;
    point("written " + change.subject.text());
    entry.state = LedgerEntry::State::owned;
    at_ledger(at, [&] {
      if (change.action == Action::remove) {
        ledger_.forget(change.subject);
        removed_.insert(change.subject);
      } else {
        ledger_.settle(entry);
        finished_.insert(change.subject);
      }
    });
  } catch (Error& error) {
    failed(error.data());
    throw;
  } catch (const std::exception& error) {
    InternalError ours{fmt::format("unexpected: {}", error.what())};
    failed(ours.data());
    throw ours;
  }
  ++done_;
  point("settled " + change.subject.text());
}

ScorePaths paths_of(const Outcome& outcome, const std::vector<LedgerEntry>& pruned) {
  ScorePaths paths;
  for (const StepOutcome& step : outcome.steps)
    for (const Change& change : step.changes)
      if (std::ranges::find(pruned, change.subject, &LedgerEntry::subject) == pruned.end())
        paths[change.subject].insert(step.score_path);
  return paths;
}

bool has_moved(const LedgerEntry& entry, const ScorePaths& asked_for) {
  const auto paths = asked_for.find(entry.subject);
  return !entry.shared && paths != asked_for.end() && !paths->second.contains(entry.score_path);
}

void RealRun::settle_unchanged(const Scope& at, const Change& change) {
  at_ledger(at, [&] {
    const auto* known = known_.find(change.subject);
    if (change.shared && !known) return;
    if (finished_.contains(change.subject)) return;
    const bool is_same = known && (change.identity.empty() || change.identity == known->identity);
    if (is_same && known->state == LedgerEntry::State::owned && !has_moved(*known, planned_paths_)) return;
    LedgerEntry entry = entry_of(at, change);
    if (known && entry.identity.empty()) entry.identity = known->identity;
    entry.state = LedgerEntry::State::owned;
    ledger_.settle(entry);
    finished_.insert(change.subject);  // who touches it again is not who made it
  });
}

void RealRun::settle(LedgerEntry entry) {
  std::lock_guard hold{ledger_mutex_};
  ledger_.settle(entry);
}

void RealRun::forget(const Subject& subject) {
  std::lock_guard hold{ledger_mutex_};
  ledger_.forget(subject);
}

void RealRun::removed(const Subject& subject) {
  if (!touched(subject)) throw InternalError(fmt::format("{} was not removed by its primitive", subject.text()));
  std::lock_guard hold{ledger_mutex_};
  if (removed_.insert(subject).second) ledger_.forget(subject);
}

void RealRun::point(std::string_view where) {
  emit({.kind = Event::Kind::write_point, .text = where, .number = ++points_});
}

}  // namespace harmony
