#include <algorithm>
#include <iterator>
#include <set>

#include "engine_impl.hpp"

namespace harmony {

namespace {
/// @throws StalePlan where there are any.
void expect_none(std::vector<std::string> different) {
  if (!different.empty()) throw StalePlan(std::move(different));
}
}  // namespace

/// The plan that goes ahead: the first one, unless the world moved before the lock was ours.
Plan Engine::Impl::settle_plan(const Plan* saved, const Plan& first, bool other_world, const Engine::Approve& approve) {
  if (!other_world && !moved(first.reads)) return first;
  Plan again = rehearse();
  if (!again.errors.empty()) throw Error(again.errors.front());
  auto different = differences(first, again);
  if (different.empty()) return again;
  if (saved) expect_none(std::move(different));
  const Approval answer = approve(again);
  if (answer != Approval::yes)
    throw Error({.code = "H0501",
                 .category = Category::refused,
                 .message = "the world moved while waiting for the lock, and the new plan was not approved",
                 .notes = std::move(different),
                 .help = "look at the new plan, and deploy again; nothing was written"});
  return again;
}

void Engine::Impl::deploy(const Plan* saved, const Engine::Approve& approve, Report& report) {
  // A saved plan without changes is held against a rehearsal: the smoke tests need one anyway, and a lock nobody.
  const bool nothing_saved = saved && saved->outcome.empty() && !saved->settles;
  Plan plan = saved && !nothing_saved ? *saved : rehearse();
  if (!plan.errors.empty()) {
    report.errors = plan.errors;
    return;
  }
  if (nothing_saved) expect_none(differences(*saved, plan));
  if ((!saved || nothing_saved) && plan.outcome.empty() && !plan.settles) {
    report.outcome = plan.outcome;
    smoke_tests(rehearsed->run.smoke_tests(), report);
    if (!report.ok()) note_failure(report);
    return;
  }
  if (!saved) {
    phase(Phase::approve, [&] {
      const Approval answer = approve(plan);
      if (answer == Approval::yes) return;
      throw Error({.code = "H0501",
                   .category = Category::refused,
                   .message = answer == Approval::no ? "the plan was not approved"
                                                     : "the plan needs an approval, and nobody can be asked",
                   .help = "look at the plan, then deploy with --yes, or save it with `plan --out FILE` and deploy "
                           "that; nothing was written"});
    });
  }
  std::unique_ptr<Lock> lock;
  ReadingRun reading{services()};
  Scope at{reading, fresh_root(), stop};
  phase(Phase::lock, [&] {
    const std::string planned_with = key_mark();
    topology->prepare(at);
    lock = topology->ledger().lock(at, options.lock_limit);
    if (lock->waited()) topology->prepare(at);  // a destroy that went before took it away again
    plan = settle_plan(saved, plan, lock->waited() || key_mark() != planned_with, approve);
  });
  deploy_under_lock(plan, report);
}

namespace {
/// What the ledger does not know yet or has only kept, in the order of making: also what is there already (a ledger that
/// was lost), so that it is swept in reverse of that. Behind it what comes after it, even where that was there before: a
/// server must be gone before its data and its password are, and its client before it.
std::vector<LedgerEntry> lined_up_by(const Plan& plan, const LedgerState& ledger) {
  std::vector<LedgerEntry> entries;
  std::set<Subject> seen;
  for (const StepOutcome& step : plan.outcome.steps)
    for (const Change& change : step.changes) {
      const bool nothing_of_ours = change.action == Action::unchanged && change.shared;
      if (nothing_of_ours || change.action == Action::remove || !seen.insert(change.subject).second) continue;
      if (const LedgerEntry* known = ledger.find(change.subject)) {
        if (known->state == LedgerEntry::State::kept || !entries.empty()) entries.push_back(*known);
        continue;
      }
      const bool named = step.kind != change.subject.kind || step.name != change.subject.name;
      entries.push_back({.subject = change.subject,
                         .identity = change.identity,
                         .step_kind = named ? step.kind : change.subject.kind,
                         .step_name = named ? step.name : change.subject.name,
                         .score_path = step.score_path,
                         .holds_data = change.holds_data,
                         .shared = change.shared});
    }
  return entries;
}
/// Planned and not done, as lines. What was planned as unknown may stay undone, and so may what an attempt left.
/// @param left data that no Score names any more: it is brought to rest later
std::vector<std::string> undone(const Plan& plan, const RealRun& run, const Node& root,
                                const std::vector<LedgerEntry>& left) {
  const auto spared = spared_paths(root);
  std::vector<std::string> lines;
  for (const StepOutcome& step : plan.outcome.steps)
    for (const Change& change : step.changes) {
      if (change.action == Action::unchanged || change.action == Action::remove || change.fidelity == Fidelity::unknown)
        continue;
      if (run.touched(change.subject) || lies_below(step.score_path, spared)) continue;
      if (std::ranges::find(left, change.subject, &LedgerEntry::subject) != left.end()) continue;
      lines.push_back(
          fmt::format("planned to {} {}, but no Score asked for it", to_string(change.action), change.subject.text()));
    }
  return lines;
}
int writes_in(const Plan& plan) {
  const auto changes = plan.outcome.changes();
  return static_cast<int>(
      std::ranges::count_if(changes, [](const Change& change) { return change.action != Action::unchanged; }));
}
}  // namespace

RunRecord Engine::Impl::record_of_deploy(int planned, const LedgerState& before) {
  RunRecord record{.id = run_id,
                   .verb = options.verb,
                   .who = options.who,
                   .version = program.version,
                   .started = now_text(),
                   .planned = planned,
                   .key_mark = key_mark(),
                   .given = program.given};
  for (auto* given : {&record.given.settings, &record.given.options})
    for (auto& [name, value] : *given) value = redactor.apply(value);
  // Until this deploy has ended well, what the last one told is what is known: the old version may serve on.
  if (before.run && before.run->verb == options.verb) record.notes = before.run->notes;
  return record;
}

namespace {
void tell_unnoted(Report& failed, const std::string& verb, const Error& why) {
  failed.errors.front().notes.push_back(
      fmt::format("the ledger does not say how this {} ended: {}", verb, why.data().message));
}
}  // namespace

/// A deploy with nothing to do writes nothing. Where its smoke tests fail, what the ledger says of the last one is no
/// longer true; who deploys at this moment will know better.
void Engine::Impl::note_failure(Report& report) {
  try {
    Ledger& ledger = topology->ledger();
    ReadingRun reading{services()};
    Scope at{reading, fresh_root(), {}};  // after a stop, too
    const auto lock = ledger.lock(at, std::chrono::milliseconds::zero());
    const LedgerState before = ledger.read();
    if (!before.run) return;
    RunRecord record = record_of_deploy(0, before);
    ledger.begin(record, {});
    record.finished = now_text();
    record.failed = true;
    record.stopped = report.stopped();
    ledger.finish(record);
  } catch (const Error& error) {
    tell_unnoted(report, options.verb, error);
  }
}

void Engine::Impl::deploy_under_lock(const Plan& plan, Report& report) {
  Ledger& ledger = topology->ledger();
  const LedgerState before = ledger.read();
  RunRecord record = record_of_deploy(writes_in(plan), before);
  ledger.begin(record, lined_up_by(plan, before));
  report.changed_anything = true;
  RealRun run{services(), ledger, &plan, options.fail_at_write};
  Node& root = fresh_root();
  run.point("began");
  const auto finish = [&] {
    record.finished = now_text();
    record.done = run.done();
    record.failed = !report.ok();
    record.stopped = report.stopped();
    record.smoke_tested = report.ok() && !program.unverified;
    if (report.ok()) {
      record.notes.clear();
      for (const Note& note : report.outcome.notes) record.notes.push_back({note.label, redactor.apply(note.text)});
    }
    finish_run(record, report);
    run.point("finished");
  };
  try {
    phase(Phase::apply, [&] { apply(run, plan, root, report); });
    phase(Phase::prune, [&] { prune(run, plan, root); });
    report.outcome = root.outcome();
    smoke_tests(run.smoke_tests(), report);
  } catch (const std::exception& error) {
    report.outcome = root.outcome();
    if (report.errors.empty()) report.errors = run.errors();
    const auto* ours = dynamic_cast<const Error*>(&error);
    if (report.errors.empty()) report.errors.push_back(ours ? ours->data() : InternalError{error.what()}.data());
    finish();
    return;
  }
  finish();
  // Not for the ledger: a later `status` tells of what is there.
  std::ranges::move(notes_of_lost_data(report.outcome, before), std::back_inserter(report.outcome.notes));
}

void Engine::Impl::finish_run(const RunRecord& record, Report& report) {
  try {
    topology->ledger().finish(record);
  } catch (const Error& error) {
    if (report.ok()) throw;
    tell_unnoted(report, record.verb, error);
  }
}

void Engine::Impl::apply(RealRun& run, const Plan& plan, Node& root, Report& report) {
  Scope at{run, root, stop};
  detail::guarded(at, [&] {
    topology->ground(at);
    program.interpret(at, *topology);
    if (run.failed()) return;
    const auto left = leftovers(topology->ledger().read(), run, root).stay;
    if (auto missing = undone(plan, run, root, left); !missing.empty())
      throw Error({.code = "H0302",
                   .message = "the deploy did not do all that its plan says",
                   .notes = std::move(missing),
                   .help = "deploy again: the new plan starts from what is there now"});
  });
  report.errors = run.errors();  // one that a Score swallowed fails the deploy all the same
  if (!report.errors.empty()) throw Error(report.errors.front());
}

void Engine::Impl::prune(RealRun& run, const Plan& plan, Node& root) {
  auto left = leftovers(topology->ledger().read(), run, root);
  recall(*topology, left);
  // An attempt that failed in the rehearsal and works now may leave more than was planned: the next plan says so.
  std::erase_if(left.go, [&](const LedgerEntry& entry) { return !plan.outcome.find(entry.subject); });
  std::erase_if(left.stay, [](const LedgerEntry& entry) { return entry.state == LedgerEntry::State::kept; });
  sweep(run, left, root);
}

void Engine::Impl::sweep(RealRun& run, const Leftovers& left, Node& root) {
  for (const LedgerEntry& entry : left.go) {
    Node& step = step_of(root, entry);
    Scope at{run, step, stop};
    try {
      primitive_of(*topology, entry)->remove(at, entry);
    } catch (...) {
      step.set_failed();
      step.record(Change{.subject = entry.subject});  // it may have been told to go; that it went is not known
      throw;
    }
    run.removed(entry.subject);
  }
  for (const LedgerEntry& entry : left.never_made) run.forget(entry.subject);
  for (LedgerEntry entry : left.stay) {
    rest(*topology, run, root, stop, entry);
    entry.state = LedgerEntry::State::kept;
    run.settle(entry);
  }
}

}  // namespace harmony
