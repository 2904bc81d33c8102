#include <algorithm>

#include <fmt/format.h>

#include "progress.hpp"
#include "text.hpp"

namespace harmony::cli {
namespace {

using namespace std::chrono_literals;
constexpr auto first_frame_after = 500ms;

/// A reason has a line of its own where it would not be seen beside the name.
bool reasons_below(const TerminalSize& size) { return size.columns < 60 && size.rows > 4; }

struct Line {
  std::string text;  ///< coloured
  std::size_t width;
};

/// The tree as it is now, and how to draw it over the one before. The cursor is never hidden and stands below the
/// last line, so that nothing has to be put right when the program is killed.
class TtyProgress final : public Progress {
 public:
  TtyProgress(WriteText write, Redact redact, Style style, std::function<TerminalSize()> size,
              std::function<bool()> drawable)
      : write_(std::move(write)),
        redact_(std::move(redact)),
        style_(style),
        size_(std::move(size)),
        drawable_(std::move(drawable)) {}

 private:
  void changed(const Event& event, Clock::time_point now) override {
    if (first_event_ == Clock::time_point{}) first_event_ = now;
    if (event.kind == Event::Kind::phase_started && event.phase == Phase::rehearse) first_event_ = now;
    // A plan leaves nothing on the screen but itself; what was done stays.
    if (event.kind == Event::Kind::phase_finished && (event.phase == Phase::rehearse || event.phase == Phase::lock))
      cleared();
  }

  void ticked(Clock::time_point now) override {
    if (first_event_ == Clock::time_point{} || now - first_event_ < first_frame_after || !drawable_()) return;
    if (model_.phase() == Phase::approve) return;
    const bool asks = !model_.in_phase() && !model_.phase_waiting().empty();
    if (!model_.in_phase() && !asks && (model_.phase() == Phase::rehearse || model_.phase() == Phase::lock)) return;
    draw(now);
  }

  void cleared() override {
    if (drawn_.empty()) return;
    write_(erase());
    drawn_.clear();
  }

  void finished(Clock::time_point now) override {
    const bool stays = model_.phase() == Phase::apply || model_.phase() == Phase::prune ||
                       model_.phase() == Phase::smoke_test || model_.phase() == Phase::destroy;
    if (!stays || drawn_.empty()) return cleared();
    draw(now);
  }

  /// Lines above the cursor as the terminal shows them now: one that got too wide when the window shrank is wrapped.
  std::size_t rows_drawn() const {
    const std::size_t columns = std::max<std::size_t>(1, size_().columns);
    std::size_t rows = 0;
    for (const Line& line : drawn_) rows += std::max<std::size_t>(1, (line.width + columns - 1) / columns);
    return rows;
  }
  std::string erase() const { return drawn_.empty() ? std::string{} : fmt::format("\x1b[{}F\x1b[J", rows_drawn()); }

  void draw(Clock::time_point now) {
    std::vector<Line> lines = fitted(now);
    std::string frame = erase();
    for (const Line& line : lines) frame += line.text + "\n";
    drawn_ = std::move(lines);
    write_(std::move(frame));
  }

  std::string clean(std::string_view text) const { return printable_line(redact_ ? redact_(text) : std::string(text)); }

  std::string mark(ProgressRow::State state) const {
    switch (state) {
      case ProgressRow::State::running: return style_.blue("..");
      case ProgressRow::State::ok: return style_.green("ok");
      case ProgressRow::State::failed: return style_.red("!!");
      case ProgressRow::State::stopped: return style_.yellow("--");
    }
    return "  ";
  }

  std::string reason_of(const ProgressRow& row) const {
    return row.waiting.empty() ? clean(row.activity) : "waiting: " + clean(row.waiting);
  }
  Line line_of(const std::string& mark, std::string plain, bool waits, const TerminalSize& size) const {
    plain = cut(plain, size.columns > 7 ? size.columns - 7 : 0);
    while (plain.ends_with(' ')) plain.pop_back();
    return {"  " + mark + "  " + (waits ? style_.yellow(plain) : plain), width_of(plain) + 6};
  }
  /// mark, name by depth, time, what it is at; cut to the width.
  void add_lines(std::vector<Line>& lines, const ProgressRow& row, std::size_t name_width, const TerminalSize& size,
                 Clock::time_point now) const {
    const bool running = row.state == ProgressRow::State::running, waits = running && !row.waiting.empty();
    const std::string indent(static_cast<std::size_t>(row.depth) * 2, ' '), why = reason_of(row);
    const std::string name = padded(cut(indent + clean(row.name), name_width), name_width);
    const std::string time = seconds_text(running ? now - row.started : row.took);
    const bool below = reasons_below(size);
    lines.push_back(line_of(mark(row.state), fmt::format("{}  {:>8}  {}", name, time, below ? "" : why), waits, size));
    if (below && !why.empty()) lines.push_back(line_of("  ", indent + why, waits, size));
  }

  std::vector<Line> fitted(Clock::time_point now) const {
    const TerminalSize size = size_();
    std::vector<ProgressRow> rows = model_.rows();
    if (!model_.phase_waiting().empty())
      rows.push_back({.name = model_.title(), .started = model_.phase_started(), .waiting = model_.phase_waiting()});
    else if (rows.empty() && model_.in_phase())
      rows.push_back({.name = phase_text(model_.phase()), .started = model_.phase_started()});
    else if (model_.phase() == Phase::rehearse && !rows.empty())
      rows.front().name = phase_text(Phase::rehearse) + " " + rows.front().name;
    const std::size_t hidden = drop_for_height(rows, size);
    std::size_t name_width = 0;
    for (const ProgressRow& row : rows)
      name_width = std::max(name_width, width_of(clean(row.name)) + static_cast<std::size_t>(row.depth) * 2);
    name_width = std::min(name_width, size.columns / 2);
    std::vector<Line> lines;
    for (const ProgressRow& row : rows) add_lines(lines, row, name_width, size, now);
    if (hidden > 0) {
      const std::string more = cut(fmt::format("      and {} more", hidden), size.columns > 1 ? size.columns - 1 : 0);
      lines.push_back({style_.dim(more), width_of(more)});
    }
    return lines;
  }

  /// What is done goes first, then what stands last. @returns how many went.
  std::size_t drop_for_height(std::vector<ProgressRow>& rows, const TerminalSize& size) const {
    const std::size_t height = size.rows > 2 ? size.rows - 2 : 1;
    const auto lines = [&] {
      const auto two = [&](const ProgressRow& row) { return reasons_below(size) && !reason_of(row).empty(); };
      return rows.size() + static_cast<std::size_t>(std::ranges::count_if(rows, two));
    };
    std::size_t hidden = 0;
    while (lines() > height) {
      const auto done =
          std::ranges::find_if(rows, [](const ProgressRow& row) { return row.state == ProgressRow::State::ok; });
      if (done != rows.end()) rows.erase(done);
      else rows.pop_back();
      ++hidden;
    }
    return hidden;
  }

  WriteText write_;
  Redact redact_;
  Style style_;
  std::function<TerminalSize()> size_;
  std::function<bool()> drawable_;
  Clock::time_point first_event_{};
  std::vector<Line> drawn_;
};

}  // namespace

std::unique_ptr<Progress> tty_progress(WriteText write, Redact redact, Style style, std::function<TerminalSize()> size,
                                       std::function<bool()> drawable) {
  return std::make_unique<TtyProgress>(std::move(write), std::move(redact), style, std::move(size),
                                       std::move(drawable));
}

}  // namespace harmony::cli
