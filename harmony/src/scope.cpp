#include "harmony/scope.hpp"

#include <condition_variable>
#include <exception>

#include "run.hpp"

namespace harmony {

Change Scope::change(Change change, const std::function<Settled()>& act) const {
  return run_->change(*this, std::move(change), act);
}

Scope Scope::step(Step step) const {
  Node& added = node_->add_step(std::move(step));
  run_->emit({.kind = Event::Kind::step_started, .node = &added});
  Scope opened{*run_, added, stop_};
  const auto start = std::chrono::steady_clock::now();
  const int thrown = std::uncaught_exceptions();
  opened.end_ = std::shared_ptr<Node>(&added, [run = run_, start, thrown](Node* node) {
    const bool failed = std::uncaught_exceptions() > thrown;
    if (failed) node->set_failed();
    run->emit({.kind = Event::Kind::step_finished,
               .node = node,
               .took = std::chrono::steady_clock::now() - start,
               .failed = failed});
  });
  return opened;
}

void Scope::detail(std::string detail) const { node_->set_detail(std::move(detail)); }

void Scope::decides(Subject subject) const { node_->set_decides(std::move(subject)); }

void Scope::note(std::string label, std::string text) const {
  run_->emit({.kind = Event::Kind::note, .node = node_, .text = text});
  node_->record(Note{std::move(label), std::move(text)});
}

void Scope::until(const Wait& wait, const std::function<std::optional<std::string>()>& not_yet) const {
  (void)run_->until(*this, wait, not_yet);
}

bool Scope::until(PrimitiveKey, const Wait& wait, const std::function<std::optional<std::string>()>& not_yet) const {
  return run_->until(*this, wait, not_yet);
}

void Scope::waiting(std::string_view reason) const {
  run_->emit({.kind = Event::Kind::waiting, .node = node_, .text = reason});
}
void Scope::retried(std::string_view reason) const {
  run_->emit({.kind = Event::Kind::retried, .node = node_, .text = reason});
}
void Scope::point(std::string_view where) const { run_->point(where); }

void Scope::pause(std::chrono::milliseconds time) const {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock hold{mutex};
  never.wait_for(hold, stop_, time, [] { return false; });
  check();
}

void Scope::check() const {
  if (stop_.stop_requested()) throw Stopped();
}

std::unique_lock<std::mutex> Scope::hold(const Subject& subject) const {
  return std::unique_lock{run_->mutex_of(subject)};
}

const std::string& Scope::deployment() const { return run_->services().deployment; }
const std::string& Scope::run_id() const { return run_->services().run_id; }
const std::string& Scope::who() const { return run_->services().who; }
const std::string& Scope::verb() const { return run_->services().verb; }
bool Scope::rehearsed(PrimitiveKey) const { return run_->rehearsed(); }
const Fingerprinter& Scope::fingerprinter() const { return *run_->services().fingerprinter; }

void Scope::conceal(const Secret<std::string>& secret) const {
  run_->services().redactor->add(secret.reveal(), run_->services().fingerprinter->of(secret.reveal()));
}

}  // namespace harmony
