#include "companions/metered.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <sstream>
#include <unordered_map>
#include <utility>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "harmony/node.hpp"
#include "harmony/utf8.hpp"
#include "version.hpp"

namespace harmony {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using Seconds = std::chrono::duration<double>;
using Kind = Event::Kind;

double unix_now() { return Seconds(std::chrono::system_clock::now().time_since_epoch()).count(); }

const Node* score_of(const Node* node) {
  while (node && node->kind() == Node::Kind::step) node = node->parent();
  return node;
}

/// A Score of this run. Texts become labels when somebody looks: events must cost next to nothing.
struct Ended {
  std::string kind, path;
  const char* result = nullptr;  ///< null: it has not ended, but has waited
  double seconds = 0;
};

/// All series of one run. A new run starts with new ones: what it does not do must not linger from the one before.
class RunMetrics {
 public:
  explicit RunMetrics(double last_success = 0);
  void on(const Event&);
  /// What has happened to Scores since the last call.
  std::vector<Ended> take_ended() { return std::exchange(ended_, {}); }
  std::array<int, 6> states() const { return states_; }
  /// By one caller at a time; beside on().
  std::vector<prometheus::MetricFamily> collect(const std::vector<Ended>&, const std::array<int, 6>& states);

 private:
  enum class State { pending, running, waiting, done, failed, stopped };
  static constexpr std::array<const char*, 6> state_names{"pending", "running", "waiting", "done", "failed", "stopped"};
  struct Progress {
    State state = State::running;
    std::chrono::steady_clock::time_point waiting_since{};
  };

  Family<Gauge>& gauges(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry_);
  }
  void begin(std::string_view verb);
  void end(const Event&);
  void phase_ended(const Event&);
  void score_began(const Node& score);
  void score_ended(const Event&, State, const char* result);
  void wait_began(const Node& score);
  void wait_ended(const Node& score, Progress&);
  void smoke_test_ended(const Event&, bool passed);
  void move(Progress&, State);
  int& in_state(State state) { return states_[static_cast<std::size_t>(state)]; }

  prometheus::Registry registry_;
  Family<Gauge>& score_duration_ =
      gauges("harmony_score_duration_seconds", "How long a Score took in this run, its children included.");
  Family<Gauge>& score_wait_ =
      gauges("harmony_score_wait_seconds", "How long a Score waited for something to come true in this run.");
  Family<Gauge>& phase_duration_ = gauges("harmony_deploy_phase_duration_seconds",
                                          "How long each phase of this run took; `lock` includes planning again.");
  Family<Gauge>& changes_ =
      gauges("harmony_deploy_changes", "Changes done by this run, by action; planned ones are not counted.");
  Family<Gauge>& scores_ = gauges("harmony_deploy_scores", "Scores of this run by state.");
  Family<Gauge>& start_ = gauges("harmony_deploy_start_timestamp_seconds", "When this deploy started.");
  Family<Gauge>& duration_ =
      gauges("harmony_deploy_duration_seconds", "How long the deploy took, smoke tests included.");
  Family<Gauge>& success_ =
      gauges("harmony_deploy_success", "1 where the deploy ended well, also one that found nothing to change.");
  Family<Gauge>& last_success_ =
      gauges("harmony_deploy_last_success_timestamp_seconds", "When a deploy last ended well.");
  Family<Gauge>& last_completion_ =
      gauges("harmony_deploy_last_completion_timestamp_seconds", "When a deploy last ended, however.");
  Family<Gauge>& smoke_test_success_ =
      gauges("harmony_smoke_test_success", "1 where the smoke test passed against what was just deployed.");
  Family<Gauge>& smoke_test_duration_ = gauges("harmony_smoke_test_duration_seconds", "How long the smoke test took.");
  Counter& retries_ = prometheus::BuildCounter()
                          .Name("harmony_deploy_retries_total")
                          .Help("What had to be tried again in this run.")
                          .Register(registry_)
                          .Add({});
  std::array<Gauge*, 5> actions_{};  // by Action
  std::array<int, 6> states_{};
  std::unordered_map<std::size_t, Progress> progress_;  // by Node::id
  std::vector<Ended> ended_;
  int rehearsed_ = 0;
  bool deploys_ = false, testing_ = false;
};

