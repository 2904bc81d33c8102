#include "run.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace harmony {

void Run::emit(Event event) const {
  event.rehearsed = rehearsed();
  services_.events->emit(event);
}

void Run::fail(const Node& node, Error& error) {
  std::lock_guard hold{mutex_};
  for (const auto& [where, known] : failures_)
    if (&known.data() == &error.data()) return;  // already recorded further in
  if (error.data().trail.empty()) error.data().trail = node.trail();
  failures_.emplace_back(&node, error);
}

Note Run::of_failed_attempt(const Node& at, const Error& error) const {
  return {"failed", at.path() + " was allowed to fail, and did: " + error.data().message};
}

Note RehearsedRun::of_failed_attempt(const Node& at, const Error& error) const {
  return {"warning", at.path() + " would fail, and is allowed to: " + error.data().message};
}

void Run::forgive(const Node& below) {
  std::lock_guard hold{mutex_};
  std::erase_if(failures_, [&](const auto& failure) { return failure.first->within(below); });
}

namespace {
/// Places of all nodes in tree order, for sorting what happened in any order of time.
void number(const Node& node, std::map<const Node*, int>& places) {
  places.emplace(&node, static_cast<int>(places.size()));
  for (const Node* child : node.children()) number(*child, places);
}
std::map<const Node*, int> tree_order(const Node& any) {
  const Node* root = &any;
  while (root->parent()) root = root->parent();
  std::map<const Node*, int> places;
  number(*root, places);
  return places;
}
}  // namespace

std::vector<Diagnostic> Run::errors() const {
  std::lock_guard hold{mutex_};
  if (failures_.empty()) return {};
  auto places = tree_order(*failures_.front().first);
  auto sorted = failures_;
  std::ranges::stable_sort(sorted, {}, [&](const auto& failure) { return places[failure.first]; });
  std::vector<Diagnostic> all;
  for (const auto& [node, error] : sorted) all.push_back(error.data());
  return all;
}

bool Run::failed() const {
  std::lock_guard hold{mutex_};
  return !failures_.empty();
}

void Run::queue(QueuedSmokeTest test) {
  std::lock_guard hold{mutex_};
  smoke_tests_.push_back(std::move(test));
}

std::vector<QueuedSmokeTest> Run::smoke_tests() const {
  std::lock_guard hold{mutex_};
  if (smoke_tests_.empty()) return {};
  auto places = tree_order(*smoke_tests_.front().node);
  auto sorted = smoke_tests_;
  std::ranges::stable_sort(sorted, {}, [&](const QueuedSmokeTest& test) { return places[test.node]; });
  return sorted;
}

bool Run::touched(const Subject& subject) const {
  std::lock_guard hold{mutex_};
  return touched_.contains(subject);
}

void Run::touch(const Subject& subject) {
  std::lock_guard hold{mutex_};
  touched_.insert(subject);
}

std::mutex& Run::mutex_of(const Subject& subject) {
  std::lock_guard hold{mutex_};
  return subject_mutexes_[subject];
}

// ---------------------------------------------------------------- rehearsed

Change RehearsedRun::change(const Scope& at, Change change, const std::function<Settled()>& act) {
  at.check();
  touch(change.subject);
  at.node().record(change);
  if (change.action != Action::unchanged) {
    emit({.kind = Event::Kind::change_started, .node = &at.node(), .change = &change});
    (void)act();  // a twin: it notes the change in the pending world
    emit({.kind = Event::Kind::change_finished, .node = &at.node(), .change = &change});
  }
  return change;
}

bool RehearsedRun::until(const Scope& at, const Wait&, const std::function<std::optional<std::string>()>& not_yet) {
  at.check();
  return !not_yet();
}

// ---------------------------------------------------------------- reading

Change ReadingRun::change(const Scope&, Change change, const std::function<Settled()>&) {
  if (change.action == Action::unchanged) return change;
  throw InternalError(
      fmt::format("something that only reads wanted to {} {}", to_string(change.action), change.subject.text()));
}

bool ReadingRun::until(const Scope& at, const Wait& wait, const std::function<std::optional<std::string>()>& not_yet) {
  using namespace std::chrono;
  constexpr milliseconds shortest{2}, longest{50};
  constexpr seconds repeat{1};
  const auto start = steady_clock::now();
  auto shown = start;
  std::string last;
  for (auto nap = shortest;; nap = std::min(longest, nap * 3 / 2)) {
    at.check();
    auto reason = not_yet();
    if (!reason) return true;
    const auto now = steady_clock::now();
    if (*reason != last || now - shown > repeat) {
      at.waiting(*reason);
      last = std::move(*reason);
      shown = now;
    }
    if (now - start >= wait.limit)
      throw TimedOut(
          {.code = "H0004",
           .category = Category::timed_out,
           .message = fmt::format("waited {:g} s, but not yet so: {}", duration<double>(wait.limit).count(), wait.what),
           .subject = wait.subject,
           .facts = {{"last reason", last}},
           .help = "look at the reason; a wait that only needs longer has its limit in the Score"});
    at.pause(nap);
  }
}

}  // namespace harmony
