/// Did-you-mean, exit codes, colour rules, texts made safe.
#include <map>

#include "catch.hpp"
#include "cli/did_you_mean.hpp"
#include "cli/exit_code.hpp"
#include "cli/source_place.hpp"
#include "cli/terminal.hpp"
#include "cli/text.hpp"

using namespace harmony;
using namespace harmony::cli;
using namespace std::chrono_literals;

TEST_CASE("words for a shell") {
  CHECK(shell_word("harmony-app_1.2/x:y=z@w") == "harmony-app_1.2/x:y=z@w");
  CHECK(shell_word("") == "''");
  CHECK(shell_word("two words") == "'two words'");
  CHECK(shell_word("it's $HOME; `x`") == "'it'\\''s $HOME; `x`'");
  CHECK(shell_word("überall") == "'überall'");
}

TEST_CASE("distance counts inserts, deletes, replacements and swaps as one each") {
  CHECK(distance("deploy", "deploy") == 0);
  CHECK(distance("deplo", "deploy") == 1);
  CHECK(distance("dpeloy", "deploy") == 1);
  CHECK(distance("DEPLOY", "deploy") == 0);
  CHECK(distance("", "abc") == 3);
  CHECK(distance("kitten", "sitting") == 3);
}

TEST_CASE("what was meant is found, what was not is not") {
  const std::vector<std::string> verbs{"deploy", "destroy", "plan", "status"};
  CHECK(did_you_mean("deplyo", verbs) == "deploy");
  CHECK(did_you_mean("stat", verbs) == "status");
  CHECK(did_you_mean("p", verbs) == std::nullopt);
  CHECK(did_you_mean("quux", verbs) == std::nullopt);
  CHECK(did_you_mean("x", {}) == std::nullopt);
  CHECK(suggestion("quux", verbs) == "choose one of: deploy, destroy, plan, status");
  CHECK(suggestion("pla", verbs) == "did you mean `plan`?");
}

TEST_CASE("every category has its exit code") {
  CHECK(exit_code(Category::failed) == 1);
  CHECK(exit_code(Category::smoke_test) == 3);
  CHECK(exit_code(Category::timed_out) == 4);
  CHECK(exit_code(Category::refused) == 5);
  CHECK(exit_code(Category::unreachable) == 6);
  CHECK(exit_code(Category::locked) == 7);
  CHECK(exit_code(Category::stale_plan) == 8);
  CHECK(exit_code(Category::usage) == 64);
  CHECK(exit_code(Category::internal) == 70);
  CHECK(exit_code(Category::stopped, 2) == 130);
  CHECK(exit_code(Category::stopped, 15) == 143);
}

TEST_CASE("of several errors the first that is no consequence of a stop decides") {
  const Diagnostic stopped = Stopped{}.data();
  const Diagnostic late{.code = "H0004", .category = Category::timed_out, .message = "late"};
  CHECK(exit_code(std::vector<Diagnostic>{}) == 0);
  CHECK(exit_code(std::vector<Diagnostic>{stopped, late}) == 4);
  CHECK(exit_code(std::vector<Diagnostic>{stopped}, 15) == 143);
}

