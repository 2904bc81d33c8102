#include "event_stream.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "harmony/node.hpp"
#include "json_text.hpp"
#include "text.hpp"
#include "version.hpp"

namespace harmony::cli {

namespace json = boost::json;

namespace {

json::object node_json(const Node& node) {
  return {{"id", node.id()},
          {"parent", node.parent() ? json::value(node.parent()->id()) : json::value(nullptr)},
          {"kind", node.kind() == Node::Kind::score ? "score" : "step"},
          {"label", node.label()},
          {"name", node.name()},
          {"path", node.path()},
          {"detail", node.detail()}};
}

/// One sentence for those who do not know the type.
std::string sentence(const Event& event) {
  std::string text{to_string(event.kind)};
  std::ranges::replace(text, '_', ' ');
  using Kind = Event::Kind;
  if (event.kind == Kind::phase_started || event.kind == Kind::phase_finished)
    text += fmt::format(": {}", to_string(event.phase));
  if (event.node) text += fmt::format(": {} {}", event.node->label(), event.node->name());
  if (event.change) text += fmt::format(": {} {}", to_string(event.change->action), event.change->subject.text());
  if (event.error) text += ": " + event.error->message;
  else if (!event.text.empty()) text += fmt::format(": {}", event.text);
  return text;
}

bool has_time(Event::Kind kind) {
  using Kind = Event::Kind;
  return kind == Kind::phase_finished || kind == Kind::score_finished || kind == Kind::score_failed ||
         kind == Kind::score_stopped || kind == Kind::step_finished || kind == Kind::smoke_test_passed ||
         kind == Kind::smoke_test_failed;
}

}  // namespace

EventStream::EventStream(Output& output, Redact redact) : output_(output), redact_(std::move(redact)) {}

void EventStream::message(std::string_view type, json::object body) {
  json::object line{{"type", type}, {"time", timestamp(std::chrono::system_clock::now())}};
  for (auto& [key, value] : body) line[key] = std::move(value);
  output_.write(one_line(redacted(std::move(line), redact_)));
}

void EventStream::begin(const StreamHeader& header) {
  message("version", {{"format_version", format_version},
                      {"harmony", harmony_version},
                      {"program", header.program},
                      {"verb", header.verb},
                      {"deployment", header.deployment},
                      {"topology", header.topology}});
}

void EventStream::on(const Event& event) noexcept {
  using Kind = Event::Kind;
  if (event.kind == Kind::run_finished) return;  // the stream's own end says more
  json::object body{{"message", sentence(event)}, {"rehearsed", event.rehearsed}};
  if (event.kind == Kind::run_started) body["verb"] = event.text;
  else if (!event.text.empty()) body["text"] = event.text;
  if (event.kind == Kind::phase_started || event.kind == Kind::phase_finished) body["phase"] = to_string(event.phase);
  if (event.kind == Kind::phase_finished || event.kind == Kind::step_finished) body["failed"] = event.failed;
  if (event.node) body["node"] = node_json(*event.node);
  if (event.change) body["change"] = to_json(*event.change);
  if (event.error) body["error"] = to_json(*event.error);
  if (has_time(event.kind)) body["took_ms"] = milliseconds(event.took);
  if (event.kind == Kind::write_point) body["number"] = event.number;
  if (event.kind == Kind::smoke_test_passed || event.kind == Kind::smoke_test_failed) body["checks"] = event.number;
  message(to_string(event.kind), std::move(body));
}

void EventStream::end(int exit_code, std::chrono::nanoseconds took) {
  message("run_finished", {{"message", fmt::format("run finished: exit code {}", exit_code)},
                           {"exit_code", exit_code},
                           {"failed", exit_code != 0},
                           {"took_ms", milliseconds(took)}});
}

}  // namespace harmony::cli
