#include "progress.hpp"

#include <algorithm>

#include "text.hpp"

namespace harmony::cli {
namespace {

std::string name_of(const Node& node) {
  return node.label() == node.name() || node.name().empty() ? node.label() : node.label() + " " + node.name();
}

constexpr std::size_t smoke_test_ids = std::size_t{1} << 60;  ///< behind those of all Scores

}  // namespace

std::string phase_text(Phase phase) {
  switch (phase) {
    case Phase::rehearse: return "planning";
    case Phase::approve: return "waiting for an answer";
    case Phase::lock: return "taking the lock";
    case Phase::apply: return "deploying";
    case Phase::prune: return "removing what no Score contains any more";
    case Phase::smoke_test: return "testing";
    case Phase::destroy: return "taking down";
  }
  return {};
}

// ---------------------------------------------------------------- the model

ProgressRow* ProgressModel::row_above(const Node* node) {
  for (; node; node = node->parent())
    if (const auto found = rows_.find(node->id()); found != rows_.end()) return &found->second;
  return nullptr;
}

const ProgressRow* ProgressModel::row_of(const Node* node) const {
  return const_cast<ProgressModel*>(this)->row_above(node);
}

void ProgressModel::start(const Event& event, Clock::time_point now) {
  const bool smoke = event.kind == Event::Kind::smoke_test_started;
  const std::size_t id = smoke ? smoke_test_ids + smoke_tests_.size() : event.node->id();
  if (smoke) smoke_tests_[std::string(event.text)] = id;
  const ProgressRow* above = smoke || !event.node->parent() ? nullptr : row_above(event.node->parent());
  rows_[id] = {.id = id,
               .parent = above ? above->id : 0,
               .depth = above ? above->depth + 1 : 0,
               .name = smoke ? "smoke test " + std::string(event.text) : name_of(*event.node),
               .started = now};
}

void ProgressModel::finish(const Event& event) {
  using Kind = Event::Kind;
  const bool smoke = event.kind == Kind::smoke_test_passed || event.kind == Kind::smoke_test_failed;
  const auto found = rows_.find(smoke ? smoke_tests_[std::string(event.text)] : event.node->id());
  if (found == rows_.end()) return;
  ProgressRow& row = found->second;
  const bool good = event.kind == Kind::score_finished || event.kind == Kind::smoke_test_passed;
  row.state = good                                ? ProgressRow::State::ok
              : event.kind == Kind::score_stopped ? ProgressRow::State::stopped
                                                  : ProgressRow::State::failed;
  row.took = event.took;
  row.waiting.clear();
  const bool from_below = std::ranges::any_of(rows_, [&](const auto& entry) {
    return entry.second.parent == row.id && entry.second.state == ProgressRow::State::failed;
  });
  if (from_below) row.activity.clear();  // it says it already
  else if (event.error) row.activity = event.error->message;
  else if (smoke) row.activity = counted(event.number, "check") + " passed";
}

void ProgressModel::apply(const Event& event, Clock::time_point now) {
  using Kind = Event::Kind;
  switch (event.kind) {
    case Kind::phase_started:
      // The rows of a rehearsal are of no more use, whatever comes then.
      if (phase_ == Phase::rehearse || event.phase == Phase::rehearse || event.phase == Phase::apply ||
          event.phase == Phase::destroy) {
        rows_.clear();
        smoke_tests_.clear();
      }
      phase_ = event.phase;
      phase_started_ = now;
      phase_waiting_.clear();
      in_phase_ = true;
      break;
    case Kind::phase_finished:
      in_phase_ = false;
      phase_waiting_.clear();
      break;
    case Kind::score_started:
    case Kind::smoke_test_started: start(event, now); break;
    case Kind::score_finished:
    case Kind::score_failed:
    case Kind::score_stopped:
    case Kind::smoke_test_passed:
    case Kind::smoke_test_failed: finish(event); break;
    case Kind::step_started:
    case Kind::step_finished:
      if (ProgressRow* row = row_above(event.node); row && row->state == ProgressRow::State::running) {
        row->activity = event.node->detail().empty() ? name_of(*event.node) : event.node->detail();
        row->waiting.clear();
      }
      break;
    case Kind::change_started:
    case Kind::change_finished:
      if (ProgressRow* row = row_above(event.node)) row->waiting.clear();
      break;
    case Kind::waiting:
    case Kind::retried:
      if (ProgressRow* row = row_above(event.node); row && row->state == ProgressRow::State::running)
        row->waiting = event.text;
      else wait_above_rows(event.text, now);
      break;
    default: break;
  }
}

void ProgressModel::wait_above_rows(std::string_view reason, Clock::time_point now) {
  if (!in_phase_ && phase_waiting_.empty()) phase_started_ = now;
  phase_waiting_ = reason;
}

std::string ProgressModel::title() const { return in_phase_ ? phase_text(phase_) : "asking"; }

void ProgressModel::append_below(std::size_t parent, std::vector<ProgressRow>& all) const {
  for (const auto& [id, row] : rows_) {
    if (row.parent != parent) continue;
    all.push_back(row);
    append_below(id, all);
  }
}

std::vector<ProgressRow> ProgressModel::rows() const {
  std::vector<ProgressRow> all;
  append_below(0, all);
  return all;
}

// ---------------------------------------------------------------- the observer

void Progress::on(const Event& event) noexcept { this->event(event, Clock::now()); }

void Progress::event(const Event& event, Clock::time_point now) {
  std::lock_guard hold{mutex_};
  if (done_) return;
  model_.apply(event, now);
  changed(event, now);
}

void Progress::tick(Clock::time_point now) {
  std::lock_guard hold{mutex_};
  if (!done_) ticked(now);
}

void Progress::start(std::chrono::milliseconds interval) {
  clock_ = std::jthread{[this, interval](const std::stop_token& stop) {
    std::unique_lock hold{mutex_};
    while (!wake_.wait_for(hold, stop, interval, [&] { return done_; }) && !stop.stop_requested()) ticked(Clock::now());
  }};
}

void Progress::suspend() {
  std::lock_guard hold{mutex_};
  if (!done_) cleared();
}

void Progress::finish() {
  {
    std::lock_guard hold{mutex_};
    if (std::exchange(done_, true)) return;
    finished(Clock::now());
  }
  clock_.request_stop();
  if (clock_.joinable()) clock_.join();
}

Progress::~Progress() = default;

namespace {
class QuietProgress final : public Progress {
  void changed(const Event&, Clock::time_point) override {}
  void ticked(Clock::time_point) override {}
};
}  // namespace

std::unique_ptr<Progress> quiet_progress() { return std::make_unique<QuietProgress>(); }

}  // namespace harmony::cli
