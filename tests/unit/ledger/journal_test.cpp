// The bytes of a ledger: what a crash, a bad disk, a newer or another Harmony leaves there.
#include <set>

#include "catch.hpp"
#include "harmony/error.hpp"
#include "host/hash.hpp"
#include "host/journal.hpp"
#include "ledgers.hpp"

using namespace harmony;
using namespace harmony::testing;
using State = LedgerEntry::State;

namespace {

const std::string path = "/state/ledger/journal";

std::string code_of(const std::string& bytes, const std::string& deployment = "guestbook") {
  try {
    (void)host::read_journal(bytes, deployment, path);
    return "read";
  } catch (const Error& error) {
    return error.data().code;
  }
}
std::string state_of(const std::string& bytes) { return text(host::read_journal(bytes, "guestbook", path).state); }

/// A whole line and the records of one run; every line with what the ledger says up to it.
std::vector<std::string> lines_of_a_run() {
  LedgerState before{
      .run = run("run-0", "2026-11-22T10:00:00Z"), .last_success = "2026-11-22T10:00:00Z", .entries = {}};
  before.entries.push_back(entry("old", State::owned, "pid 1"));
  before.entries.back().sequence = 7;
  return {host::whole_line("guestbook", before),
          host::begin_line(1, run("run-1"), {entry("web"), entry("data")}),
          host::settle_line(2, entry("data", State::owned, "pid 4711")),
          host::intend_line(3, entry("late")),
          host::settle_line(4, entry("late", State::kept)),
          host::forget_line(5, {"host", "process", "old"}),
          host::finish_line(6, run("run-1", "2026-11-23T10:05:00Z"))};
}
std::string joined(const std::vector<std::string>& lines) {
  std::string all;
  for (const auto& line : lines) all += line;
  return all;
}

}  // namespace

TEST_CASE("what is written is what is read") {
  const auto lines = lines_of_a_run();
  const auto journal = host::read_journal(joined(lines), "guestbook", path);
  REQUIRE(journal.intact == joined(lines).size());
  REQUIRE(journal.next == 7);
  REQUIRE(journal.state.entries.size() == 3);
  CHECK(text(journal.state.entries[0]) == "process/web 0  database server web guestbook > web 8");
  CHECK(text(journal.state.entries[1]) == "process/data 1 pid 4711 database server data guestbook > data data 9");
  CHECK(text(journal.state.entries[2]) == "process/late 2  database server late guestbook > late 10");
  CHECK(journal.state.run->finished == "2026-11-23T10:05:00Z");
  CHECK(journal.state.last_success == "2026-11-23T10:05:00Z");
  RunRecord stopped = run("run-2", "2026-11-24T10:05:00Z");
  stopped.failed = stopped.stopped = true;
  stopped.key_mark = "c0ffee";
  stopped.version = "1.4.0";
  stopped.given = {.settings = {{"binary", "next"}}, .options = {{"nats-image", "nats:2.11"}}};
  stopped.notes = {{"open", "http://127.0.0.1:1"}};
  CHECK(state_of(joined(lines) + host::finish_line(7, stopped))
            .starts_with(
                "run-2 2026-11-24T10:05:00Z 0 failed stopped key c0ffee version 1.4.0\nlast 2026-11-23T10:05:00Z"));
  const auto read = host::read_journal(joined(lines) + host::finish_line(7, stopped), "guestbook", path).state.run;
  CHECK(read->given == stopped.given);
  REQUIRE(read->notes.size() == 1);
  CHECK(read->notes[0].label + " " + read->notes[0].text == "open http://127.0.0.1:1");
}

TEST_CASE("a failed run and a destroy are no success") {
  auto lines = lines_of_a_run();
  auto failed = run("run-1", "2026-11-23T10:05:00Z");
  failed.failed = true;
  lines.back() = host::finish_line(6, failed);
  CHECK(host::read_journal(joined(lines), "guestbook", path).state.last_success == "2026-11-22T10:00:00Z");
  auto destroyed = run("run-1", "2026-11-23T10:05:00Z");
  destroyed.verb = "destroy";
  lines.back() = host::finish_line(6, destroyed);
  CHECK(host::read_journal(joined(lines), "guestbook", path).state.last_success == "2026-11-22T10:00:00Z");
}