namespace {
Environment with(std::map<std::string, std::string> variables) {
  return [variables](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}
}  // namespace

TEST_CASE("colour: option before our variable before everybody's, then the terminal") {
  struct Row {
    Automatic option;
    std::map<std::string, std::string> variables;
    bool terminal, color;
  };
  constexpr auto automatic = Automatic::automatic;
  const std::vector<Row> table = {
      {automatic, {{"TERM", "xterm"}}, true, true},
      {automatic, {{"TERM", "xterm"}}, false, false},
      {automatic, {{"TERM", "dumb"}}, true, false},
      {automatic, {}, true, false},
      {automatic, {{"TERM", "xterm"}, {"NO_COLOR", "1"}}, true, false},
      {automatic, {{"TERM", "xterm"}, {"NO_COLOR", ""}}, true, true},
      {automatic, {{"TERM", "xterm"}, {"NO_COLOR", "1"}, {"FORCE_COLOR", "1"}}, true, false},
      {automatic, {{"FORCE_COLOR", "1"}}, false, true},
      {automatic, {{"CLICOLOR_FORCE", "1"}}, false, true},
      {automatic, {{"FORCE_COLOR", "0"}}, false, false},
      {automatic, {{"TERM", "xterm"}, {"CLICOLOR", "0"}}, true, false},
      {automatic, {{"NO_COLOR", "1"}, {"HARMONY_COLOR", "always"}}, false, true},
      {automatic, {{"TERM", "xterm"}, {"HARMONY_COLOR", "never"}}, true, false},
      {Automatic::always, {{"NO_COLOR", "1"}}, false, true},
      {Automatic::never, {{"FORCE_COLOR", "1"}, {"TERM", "xterm"}}, true, false},
  };
  for (std::size_t i = 0; i < table.size(); ++i) {
    INFO("row " << i);
    CHECK(use_color(table[i].option, with(table[i].variables), table[i].terminal) == table[i].color);
  }
}

TEST_CASE("nothing moves without a terminal that can, or in a CI") {
  CHECK(can_animate(with({{"TERM", "xterm"}}), true));
  CHECK_FALSE(can_animate(with({{"TERM", "xterm"}}), false));
  CHECK_FALSE(can_animate(with({{"TERM", "dumb"}}), true));
  CHECK_FALSE(can_animate(with({{"TERM", "xterm"}, {"CI", "true"}}), true));
  CHECK_FALSE(can_animate(with({{"TERM", "xterm"}, {"GITLAB_CI", "1"}}), true));
  CHECK_FALSE(in_ci(with({{"CI", "false"}})));
}

TEST_CASE("no control character and no escape sequence gets through") {
  CHECK(printable("plain ünïcode ✓") == "plain ünïcode ✓");
  CHECK(printable("\x1b[31mred\x1b[0m") == "red");
  CHECK(printable("\x1b]0;title\x07text\x1b]8;;http://x\x1b\\link") == "textlink");
  CHECK(printable("a\rb\b"
                  "c\x7f\x07") == "abc");
  CHECK(printable("\xc2\x9b"
                  "31mC1") == "31mC1");
  CHECK(printable("\xe2\x80\xae"
                  "abc\xe2\x81\xa6") == "abc");
  CHECK(printable("\xff\xfe") == "\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(printable("\xc0\xaf\xed\xa0\x80").find('/') == std::string::npos);
  CHECK(printable("one\ntwo") == "one\ntwo");
  CHECK(printable_line("one\ntwo\n") == "one two");
  CHECK(printable("\x1b") == "");
  CHECK(printable("\x1b[") == "");
}

TEST_CASE("every byte and every pair of bytes becomes printable") {
  for (int a = 0; a < 256; ++a)
    for (int b = 0; b < 256; ++b) {
      const std::string text = printable(std::string{static_cast<char>(a), static_cast<char>(b), 'x'});
      for (const char c : text) REQUIRE((static_cast<unsigned char>(c) >= 0x20 || c == '\n'));
      REQUIRE(text.find('\x7f') == std::string::npos);
      REQUIRE(text == printable(text));
    }
}

TEST_CASE("texts are measured and cut in columns") {
  CHECK(width_of("abc") == 3);
  CHECK(width_of("äöü") == 3);
  CHECK(width_of("日本") == 4);
  CHECK(width_of("e\xcc\x81") == 1);
  CHECK(cut("abcdef", 6) == "abcdef");
  CHECK(cut("abcdef", 5) == "abcd…");
  CHECK(width_of(cut("日本語", 4)) <= 4);
  CHECK(cut("abc", 0).empty());
  CHECK(padded("ä", 3) == "ä  ");
}

TEST_CASE("times read as people say them") {
  CHECK(seconds_text(31ms) == "0.03 s");
  CHECK(seconds_text(6840ms) == "6.8 s");
  CHECK(seconds_text(59960ms) == "1 min 0 s");
  CHECK(seconds_text(125s) == "2 min 5 s");
  CHECK(seconds_text(2h + 3min) == "2 h 3 min");
  const auto now = *time_of("2026-11-23T10:00:00Z");
  CHECK(ago("2026-11-23T09:57:00Z", now) == "3 min ago");
  CHECK(ago("2026-11-23T09:59:20Z", now) == "40 s ago");
  CHECK(ago("2026-11-20T10:00:00Z", now) == "3 days ago");
  CHECK(ago("yesterday", now) == "yesterday");
  CHECK(timestamp(now + 7ms) == "2026-11-23T10:00:00.007Z");
  CHECK(counted(1, "check") == "1 check");
  CHECK(counted(2, "entry", "entries") == "2 entries");
}

TEST_CASE("what closes leads to the name before what it closes") {
  const std::string_view source = R"code(void f(In& in) {
  in.run(ns::WebScore{
      .name = "a } ) \" {",  // a ) comment {
      .sign = '}', .count = 1'000, /* ( */
      .raw = R"x(}}}))x",
      .more = {1, 2}});
  in.all(a, b);
}
)code";
  using Place = std::pair<unsigned, unsigned>;
  CHECK(beginning_of(source, 6, 21) == Place{2, 10});  // } of WebScore
  CHECK(beginning_of(source, 6, 22) == Place{2, 6});   // ) of run
  CHECK(beginning_of(source, 7, 14) == Place{7, 6});
  CHECK(beginning_of(source, 7, 3) == Place{7, 3});    // closes nothing
  CHECK(beginning_of(source, 99, 1) == Place{99, 1});
  CHECK(beginning_of("}", 1, 1) == Place{1, 1});
  CHECK(beginning_of("", 1, 1) == Place{1, 1});
}
