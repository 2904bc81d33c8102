#include "harmony/outcome.hpp"

#include <algorithm>
#include <map>

#include "harmony/node.hpp"

namespace harmony {

namespace {

bool changes_something(const Change& change) { return change.action != Action::unchanged; }

/// What people call it: the action of the part that decides, else of all parts together.
Action action_of(const std::vector<Change>& changes, const Subject& decides) {
  const auto any = [&](Action action) {
    return std::ranges::any_of(changes, [&](const Change& c) { return c.action == action; });
  };
  if (std::ranges::none_of(changes, changes_something)) return Action::unchanged;
  const auto deciding = std::ranges::find(changes, decides, &Change::subject);
  if (deciding != changes.end()) {
    if (deciding->action == Action::unchanged) return Action::update;
    const bool supersedes = deciding->action == Action::create && std::ranges::any_of(changes, [&](const Change& c) {
                              return c.action == Action::remove && c.subject.kind == decides.kind;
                            });
    return supersedes ? Action::update : deciding->action;
  }
  if (any(Action::replace)) return Action::replace;
  if (std::ranges::all_of(changes, [](const Change& c) { return c.action == Action::create; })) return Action::create;
  if (std::ranges::all_of(changes, [](const Change& c) { return c.action == Action::remove || !changes_something(c); }))
    return Action::remove;
  return Action::update;
}

}  // namespace

struct OutcomeBuilder {
  Outcome outcome;
  std::vector<Subject> decides;  ///< of each step

  void add(const Node& node) {
    std::lock_guard hold{node.mutex_};
    StepOutcome step{.kind = node.label_,
                     .name = node.name_,
                     .detail = node.detail_,
                     .score_path = node.path(),
                     .at = node.at_,
                     .failed = node.failed_};
    for (const auto& item : node.items_) {
      if (const auto* change = std::get_if<Change>(&item)) step.changes.push_back(*change);
      else if (const auto* note = std::get_if<Note>(&item)) outcome.notes.push_back(*note);
    }
    if (!step.changes.empty()) {
      outcome.steps.push_back(std::move(step));
      decides.push_back(node.decides_);
    }
    for (const auto& item : node.items_)
      if (const auto* child = std::get_if<std::unique_ptr<Node>>(&item)) add(**child);
  }

  /// Of two that touched one subject, whoever came first in time did it; in the report the first in the tree did.
  void first_in_tree() {
    std::map<Subject, Change*> first;
    for (auto& step : outcome.steps)
      for (auto& change : step.changes) {
        const auto [known, fresh] = first.emplace(change.subject, &change);
        if (!fresh && known->second->action == Action::unchanged && changes_something(change))
          std::swap(*known->second, change);
      }
  }

  void sum_up() {
    for (std::size_t i = 0; i < outcome.steps.size(); ++i) {
      StepOutcome& step = outcome.steps[i];
      step.action = action_of(step.changes, decides[i]);
      for (const Change& change : step.changes) {
        if (change.fidelity == Fidelity::unknown)
          step.fidelity = Fidelity::unknown;  // also where nothing is known to change
        if (!changes_something(change)) continue;
        step.fidelity = std::max(step.fidelity, change.fidelity);
        step.loses_data = step.loses_data || change.loses_data;
        // What is shared is another's story, and a part that makes room for its successor is none of the whole.
        const bool makes_room = change.action == Action::remove && step.action != Action::remove && !change.loses_data;
        const bool tells = !change.effect.empty() && !change.shared && !makes_room;
        if (tells && (step.effect.empty() || change.subject == decides[i])) step.effect = change.effect;
      }
    }
  }
};

Outcome Node::outcome() const {
  OutcomeBuilder builder;
  builder.add(*this);
  builder.first_in_tree();
  builder.sum_up();
  return std::move(builder.outcome);
}

int Outcome::count(Action action) const {
  return static_cast<int>(std::ranges::count(steps, action, &StepOutcome::action));
}

bool Outcome::empty() const {
  return std::ranges::all_of(steps, [](const StepOutcome& step) {
    return step.action == Action::unchanged && step.fidelity != Fidelity::unknown;
  });
}

std::vector<Change> Outcome::changes() const {
  std::vector<Change> all;
  for (const auto& step : steps) all.insert(all.end(), step.changes.begin(), step.changes.end());
  return all;
}

const Change* Outcome::find(const Subject& subject) const {
  const Change* found = nullptr;
  for (const auto& step : steps)
    for (const auto& change : step.changes)
      if (change.subject == subject && (!found || !changes_something(*found))) found = &change;
  return found;
}

}  // namespace harmony
