#include "companions/traced.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include "harmony/node.hpp"
#include "harmony/utf8.hpp"

namespace harmony {
namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;
using Kind = Event::Kind;

/// Pieces of names are put together when somebody looks: events must cost next to nothing.
struct Span {
  std::string label, name;
  const char* category;
  std::optional<std::size_t> inside = {};  ///< the span of the Score around it
  std::string path = {};                   ///< of Scores, where `inside` does not say it; empty for runs and phases
  std::thread::id thread;
  Time start;
  std::optional<Time> end = {};
  bool rehearsed = false;
  const char* result = "unfinished";
  std::string code = {};  ///< of the error
};

std::string json_string(std::string_view text) {
  std::string quoted{'"'};
  for (const char c : valid_utf8(text)) {
    if (c == '"' || c == '\\') quoted += {'\\', c};
    else if (static_cast<unsigned char>(c) < 0x20) quoted += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else quoted += c;
  }
  return harmless_json(quoted + '"');
}

std::string title_of(const Span& span) {
  if (span.label.empty() || span.label == span.name) return span.name;
  return span.label + " " + span.name;
}

bool is_score(const Span& span) { return std::string_view(span.category) == "score"; }

/// Of each span's Score, "guestbook > guestbook-db".
std::vector<std::string> paths_of(const std::vector<Span>& spans) {
  std::vector<std::string> paths;
  for (const Span& span : spans) {
    std::string path = span.inside ? paths[*span.inside] : span.path;
    if (is_score(span)) path += (path.empty() ? "" : " > ") + span.name;
    paths.push_back(std::move(path));
  }
  return paths;
}

const Node* score_of(const Node* node) {
  while (node && node->kind() == Node::Kind::step) node = node->parent();
  return node;
}

/// Chrome draws spans of one lane inside each other, so each must lie wholly within, or apart. A step that outlives
/// its Score's thread, or ends out of order, gets a lane beside.
class Lanes {
 public:
  /// To be called in order of start. @returns the number of the lane, from 1.
  int place(std::thread::id thread, Time start, Time end) {
    auto& lanes = threads_[thread];
    for (auto& lane : lanes) {
      while (!lane.open.empty() && lane.open.back() <= start) lane.open.pop_back();
      if (!lane.open.empty() && lane.open.back() < end) continue;
      lane.open.push_back(end);
      return lane.number;
    }
    lanes.push_back({++last_, {end}});
    return last_;
  }
  int count() const { return last_; }

 private:
  struct Lane {
    int number;
    std::vector<Time> open;  ///< ends of the spans around the next one
  };
  std::map<std::thread::id, std::vector<Lane>> threads_;
  int last_ = 0;
};

std::string json_of(const Span& span, const std::string& path, Time end, int lane, Time origin) {
  const auto microseconds = [](Clock::duration time) {
    return std::chrono::duration<double, std::micro>(time).count();
  };
  std::string text =
      fmt::format(R"({{"ph":"X","pid":1,"tid":{},"ts":{:.3f},"dur":{:.3f},"cat":"{}","name":{},"args":{{"result":"{}")",
                  lane, microseconds(span.start - origin), microseconds(end - span.start), span.category,
                  json_string(title_of(span)), span.result);
  if (!path.empty()) text += fmt::format(R"(,"path":{})", json_string(path));
  if (!span.code.empty()) text += fmt::format(R"(,"error":{})", json_string(span.code));
  if (span.rehearsed) text += R"(,"rehearsed":true)";
  return text + "}}";
}

std::string json_of(const std::vector<Span>& spans, Time now) {
  std::vector<std::size_t> order(spans.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto end_of = [&](std::size_t i) { return spans[i].end.value_or(std::max(now, spans[i].start)); };
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    return spans[a].start != spans[b].start ? spans[a].start < spans[b].start : end_of(a) > end_of(b);
  });
  const Time origin = order.empty() ? now : spans[order.front()].start;
  const auto paths = paths_of(spans);
  Lanes lanes;
  std::string events;
  for (const std::size_t i : order)
    events +=
        ",\n" + json_of(spans[i], paths[i], end_of(i), lanes.place(spans[i].thread, spans[i].start, end_of(i)), origin);
  std::string text = R"({"displayTimeUnit":"ms","traceEvents":[)"
                     "\n"
                     R"({"ph":"M","pid":1,"tid":0,"name":"process_name","args":{"name":"harmony"}})";
  for (int lane = 1; lane <= lanes.count(); ++lane)
    text += fmt::format(
        ",\n"
        R"({{"ph":"M","pid":1,"tid":{},"name":"thread_name","args":{{"name":"lane {}"}}}})",
        lane, lane);
  return text + events + "\n]}\n";
}

