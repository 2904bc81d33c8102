#include "harmony/change.hpp"

#include <algorithm>

#include "harmony/event.hpp"
#include "harmony/primitive.hpp"

namespace harmony {

std::string_view to_string(Action action) {
  switch (action) {
    case Action::unchanged: return "unchanged";
    case Action::create: return "create";
    case Action::update: return "update";
    case Action::replace: return "replace";
    case Action::remove: return "delete";
  }
  return "?";
}

std::string_view to_string(Fidelity fidelity) {
  switch (fidelity) {
    case Fidelity::exact: return "exact";
    case Fidelity::server: return "server";
    case Fidelity::shadow: return "shadow";
    case Fidelity::schema: return "schema";
    case Fidelity::unknown: return "unknown";
  }
  return "?";
}

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::rehearse: return "rehearse";
    case Phase::approve: return "approve";
    case Phase::lock: return "lock";
    case Phase::apply: return "apply";
    case Phase::prune: return "prune";
    case Phase::smoke_test: return "smoke_test";
    case Phase::destroy: return "destroy";
  }
  return "?";
}

std::string_view to_string(Event::Kind kind) {
  switch (kind) {
    case Event::Kind::run_started: return "run_started";
    case Event::Kind::run_finished: return "run_finished";
    case Event::Kind::phase_started: return "phase_started";
    case Event::Kind::phase_finished: return "phase_finished";
    case Event::Kind::score_started: return "score_started";
    case Event::Kind::score_finished: return "score_finished";
    case Event::Kind::score_failed: return "score_failed";
    case Event::Kind::score_stopped: return "score_stopped";
    case Event::Kind::step_started: return "step_started";
    case Event::Kind::step_finished: return "step_finished";
    case Event::Kind::change_started: return "change_started";
    case Event::Kind::change_finished: return "change_finished";
    case Event::Kind::change_failed: return "change_failed";
    case Event::Kind::waiting: return "waiting";
    case Event::Kind::retried: return "retried";
    case Event::Kind::note: return "note";
    case Event::Kind::smoke_test_started: return "smoke_test_started";
    case Event::Kind::smoke_test_passed: return "smoke_test_passed";
    case Event::Kind::smoke_test_failed: return "smoke_test_failed";
    case Event::Kind::write_point: return "write_point";
  }
  return "?";
}

std::string_view to_string(Observation::Health health) {
  switch (health) {
    case Observation::Health::ok: return "ok";
    case Observation::Health::starting: return "starting";
    case Observation::Health::degraded: return "degraded";
    case Observation::Health::down: return "down";
    case Observation::Health::missing: return "missing";
    case Observation::Health::unknown: return "unknown";
  }
  return "?";
}

namespace {
bool same_field(const FieldChange& planned, const FieldChange& done) {
  if (planned.path != done.path) return false;
  // What is made or filled in during the deploy could not be known before it.
  if (planned.origin != Origin::exact || done.origin != Origin::exact) return true;
  return planned.after == done.after;
}

/// What the deploy was to tell may turn out as it is already; everything else is as planned, and nothing beside it.
bool same_fields(const Change& planned, const Change& done) {
  auto open = planned.fields;
  for (const FieldChange& field : done.fields) {
    const auto found = std::ranges::find_if(open, [&](const FieldChange& one) { return same_field(one, field); });
    if (found == open.end()) return false;
    open.erase(found);
  }
  return std::ranges::all_of(open, [](const FieldChange& field) { return field.origin == Origin::deferred; });
}
}  // namespace

bool fits(const Change& planned, const Change& done) {
  if (planned.subject != done.subject) return false;
  if (done.action == Action::unchanged) return true;  // somebody was faster; the run checks at its end what is missing
  if (planned.fidelity == Fidelity::unknown) return done.action == Action::create || done.action == Action::update;
  return planned.action == done.action && same_fields(planned, done);
}

}  // namespace harmony
