#include <fmt/format.h>

#include "progress.hpp"
#include "text.hpp"

namespace harmony::cli {
namespace {

using namespace std::chrono_literals;
constexpr auto reason_every = 5s;   ///< the reason of a wait, per row
constexpr auto still_every = 10s;
constexpr auto silent_for = 500ms;  ///< a plan that is faster says nothing

class PlainProgress final : public Progress {
 public:
  PlainProgress(WriteText write, Redact redact, Style style)
      : write_(std::move(write)), redact_(std::move(redact)), style_(style) {}

 private:
  struct Told {
    Clock::time_point reason_at{}, still_at{};
    std::string reason;
  };

  void changed(const Event& event, Clock::time_point now) override {
    using Kind = Event::Kind;
    if (event.kind == Kind::phase_started) phase_told_ = now, told_planning_ = false, told_.clear();
    if (event.kind == Kind::waiting && !model_.row_of(event.node)) return phase_waits(now);
    if (model_.phase() == Phase::rehearse) return;  // what is only rehearsed is told by its plan
    switch (event.kind) {
      case Kind::score_started:
        if (const auto* row = model_.row_of(event.node)) say("..", row->name, "started");
        break;
      case Kind::score_finished:
      case Kind::score_failed:
      case Kind::score_stopped:
        if (const auto* row = model_.row_of(event.node)) finished_row(*row);
        break;
      case Kind::smoke_test_started: say("..", fmt::format("smoke test {}", event.text), "started"); break;
      case Kind::smoke_test_passed:
      case Kind::smoke_test_failed:
        for (const ProgressRow& row : model_.rows())
          if (row.name == fmt::format("smoke test {}", event.text)) finished_row(row);
        break;
      case Kind::waiting:
      case Kind::retried:
        if (const auto* row = model_.row_of(event.node)) reason(*row, now);
        break;
      default: break;
    }
  }

  void ticked(Clock::time_point now) override {
    if (model_.in_phase() && model_.phase() == Phase::rehearse) return planning(now);
    for (const ProgressRow& row : model_.rows()) {
      if (row.state != ProgressRow::State::running || has_running_child(row)) continue;
      auto& told = told_[row.id];
      if (now - std::max(told.still_at, row.started) < still_every) continue;
      told.still_at = now;
      told.reason_at = now;
      still(row, row.name, now - row.started);
    }
  }

  bool has_running_child(const ProgressRow& parent) const {
    for (const ProgressRow& row : model_.rows())
      if (row.parent == parent.id && row.state == ProgressRow::State::running) return true;
    return false;
  }

  void still(const ProgressRow& row, const std::string& name, std::chrono::nanoseconds elapsed) {
    const std::string why = row.waiting.empty() ? row.activity : "waiting: " + row.waiting;
    say("..", "Still " + name,
        fmt::format("[{}s elapsed]{}{}", std::chrono::duration_cast<std::chrono::seconds>(elapsed).count(),
                    why.empty() ? "" : " ", why),
        "...");
  }

  void planning(Clock::time_point now) {
    if (!told_planning_ && now - model_.phase_started() >= silent_for) {
      told_planning_ = true;
      phase_told_ = model_.phase_started();
      say("..", phase_text(Phase::rehearse), "started");
    } else if (told_planning_ && now - phase_told_ >= still_every) {
      phase_told_ = now;
      ProgressRow busy;
      for (const ProgressRow& row : model_.rows())
        if (row.state == ProgressRow::State::running) busy = row;
      if (busy.waiting.empty() && !busy.name.empty())
        busy.activity = busy.activity.empty() ? busy.name : busy.name + ", " + busy.activity;
      still(busy, phase_text(Phase::rehearse), now - model_.phase_started());
    }
  }

  void phase_waits(Clock::time_point now) {
    if (model_.phase_waiting() == phase_reason_ && now - phase_told_ < reason_every) return;
    phase_reason_ = model_.phase_waiting();
    phase_told_ = now;
    say("..", model_.title(), "waiting: " + phase_reason_);
  }

  void reason(const ProgressRow& row, Clock::time_point now) {
    auto& told = told_[row.id];
    if (row.waiting.empty() || (told.reason_at != Clock::time_point{} && now - told.reason_at < reason_every)) return;
    if (told.reason == row.waiting) return;  // "Still …" says it again
    told.reason = row.waiting;
    told.reason_at = now;
    say("..", row.name, "waiting: " + row.waiting);
  }

  void finished_row(const ProgressRow& row) {
    const bool good = row.state == ProgressRow::State::ok;
    const std::string time = seconds_text(row.took);
    say(good                                       ? "ok"
        : row.state == ProgressRow::State::stopped ? "--"
                                                   : "!!",
        row.name,
        good ? (row.activity.empty() ? time : time + ", " + row.activity)
             : fmt::format("{} after {}{}{}", row.state == ProgressRow::State::stopped ? "stopped" : "failed", time,
                           row.activity.empty() ? "" : ": ", row.activity));
  }

  void say(std::string_view mark, std::string_view name, std::string_view text, std::string_view between = ":") {
    const auto clean = [&](std::string_view dirty) {
      return printable_line(redact_ ? redact_(dirty) : std::string(dirty));
    };
    const std::string shown = mark == "ok"   ? style_.green(mark)
                              : mark == "!!" ? style_.red(mark)
                              : mark == "--" ? style_.yellow(mark)
                                             : style_.blue(mark);
    write_(fmt::format("  {}  {}{} {}\n", shown, clean(name), between, clean(text)));
  }

  WriteText write_;
  Redact redact_;
  Style style_;
  std::map<std::size_t, Told> told_;
  Clock::time_point phase_told_{};
  std::string phase_reason_;
  bool told_planning_ = false;
};

}  // namespace

std::unique_ptr<Progress> plain_progress(WriteText write, Redact redact, Style style) {
  return std::make_unique<PlainProgress>(std::move(write), std::move(redact), style);
}

}  // namespace harmony::cli