class ChromeTracer final : public Tracer {
 public:
  void on(const Event& event) noexcept override {
    const Time now = Clock::now();
    std::lock_guard hold{mutex_};
    switch (event.kind) {
      case Kind::run_started: run_ = open(event, now, "run", {}, event.text); return;
      case Kind::run_finished: close(run_, event, now, event.failed ? "failed" : "ok"); return;
      case Kind::phase_started: phases_[event.phase] = open(event, now, "phase", {}, to_string(event.phase)); return;
      case Kind::phase_finished: close(take(phases_, event.phase), event, now, event.failed ? "failed" : "ok"); return;
      case Kind::score_started:
        nodes_[event.node->id()] = open(event, now, "score", event.node->label(), event.node->name());
        return;
      case Kind::step_started:
        nodes_[event.node->id()] = open(event, now, "step", event.node->label(), event.node->name());
        return;
      case Kind::score_finished: close_score(event, now, "ok"); return;
      case Kind::score_failed: close_score(event, now, "failed"); return;
      case Kind::score_stopped: close_score(event, now, "stopped"); return;
      case Kind::step_finished:
        close(take(nodes_, event.node->id()), event, now, event.failed ? "failed" : "ok");
        return;
      case Kind::change_started: open_change(event, now); return;
      case Kind::change_finished: close(take(changes_, std::this_thread::get_id()), event, now, "ok"); return;
      case Kind::change_failed: close(take(changes_, std::this_thread::get_id()), event, now, "failed"); return;
      case Kind::smoke_test_started: smoke_test_ = open(event, now, "smoke test", {}, event.text); return;
      case Kind::smoke_test_passed: close(smoke_test_, event, now, "ok"); return;
      case Kind::smoke_test_failed: close(smoke_test_, event, now, "failed"); return;
      default: return;
    }
  }
  std::string json() const override {
    std::unique_lock hold{mutex_};
    const auto spans = spans_;
    hold.unlock();  // writing it out takes its time
    return json_of(spans, Clock::now());
  }

 private:
  using Index = std::optional<std::size_t>;
  static bool is_end_of_score(const Event& event) {
    return event.kind == Kind::score_finished || event.kind == Kind::score_failed || event.kind == Kind::score_stopped;
  }

  Index open(const Event& event, Time start, const char* category, std::string_view label, std::string_view name) {
    const Node* around =
        event.kind == Kind::score_started || is_end_of_score(event) ? event.node->parent() : event.node;
    around = score_of(around);
    Span& span = spans_.emplace_back(Span{.label = std::string(label),
                                          .name = std::string(name),
                                          .category = category,
                                          .thread = std::this_thread::get_id(),
                                          .start = start,
                                          .rehearsed = event.rehearsed});
    if (const auto known = around ? nodes_.find(around->id()) : nodes_.end(); known != nodes_.end())
      span.inside = known->second;
    else if (around) span.path = around->path();
    return spans_.size() - 1;
  }
  void open_change(const Event& event, Time now) {
    const Change& change = *event.change;
    changes_[std::this_thread::get_id()] = open(event, now, "change", to_string(change.action), change.subject.text());
  }
  void close(Index which, const Event& event, Time now, const char* result) {
    if (!which) return;
    Span& span = spans_[*which];
    span.end = now;
    span.result = result;
    if (event.error) span.code = event.error->code;
  }
  void close_score(const Event& event, Time now, const char* result) {
    Index which = take(nodes_, event.node->id());
    // Stacked on this very Score: it began before anybody looked.
    if (!which) which = open(event, now - event.took, "score", event.node->label(), event.node->name());
    close(which, event, now, result);
  }
  template <class Map, class Key>
  static Index take(Map& map, const Key& key) {
    const auto found = map.find(key);
    if (found == map.end()) return std::nullopt;
    const Index index = found->second;
    map.erase(found);
    return index;
  }

  mutable std::mutex mutex_;
  std::vector<Span> spans_;
  Index run_, smoke_test_;
  std::map<Phase, Index> phases_;
  std::unordered_map<std::size_t, Index> nodes_;    // by Node::id
  std::unordered_map<std::thread::id, Index> changes_;  // a thread does one at a time
};

}  // namespace

std::shared_ptr<Tracer> make_tracer() { return std::make_shared<ChromeTracer>(); }

}  // namespace harmony
