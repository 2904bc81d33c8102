/// Progress, with the time told by the test.
#include "cli/progress.hpp"
#include "golden.hpp"

using namespace harmony;
using namespace harmony::cli;
using namespace std::chrono_literals;

namespace {

/// Plays a deploy to a Progress.
class Player {
 public:
  explicit Player(Progress& progress) : progress_(progress) {}

  void at(std::chrono::milliseconds time) { now_ = Clock::time_point{} + 1h + time; }
  void tick() { progress_.tick(now_); }
  void event(Event event) { progress_.event(event, now_); }
  void phase(Event::Kind kind, Phase phase) { event({.kind = kind, .phase = phase}); }
  void node(Event::Kind kind, const Node& node, std::string_view text = {}, const Diagnostic* error = nullptr,
            std::chrono::milliseconds took = {}) {
    event({.kind = kind, .node = &node, .error = error, .text = text, .took = took});
  }

 private:
  Progress& progress_;
  Clock::time_point now_{};
};

struct Tree {
  Node root{nullptr, Node::Kind::score, "guestbook", "guestbook", std::source_location::current()};
  Node& database = root.add_score("postgresql", "guestbook-db", std::source_location::current());
  Node& web = root.add_score("http server", "guestbook", std::source_location::current());
  Node& server = database.add_step(
      {.kind = "database server", .name = "guestbook-db", .detail = "PostgreSQL 15 on 127.0.0.1:5433"});
};

using Kind = Event::Kind;

/// A slow plan, a lock that is waited for, a deploy that waits and fails, a smoke test.
void play(Player& play, Tree& tree) {
  const Diagnostic error{.code = "H0121", .message = "it does not get ready"};
  play.at(0ms);
  play.phase(Kind::phase_started, Phase::rehearse);
  play.node(Kind::score_started, tree.root);
  for (const auto time : {200ms, 600ms, 5000ms, 11000ms}) play.at(time), play.tick();
  play.node(Kind::score_finished, tree.root, {}, nullptr, 11s);
  play.phase(Kind::phase_finished, Phase::rehearse);
  play.phase(Kind::phase_started, Phase::lock);
  play.node(Kind::waiting, tree.root, "held by deploy@ci-7");
  play.at(11500ms);
  play.node(Kind::waiting, tree.root, "held by deploy@ci-7");
  play.tick();
  play.phase(Kind::phase_finished, Phase::lock);
  play.at(12000ms);
  play.phase(Kind::phase_started, Phase::apply);
  play.node(Kind::score_started, tree.root);
  play.node(Kind::score_started, tree.web);  // side by side: started in any order, shown in that of the tree
  play.node(Kind::score_started, tree.database);
  play.node(Kind::step_started, tree.server);
  play.at(12600ms);
  play.tick();
  play.node(Kind::waiting, tree.web, "/readyz answers \x1b[31m503\x1b[0m");
  play.at(13100ms);
  play.node(Kind::waiting, tree.web, "/readyz answers 503 (migration 2 of 3)");
  play.node(Kind::score_finished, tree.database, {}, nullptr, 1100ms);
  play.tick();
  for (const auto time : {18s, 23s, 28s, 33s}) {
    play.at(time);
    play.node(Kind::waiting, tree.web, "/readyz answers 503 (migration 3 of 3)");
    play.tick();
  }
  play.node(Kind::score_failed, tree.web, {}, &error, 21s);
  play.node(Kind::score_failed, tree.root, {}, &error, 21s);
  play.phase(Kind::phase_finished, Phase::apply);
  play.phase(Kind::phase_started, Phase::smoke_test);
  play.event({.kind = Kind::smoke_test_started, .node = &tree.root, .text = "Works"});
  play.event({.kind = Kind::smoke_test_passed, .node = &tree.root, .text = "Works", .took = 200ms, .number = 3});
  play.tick();
}

/// What a terminal shows after a text: enough of one for what we write.
class Screen {
 public:
  void write(const std::string& text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') {
        ++row_;
        if (row_ >= lines_.size()) lines_.emplace_back();
      } else if (text[i] == '\x1b') {
        const auto end = text.find_first_of("FJm", i);
        const int number = end > i + 2 ? std::stoi(text.substr(i + 2, end - i - 2)) : 0;
        if (text[end] == 'F') {
          REQUIRE(static_cast<std::size_t>(number) <= row_);
          row_ -= static_cast<std::size_t>(number);
        } else if (text[end] == 'J') {
          lines_.resize(row_ + 1);
          lines_[row_].clear();
        }
        i = end;
      } else {
        lines_[row_] += text[i];
      }
    }
  }
  std::string text() const {
    std::string all;
    for (const auto& line : lines_) all += line + "\n";
    return all;
  }

 private:
  std::vector<std::string> lines_{1};
  std::size_t row_ = 0;
};

}  // namespace

