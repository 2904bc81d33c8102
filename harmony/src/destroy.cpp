#include <algorithm>

#include "engine_impl.hpp"

namespace harmony {

namespace {
bool all_approved(const std::vector<LedgerEntry>& now, const std::vector<LedgerEntry>& approved) {
  return std::ranges::all_of(now, [&](const LedgerEntry& entry) {
    return std::ranges::find(approved, entry.subject, &LedgerEntry::subject) != approved.end();
  });
}
}  // namespace

void Engine::Impl::destroy(bool delete_data, const Engine::ApproveDestroy& approve, Report& report) {
  bool of_another = false;  // what was chosen last
  const auto choose = [&] {
    Leftovers chosen;
    const LedgerState ledger = topology->ledger().read();
    of_another = owned_by_another(ledger, fresh_root());
    for (const LedgerEntry& entry : ledger.entries) {
      if (entry.shared) continue;
      (entry.holds_data && !delete_data ? chosen.stay : chosen.go).push_back(entry);
    }
    std::ranges::reverse(chosen.go);
    recall(*topology, chosen);
    return chosen;
  };
  const auto ask = [&](const Leftovers& chosen) {
    const Approval answer = approve({chosen.go, chosen.stay, of_another});
    if (answer != Approval::yes)
      throw Error({.code = "H0501",
                   .category = Category::refused,
                   .message = answer == Approval::no ? "the destroy was not approved"
                                                     : "a destroy needs an approval, and nobody can be asked",
                   .help = answer == Approval::no ? "nothing was taken down" : "give --yes; nothing was taken down"});
  };
  reach();
  Leftovers chosen = choose();
  ReadingRun reading{services()};
  Scope at{reading, fresh_root(), stop};
  const LedgerState before = require_ledger(at);  // nothing that may hold data goes without its word
  // A destroy that was killed just before its end has left nothing but the folder, a deploy just after its begin as well.
  const bool only_folder = std::ranges::all_of(before.entries, &LedgerEntry::shared) &&
                           (topology->prepared() || (before.run && before.run->verb == "destroy"));
  // One that failed at bringing data to rest has taken down the rest already.
  const bool all_rests = std::ranges::all_of(
      chosen.stay, [](const LedgerEntry& entry) { return entry.state == LedgerEntry::State::kept; });
  if (chosen.go.empty() && all_rests && !before.unfinished() && !only_folder) return;
  topology->require_removable(at, chosen.go);
  if (!only_folder) phase(Phase::approve, [&] { ask(chosen); });
  std::unique_ptr<Lock> lock;
  phase(Phase::lock, [&] {
    topology->prepare(at);
    lock = topology->ledger().lock(at, options.lock_limit);
    if (lock->waited()) topology->prepare(at);  // a destroy that went before took it away again
    topology->recall(at);
  });
  Leftovers now = choose();
  if (!all_approved(now.go, chosen.go)) phase(Phase::approve, [&] { ask(now); });
  if (!only_folder || !now.go.empty()) phase(Phase::destroy, [&] { destroy_under_lock(now, report); });
  const auto rest = topology->ledger().read().entries;
  if (report.ok() && std::ranges::all_of(rest, &LedgerEntry::shared)) topology->clean_up(at);
}

void Engine::Impl::destroy_under_lock(const Leftovers& chosen, Report& report) {
  Ledger& ledger = topology->ledger();
  RunRecord record{.id = run_id,
                   .verb = "destroy",
                   .who = options.who,
                   .started = now_text(),
                   .planned = static_cast<int>(chosen.go.size()),
                   .key_mark = key_mark()};
  ledger.begin(record, {});
  report.changed_anything = true;
  RealRun run{services(), ledger, nullptr, options.fail_at_write};
  Node& root = fresh_root();
  run.point("began");
  try {
    const Scope whole{run, root, stop};
    detail::guarded(whole, [&] { sweep(run, chosen, root); });
  } catch (const Error& error) {
    report.errors = run.errors();
    if (report.errors.empty()) report.errors.push_back(error.data());
  }
  report.outcome = root.outcome();
  record.finished = now_text();
  record.done = run.done();
  record.failed = !report.ok();
  record.stopped = report.stopped();
  finish_run(record, report);
  run.point("finished");
}

}  // namespace harmony