RunMetrics::RunMetrics(double last_success) {
  gauges("harmony_build_info", "Always 1; the version of Harmony is a label.")
      .Add({{"version", std::string(version)}})
      .Set(1);
  if (last_success > 0) last_success_.Add({}).Set(last_success);
  for (const Action action : {Action::create, Action::update, Action::replace, Action::remove})
    actions_[static_cast<std::size_t>(action)] = &changes_.Add({{"action", std::string(to_string(action))}});
}

void RunMetrics::on(const Event& event) {
  if (event.rehearsed) {
    if (event.kind == Kind::score_started) ++rehearsed_;
    return;
  }
  const Node* score = score_of(event.node);
  if (score && event.kind == Kind::waiting) {
    if (!testing_) wait_began(*score);  // a smoke test's own waits are part of its duration
    return;
  }
  if (score && event.kind != Kind::score_started)
    if (const auto known = progress_.find(score->id()); known != progress_.end()) wait_ended(*score, known->second);
  switch (event.kind) {
    case Kind::run_started: return begin(event.text);
    case Kind::run_finished: return end(event);
    case Kind::phase_started: rehearsed_ = event.phase == Phase::rehearse ? 0 : rehearsed_; return;
    case Kind::phase_finished: return phase_ended(event);
    case Kind::score_started: return score_began(*score);
    case Kind::score_finished: return score_ended(event, State::done, "ok");
    case Kind::score_failed: return score_ended(event, State::failed, "failed");
    case Kind::score_stopped: return score_ended(event, State::stopped, "stopped");
    case Kind::retried: return retries_.Increment();
    case Kind::smoke_test_started: testing_ = true; return;
    case Kind::smoke_test_passed: return smoke_test_ended(event, true);
    case Kind::smoke_test_failed: return smoke_test_ended(event, false);
    case Kind::change_finished:
      if (Gauge* count = actions_[static_cast<std::size_t>(event.change->action)]) count->Increment();
      return;
    default: return;
  }
}

void RunMetrics::begin(std::string_view verb) {
  deploys_ = verb == "deploy";
  if (deploys_) start_.Add({}).Set(unix_now());
}

void RunMetrics::end(const Event& event) {
  in_state(State::pending) = 0;
  if (!deploys_) return;
  const double now = unix_now();
  duration_.Add({}).Set(Seconds(event.took).count());
  success_.Add({}).Set(event.failed ? 0 : 1);
  last_completion_.Add({}).Set(now);
  if (!event.failed) last_success_.Add({}).Set(now);
}

void RunMetrics::phase_ended(const Event& event) {
  // A deploy that waited for the lock rehearses twice: both count.
  phase_duration_.Add({{"phase", std::string(to_string(event.phase))}}).Increment(Seconds(event.took).count());
  if (event.phase == Phase::rehearse) in_state(State::pending) = rehearsed_;
}

void RunMetrics::score_began(const Node& score) {
  if (!progress_.try_emplace(score.id()).second) return;
  ++in_state(State::running);
  if (int& pending = in_state(State::pending); pending > 0) --pending;
}

void RunMetrics::score_ended(const Event& event, State state, const char* result) {
  const Node& score = *event.node;
  if (const auto known = progress_.find(score.id()); known != progress_.end()) move(known->second, state);
  else ++in_state(state);  // stacked on this very Score: it began before anybody looked
  ended_.push_back({score.label(), score.path(), result, Seconds(event.took).count()});
}