TEST_CASE("plain progress") {
  std::string text;
  const auto progress = plain_progress([&](std::string more) { text += more; }, {}, Style{false});
  Player player{*progress};
  Tree tree;
  play(player, tree);
  progress->finish();
  golden::check("progress_plain.txt", text);
}

TEST_CASE("a tree that is drawn in place") {
  const auto [columns, file] =
      GENERATE(std::pair{72UL, "progress_tty.txt"}, std::pair{40UL, "progress_tty_narrow.txt"});
  Screen screen;
  std::string frames;
  const auto write = [&](std::string more) {
    screen.write(more);
    frames += screen.text() + "----\n";
  };
  const auto progress = tty_progress(
      write, {}, Style{false}, [columns = columns] { return TerminalSize{.columns = columns, .rows = 24}; },
      [] { return true; });
  Player player{*progress};
  Tree tree;
  play(player, tree);
  progress->finish();
  golden::check(file, frames + screen.text());
}

TEST_CASE("a frame fits the terminal in width and height, whatever its size") {
  for (const std::size_t columns : {1UL, 5UL, 10UL, 40UL, 200UL})
    for (const std::size_t rows : {1UL, 3UL, 10UL}) {
      std::string last;
      const auto progress = tty_progress([&](std::string more) { last = more; }, {}, Style{false},
                                         [&] { return TerminalSize{columns, rows}; }, [] { return true; });
      Player player{*progress};
      Node root{nullptr, Node::Kind::score, "pipeline", "pipeline", std::source_location::current()};
      player.at(0ms);
      player.phase(Kind::phase_started, Phase::apply);
      player.node(Kind::score_started, root);
      for (int i = 0; i < 30; ++i)
        player.node(Kind::score_started, root.add_score("stage with a rather long name", std::to_string(i),
                                                        std::source_location::current()));
      player.at(1s);
      player.tick();
      std::size_t lines = 0, widest = 0, width = 0;
      for (const char c : last) {
        if (c == '\n') ++lines, widest = std::max(widest, width), width = 0;
        else if ((c & 0xc0) != 0x80) ++width;
      }
      INFO(columns << " x " << rows);
      CHECK(lines <= std::max<std::size_t>(rows, 2));
      CHECK(widest < std::max<std::size_t>(columns, 8));
      progress->finish();
    }
}

TEST_CASE("nothing is drawn before half a second, nor while the reader is slow") {
  std::string text;
  bool idle = true;
  const auto progress = tty_progress([&](std::string more) { text += more; }, {}, Style{false},
                                     [] { return TerminalSize{}; }, [&] { return idle; });
  Player player{*progress};
  Tree tree;
  player.at(0ms);
  player.phase(Kind::phase_started, Phase::apply);
  player.node(Kind::score_started, tree.root);
  player.at(400ms);
  player.tick();
  CHECK(text.empty());
  idle = false;
  player.at(2s);
  player.tick();
  CHECK(text.empty());
  idle = true;
  player.tick();
  CHECK_FALSE(text.empty());
  progress->finish();
}
