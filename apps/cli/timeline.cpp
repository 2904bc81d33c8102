#include "timeline.hpp"

#include <algorithm>

#include "harmony/node.hpp"

namespace harmony::cli {

void Timeline::open(Span span, const Node* node) {
  if (node && span.kind != Span::Kind::smoke_test) {
    span.id = node->id();
    span.parent = node->parent() ? node->parent()->id() : 0;
    span.label = node->label();
    span.name = node->name();
  }
  if (node) span.path = node->path();
  span.start = std::chrono::steady_clock::now() - zero_;
  spans_.push_back(std::move(span));
}

Span* Timeline::find(Span::Kind kind, std::size_t id, std::string_view name) {
  const auto found = std::find_if(spans_.rbegin(), spans_.rend(), [&](const Span& span) {
    return span.kind == kind && span.state == Span::State::running && (id != 0 ? span.id == id : span.name == name);
  });
  return found == spans_.rend() ? nullptr : &*found;
}

void Timeline::close(const Event& event, Span::Kind kind, std::size_t id, std::string_view name, Span::State state) {
  Span* span = find(kind, id, name);
  if (!span) return;
  span->state = state;
  span->took = std::chrono::steady_clock::now() - zero_ - span->start;
  if (event.node && kind == Span::Kind::step) span->detail = event.node->detail();
  if (event.error) span->error = event.error->message;
}

void Timeline::on(const Event& event) noexcept {
  using Kind = Event::Kind;
  const std::size_t id = event.node ? event.node->id() : 0;
  std::lock_guard hold{mutex_};
  switch (event.kind) {
    case Kind::phase_started:
      open({.kind = Span::Kind::phase, .label = "phase", .name = std::string(to_string(event.phase))}, nullptr);
      break;
    case Kind::phase_finished:
      close(event, Span::Kind::phase, 0, to_string(event.phase), event.failed ? Span::State::failed : Span::State::ok);
      break;
    case Kind::score_started: open({.kind = Span::Kind::score, .rehearsed = event.rehearsed}, event.node); break;
    case Kind::score_finished: close(event, Span::Kind::score, id, {}, Span::State::ok); break;
    case Kind::score_failed: close(event, Span::Kind::score, id, {}, Span::State::failed); break;
    case Kind::score_stopped:
      close(event, Span::Kind::score, id, {}, Span::State::stopped);
      for (Span& span : spans_)              // its steps did not fail either
        if (span.parent == id && span.kind == Span::Kind::step && span.state == Span::State::failed)
          span.state = Span::State::stopped;
      break;
    case Kind::step_started: open({.kind = Span::Kind::step, .rehearsed = event.rehearsed}, event.node); break;
    case Kind::step_finished:
      close(event, Span::Kind::step, id, {}, event.failed ? Span::State::failed : Span::State::ok);
      break;
    case Kind::change_failed:
      if (Span* span = find(Span::Kind::step, id, {}); span && event.error) span->error = event.error->message;
      break;
    case Kind::waiting:
    case Kind::retried:
      for (const Span::Kind kind : {Span::Kind::step, Span::Kind::score})
        if (Span* span = id != 0 ? find(kind, id, {}) : nullptr) {
          if (std::ranges::find(span->waits, event.text) == span->waits.end()) span->waits.emplace_back(event.text);
          break;
        }
      break;
    case Kind::smoke_test_started:
      open({.kind = Span::Kind::smoke_test, .label = "smoke test", .name = std::string(event.text)}, event.node);
      break;
    case Kind::smoke_test_passed: close(event, Span::Kind::smoke_test, 0, event.text, Span::State::ok); break;
    case Kind::smoke_test_failed: close(event, Span::Kind::smoke_test, 0, event.text, Span::State::failed); break;
    default: break;
  }
}

std::vector<Span> Timeline::spans() const {
  std::lock_guard hold{mutex_};
  std::vector<Span> all = spans_;
  const auto now = std::chrono::steady_clock::now() - zero_;
  for (Span& span : all)  // what still runs, runs until now
    if (span.state == Span::State::running) span.took = now - span.start;
  return all;
}

}  // namespace harmony::cli