void RunMetrics::wait_began(const Node& score) {
  score_began(score);  // where it was not seen to begin
  Progress& progress = progress_.at(score.id());
  if (progress.state != State::running) return;
  progress.waiting_since = std::chrono::steady_clock::now();
  move(progress, State::waiting);
}

void RunMetrics::wait_ended(const Node& score, Progress& progress) {
  if (progress.state != State::waiting) return;
  const Seconds waited = std::chrono::steady_clock::now() - progress.waiting_since;
  ended_.push_back({score.label(), score.path(), nullptr, waited.count()});
  move(progress, State::running);
}

void RunMetrics::smoke_test_ended(const Event& event, bool passed) {
  testing_ = false;
  const prometheus::Labels labels{{"score", valid_utf8(event.node->path())}, {"test", valid_utf8(event.text)}};
  smoke_test_success_.Add(labels).Set(passed ? 1 : 0);
  smoke_test_duration_.Add(labels).Set(Seconds(event.took).count());
}

void RunMetrics::move(Progress& progress, State state) {
  --in_state(progress.state);
  ++in_state(state);
  progress.state = state;
}

std::vector<prometheus::MetricFamily> RunMetrics::collect(const std::vector<Ended>& ended,
                                                          const std::array<int, 6>& states) {
  // The place in the tree: bounded by what the Scores declare, and the same in every run. Two of one path add up.
  for (const Ended& score : ended) {
    prometheus::Labels labels{{"kind", valid_utf8(score.kind)}, {"score", valid_utf8(score.path)}};
    if (score.result) labels.emplace("result", score.result);
    (score.result ? score_duration_ : score_wait_).Add(labels).Increment(score.seconds);
  }
  for (std::size_t i = 0; i < states.size(); ++i) scores_.Add({{"state", state_names[i]}}).Set(states[i]);
  return registry_.Collect();
}

/// Equal metrics make equal texts, whatever order the registry's hash tables have.
void sort(std::vector<prometheus::MetricFamily>& families) {
  std::ranges::sort(families, {}, &prometheus::MetricFamily::name);
  for (auto& family : families)
    std::ranges::sort(family.metric, [](const auto& a, const auto& b) {
      return std::ranges::lexicographical_compare(a.label, b.label, [](const auto& x, const auto& y) {
        return std::tie(x.name, x.value) < std::tie(y.name, y.value);
      });
    });
}

class PrometheusMeter final : public Meter {
 public:
  void on(const Event& event) noexcept override {
    std::lock_guard hold{mutex_};
    if (event.kind == Kind::run_started)
      run_ = std::make_shared<RunMetrics>(Seconds(context_.last_success.time_since_epoch()).count());
    run_->on(event);
  }
  void describe(MetricsContext context) override {
    std::lock_guard hold{mutex_};
    context_ = std::move(context);
  }
  std::string exposition() const override {
    std::lock_guard one_at_a_time{scrape_mutex_};
    std::unique_lock hold{mutex_};
    const auto run = run_;
    const auto context = context_;
    const auto ended = run->take_ended();
    const auto states = run->states();
    hold.unlock();  // a scrape never holds up the deploy
    auto families = run->collect(ended, states);
    sort(families);
    for (auto& family : families)
      for (auto& metric : family.metric) {
        if (!context.topology.empty())
          metric.label.insert(metric.label.begin(), {"topology", valid_utf8(context.topology)});
        if (!context.deployment.empty())
          metric.label.insert(metric.label.begin(), {"deployment", valid_utf8(context.deployment)});
      }
    std::ostringstream text;
    prometheus::TextSerializer{}.Serialize(text, families);
    return text.str();
  }

 private:
  mutable std::mutex scrape_mutex_;  // before mutex_
  mutable std::mutex mutex_;
  MetricsContext context_;
  std::shared_ptr<RunMetrics> run_ = std::make_shared<RunMetrics>();
};

}  // namespace

std::shared_ptr<Meter> make_meter() { return std::make_shared<PrometheusMeter>(); }

}  // namespace harmony
