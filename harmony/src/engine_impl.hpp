#pragma once
/// The engine's inside: one struct, its verbs in a file each (rehearse, deploy, smoke_tests, destroy).
#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include <fmt/format.h>

#include "harmony/engine.hpp"
#include "run.hpp"

namespace harmony {

using Clock = std::chrono::steady_clock;

std::string now_text();                                   ///< RFC 3339, UTC
std::string fresh_run_id();
Primitive* primitive_of(Topology&, const LedgerEntry&);   ///< @throws Error H0304
Node* find_step(const Node& below, const std::string& kind, const std::string& name);
/// The step that an entry was made in, made anew at the root where the tree has none.
Node& step_of(Node& root, const LedgerEntry&);
/// Data that stays: what works on it is brought to rest.
void rest(Topology&, Run&, Node& root, std::stop_token, const LedgerEntry&);

/// Score paths below which an attempt failed: nothing there is swept, nothing is missed.
std::vector<std::string> spared_paths(const Node& root);
bool lies_below(const std::string& score_path, const std::vector<std::string>& paths);

/// "1 -> 2", and "(none)" for what is not there.
std::string sides_of(const FieldChange&);

/// The deployment's alone, and there.
bool is_owned(const LedgerEntry&);
/// Something is deployed, and nothing of it below this root.
bool owned_by_another(const LedgerState&, const Node& root);

/// What a run left untouched, newest first, and what becomes of it.
struct Leftovers {
  std::vector<LedgerEntry> go, stay;
  std::vector<LedgerEntry> never_made;  ///< intended by a run that was killed before: only the ledger knows of them
};
Leftovers leftovers(const LedgerState&, const Run&, const Node& root);

/// Warnings for the end of a deploy, where nobody may have read its plan: data that the ledger knew and that was gone, or
/// another, when it began.
std::vector<Note> notes_of_lost_data(const Outcome& done, const LedgerState& before);

struct Engine::Impl {
  Program program;
  std::shared_ptr<Topology> topology;
  EngineOptions options;
  std::stop_token stop;
  Events events;
  Redactor redactor;

  /// The world of the last rehearsal: its smoke tests still point into it.
  struct Rehearsed {
    Rehearsal rehearsal;
    std::shared_ptr<Topology> twin;
    Node root;
    RehearsedRun run;
    Rehearsed(const Program& program, RunServices services)
        : root(nullptr, Node::Kind::score, program.kind, program.name, program.at), run(std::move(services)) {}
  };
  std::unique_ptr<Rehearsed> rehearsed;
  std::vector<std::unique_ptr<Node>> roots;

  Impl(Program p, std::shared_ptr<Topology> t, EngineOptions o, std::stop_token s)
      : program(std::move(p)), topology(std::move(t)), options(std::move(o)), stop(std::move(s)) {
    for (Observer* observer : program.observers) events.subscribe(*observer);
  }

  std::string run_id = fresh_run_id();
  RunServices services() {
    return {options.deployment, run_id, options.who, options.verb, &topology->fingerprinter(), &events, &redactor};
  }
  /// The same text, by the fingerprint key there is now.
  std::string key_mark() const { return topology->fingerprinter().of("which key this is"); }
  Node& fresh_root() {
    return *roots.emplace_back(
        std::make_unique<Node>(nullptr, Node::Kind::score, program.kind, program.name, program.at));
  }

  /// Frames one phase with its events.
  template <class F>
  void phase(Phase which, F&& body) {
    const auto start = Clock::now();
    events.emit({.kind = Event::Kind::phase_started, .phase = which});
    const auto ended = [&](bool failed) {
      events.emit(
          {.kind = Event::Kind::phase_finished, .phase = which, .took = Clock::now() - start, .failed = failed});
    };
    bool good = true;
    try {
      if constexpr (std::is_same_v<std::invoke_result_t<F>, bool>) good = body();  // one that collects its errors
      else body();
    } catch (...) {
      ended(true);
      throw;
    }
    ended(!good);
  }

  Plan rehearse();
  void rehearse_prune(Plan&);
  void reach();
  LedgerState require_ledger(Scope&);
  void warn_of_lost_ledger();
  void recall(Topology& where, Leftovers&);
  bool moved(const ReadSet&);
  void apply(RealRun&, const Plan&, Node& root, Report&);
  void prune(RealRun&, const Plan&, Node& root);
  /// Does with leftovers as they are sorted, each in its step of the tree.
  void sweep(RealRun&, const Leftovers&, Node& root);
  void smoke_tests(const std::vector<QueuedSmokeTest>&, Report&);
  void smoke_test(const QueuedSmokeTest&, Report&);
  Plan settle_plan(const Plan* saved, const Plan& first, bool other_world, const Engine::Approve&);
  void deploy(const Plan* saved, const Engine::Approve&, Report&);
  void deploy_under_lock(const Plan&, Report&);
  RunRecord record_of_deploy(int planned, const LedgerState& before);
  void note_failure(Report&);
  void destroy(bool delete_data, const Engine::ApproveDestroy&, Report&);
  void destroy_under_lock(const Leftovers&, Report&);

  /// The end of a run, into the ledger. Where that fails after something else has, it is told as a part of that.
  void finish_run(const RunRecord&, Report&);

  /// Runs a verb to its report; whatever it throws becomes one of the report's errors.
  template <class F>
  Report report(F&& verb) {
    Report made;
    const auto start = Clock::now();
    events.emit({.kind = Event::Kind::run_started, .text = options.verb});
    try {
      verb(made);
    } catch (Error& error) {
      const auto known = [&](const Diagnostic& d) {
        return d.code == error.data().code && d.message == error.data().message;
      };
      if (std::ranges::none_of(made.errors, known)) made.errors.push_back(error.data());
    } catch (const std::exception& error) {
      made.errors.push_back(InternalError{fmt::format("unexpected: {}", error.what())}.data());
    }
    made.took = Clock::now() - start;
    events.emit({.kind = Event::Kind::run_finished, .text = options.verb, .took = made.took, .failed = !made.ok()});
    return made;
  }
};

}  // namespace harmony
