#include <algorithm>
#include <set>

#include "engine_impl.hpp"

namespace harmony {

namespace {

/// It has the name of what was deployed, and is another: so is what is in it.
bool is_another(const Change& change, const LedgerEntry& entry) {
  return change.holds_data && change.action != Action::create && change.action != Action::remove &&
         entry.state == LedgerEntry::State::owned && !entry.identity.empty() && !change.identity.empty() &&
         entry.identity != change.identity;
}

std::vector<Note> notes_of_other_data(const Outcome& outcome, const LedgerState& ledger) {
  std::vector<Note> notes;
  for (const StepOutcome& step : outcome.steps)
    for (const Change& change : step.changes)
      if (const LedgerEntry* entry = ledger.find(change.subject); entry && is_another(change, *entry))
        notes.push_back({"warning", fmt::format("{} is another one than was deployed: the data of that is lost, or "
                                                "somewhere else",
                                                change.subject.text())});
  return notes;
}

bool was_there(const Change& change, const LedgerState& ledger) {
  const LedgerEntry* entry = ledger.find(change.subject);
  return change.holds_data && entry && entry->state != LedgerEntry::State::intended;
}

/// That it is made once more says nothing of what was in it.
void name_lost_data(Outcome& outcome, const LedgerState& ledger) {
  for (StepOutcome& step : outcome.steps)
    for (Change& change : step.changes)
      if (change.action == Action::create && change.reason.empty() && was_there(change, ledger))
        change.reason = "it was deployed, and is gone: its data is lost, or somewhere else";
}

/// A deployment of this name is there, and its root is another one. Renamed parts of one application are none of this.
bool another_has_its_name(const LedgerState& ledger, const Run& run, const Node& root) {
  return owned_by_another(ledger, root) && std::ranges::none_of(ledger.entries, [&](const LedgerEntry& entry) {
           return is_owned(entry) && run.touched(entry.subject);
         });
}
}  // namespace

std::vector<Note> notes_of_lost_data(const Outcome& done, const LedgerState& ledger) {
  std::vector<Note> notes = notes_of_other_data(done, ledger);
  for (const StepOutcome& step : done.steps)
    for (const Change& change : step.changes)
      if (change.action == Action::create && was_there(change, ledger))
        notes.push_back({"warning", fmt::format("{} was gone, and is made anew: what was in it is lost, or somewhere "
                                                "else",
                                                change.subject.text())});
  return notes;
}

Plan Engine::Impl::rehearse() {
  const auto start = Clock::now();
  Plan plan{.deployment = options.deployment,
            .topology = topology->label(),
            .root = program.kind + " " + program.name,
            .given = program.given};
  phase(Phase::rehearse, [&] {
    try {
      reach();
      (void)topology->ledger().read();  // one that cannot be read is no Score's mistake, and told once
    } catch (const Error& error) {
      plan.errors = {error.data()};
      return false;
    }
    rehearsed = std::make_unique<Rehearsed>(program, services());
    Scope at{rehearsed->run, rehearsed->root, stop};
    try {
      rehearsed->twin = topology->rehearsed(rehearsed->rehearsal);
      detail::guarded(at, [&] {
        rehearsed->twin->ground(at);
        program.interpret(at, *rehearsed->twin);
      });
      if (!rehearsed->run.failed()) rehearse_prune(plan);
    } catch (const Stopped&) {
      throw;
    } catch (Error& error) {
      rehearsed->run.fail(rehearsed->root, error);
    }
    plan.errors = rehearsed->run.errors();
    plan.outcome = rehearsed->root.outcome();
    name_lost_data(plan.outcome, topology->ledger().read());
    plan.reads = rehearsed->rehearsal.read_set();
    for (const auto& test : rehearsed->run.smoke_tests()) plan.smoke_tests.push_back({test.name, test.node->path()});
    return plan.errors.empty();
  });
  plan.took = Clock::now() - start;
  return plan;
}

/// Its fingerprint key is gone with it, or was not kept by anybody: why the plan is as long as it is.
void Engine::Impl::warn_of_lost_ledger() {
  Scope at{rehearsed->run, rehearsed->root, stop};
  const std::string what = topology->unclaimed(at);
  if (what.empty()) return;
  rehearsed->root.record(
      Note{"warning", fmt::format("deployment `{}` is there, but its ledger is gone. A deploy takes over what "
                                  "its Scores name; secrets, and what carries one, may show as changed once. "
                                  "There: {}",
                                  options.deployment, what)});
}

void Engine::Impl::rehearse_prune(Plan& plan) {
  const LedgerState ledger = topology->ledger().read();
  if (ledger.unfinished()) plan.unfinished = ledger.run;
  plan.of_another = another_has_its_name(ledger, rehearsed->run, rehearsed->root);  // before what goes is touched, too
  auto left = leftovers(ledger, rehearsed->run, rehearsed->root);
  recall(*rehearsed->twin, left);
  for (const LedgerEntry& entry : left.go) {
    Scope at{rehearsed->run, step_of(rehearsed->root, entry), stop};
    primitive_of(*rehearsed->twin, entry)->remove(at, entry);
  }
  const Outcome outcome = rehearsed->root.outcome();
  const auto is_gone = [&](const LedgerEntry& entry) {
    const Change* removal = outcome.find(entry.subject);
    return removal && removal->action == Action::unchanged;
  };
  const bool nothing_ours = std::ranges::all_of(ledger.entries, &LedgerEntry::shared);  // a destroy took its key along
  plan.other_key = ledger.run && !nothing_ours && !ledger.run->key_mark.empty() && ledger.run->key_mark != key_mark();
  if (ledger.run && !nothing_ours && ledger.run->verb == "deploy" && ledger.run->given != program.given)
    plan.given_before = ledger.run->given;
  if (!ledger.run && ledger.entries.empty()) warn_of_lost_ledger();
  const std::vector<Note> of_other_data = notes_of_other_data(outcome, ledger);
  for (const Note& note : of_other_data) rehearsed->root.record(note);
  // What a destroy has left looks like new in the plan's steps.
  std::set<std::string> taken_up;
  for (const LedgerEntry& entry : ledger.entries)
    if (entry.state == LedgerEntry::State::kept && rehearsed->run.touched(entry.subject) &&
        taken_up.insert(entry.step()).second)
      rehearsed->root.record(Note{"taken up", entry.step()});
  if (plan.of_another)
    rehearsed->root.record(
        Note{"warning", fmt::format("nothing of what deployment `{}` has is of this application, and all "
                                    "of it goes: is --deployment right?",
                                    options.deployment)});
  const ScorePaths asked_for = paths_of(outcome, left.go);
  plan.kept = std::move(left.stay);
  using State = LedgerEntry::State;
  const auto spared = spared_paths(rehearsed->root);
  // One that failed or was stopped after its last change: what it has left undone is to say that it works.
  plan.settles = !of_other_data.empty() || ledger.ended_badly() || std::ranges::any_of(left.go, is_gone) ||
                 std::ranges::any_of(ledger.entries, [&](const LedgerEntry& entry) {
                   const bool touched = rehearsed->run.touched(entry.subject);
                   if (!touched && lies_below(entry.score_path, spared)) return false;
                   return entry.state == State::intended || has_moved(entry, asked_for) ||
                          (entry.state == State::kept && touched) ||
                          (entry.state == State::owned && entry.holds_data && !touched && !entry.shared);
                 });
  for (const LedgerEntry& entry : plan.kept)
    if (entry.state != State::kept) rest(*rehearsed->twin, rehearsed->run, rehearsed->root, stop, entry);
}

void Engine::Impl::recall(Topology& where, Leftovers& left) {
  const auto intended = [](const LedgerEntry& entry) { return entry.state == LedgerEntry::State::intended; };
  if (left.go.empty() && std::ranges::none_of(left.stay, intended)) return;
  ReadingRun run{services()};
  Scope at{run, fresh_root(), stop};
  where.recall(at);
  std::erase_if(
      left.stay, [&](const LedgerEntry& entry) {  // data that was never made is not kept: settled by reading back
        const bool missing =
            intended(entry) && primitive_of(where, entry)->observe(at, entry).health == Observation::Health::missing;
        if (missing) left.never_made.push_back(entry);
        return missing;
      });
}

bool Engine::Impl::moved(const ReadSet& reads) {
  ReadingRun run{services()};
  Scope at{run, fresh_root(), stop};
  topology->recall(at);
  return std::ranges::any_of(reads, [&](const ReadRecord& read) {
    LedgerEntry reader;
    reader.subject.primitive = read.primitive;
    return primitive_of(*topology, reader)->read_again(at, read.key) != read.fingerprint;
  });
}

}  // namespace harmony