TEST_CASE("an unfinished run says how far it came") {
  auto lines = lines_of_a_run();
  lines.pop_back();
  const auto state = host::read_journal(joined(lines), "guestbook", path).state;
  REQUIRE(state.unfinished());
  CHECK(state.run->done == 3);
  CHECK(state.run->planned == 4);
}

TEST_CASE("names from elsewhere survive, whatever their bytes") {
  LedgerState state;
  state.entries.push_back(entry("name \"\\\n\x1b[31m\xff\xfe \xe2\x82\xac", State::owned, std::string("a\0b", 3)));
  const auto read = host::read_journal(host::whole_line("guestbook", state), "guestbook", path).state;
  CHECK(text(read) == text(state));
}

TEST_CASE("cut at each length, it is the state of the lines that are whole") {
  const auto lines = lines_of_a_run();
  const std::string whole = joined(lines);
  std::size_t line = 0, line_end = lines[0].size();
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    if (line + 1 < lines.size() && length == line_end + lines[line + 1].size()) line_end += lines[++line].size();
    const std::string cut = whole.substr(0, length);
    CAPTURE(length);
    if (length < lines[0].size()) {
      REQUIRE(code_of(cut) == "H0203");  // the first line is never written half
      continue;
    }
    const auto journal = host::read_journal(cut, "guestbook", path);
    REQUIRE(journal.intact == line_end);
    REQUIRE(journal.next == line + 1);
    REQUIRE(text(journal.state) == state_of(whole.substr(0, line_end)));
  }
}

TEST_CASE("a flipped bit is found; only in the last line it is taken for a crash") {
  const auto lines = lines_of_a_run();
  const std::string whole = joined(lines);
  const std::size_t last = whole.size() - lines.back().size();
  const std::string without_last = state_of(whole.substr(0, last));
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      CAPTURE(at, bit);
      const bool splits_the_line = flipped[at] == '\n';  // then it is not the last any more
      if (at < last || splits_the_line) REQUIRE(code_of(flipped) == "H0203");
      else REQUIRE(state_of(flipped) == without_last);
    }
}

TEST_CASE("a line that is missing, doubled or out of order is damage") {
  const auto lines = lines_of_a_run();
  for (std::size_t i = 1; i + 1 < lines.size(); ++i) {
    auto missing = lines, doubled = lines, swapped = lines;
    missing.erase(missing.begin() + static_cast<std::ptrdiff_t>(i));
    doubled.insert(doubled.begin() + static_cast<std::ptrdiff_t>(i), lines[i]);
    std::swap(swapped[i], swapped[i + 1]);
    CAPTURE(i);
    CHECK(code_of(joined(missing)) == "H0203");
    CHECK(code_of(joined(doubled)) == "H0203");
    CHECK(code_of(joined(swapped)) == "H0203");
  }
}

TEST_CASE("the error of a damaged ledger names file and line, and says what to do") {
  auto lines = lines_of_a_run();
  lines[2][40] = '#';
  try {
    (void)host::read_journal(joined(lines), "guestbook", path);
    FAIL("it was read");
  } catch (const Error& error) {
    CHECK(error.data().message == "the ledger `/state/ledger/journal` is damaged: line 3 is not as it was written");
    CHECK(error.data().help.find("backup") != std::string::npos);
  }
}

TEST_CASE("a newer format is refused as such, one of another deployment too") {
  const std::string record = R"({"n":0,"do":"hold","version":2,"deployment":"guestbook","shards":["a"]})";
  const std::string newer = R"({"sum":")" + host::sha256(record).substr(0, 16) + R"(","record":)" + record + "}\n";
  CHECK(code_of(newer) == "H0204");
  CHECK(code_of(newer + "something only the newer one understands\nand more\n") == "H0204");
  CHECK(code_of(lines_of_a_run()[0], "other") == "H0205");
  CHECK(code_of("") == "H0203");
}
