#include "host/logs.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>

#include "catch.hpp"
#include "support/scopes.hpp"
#include "support/temporary.hpp"

using namespace harmony::host;
using namespace std::chrono_literals;

namespace {

struct Place {
  harmony::testing::TemporaryFolder temporary;
  Folder folder{temporary.path()};
  Place() { folder.make("logs/app", 0700, std::nullopt); }
  void add(const std::string& name, const std::string& text) const {
    std::ofstream{temporary.path() / "logs/app" / name, std::ios::app} << text;
  }
};

/// What another thread heard.
class Heard {
 public:
  void add(std::string_view line) {
    {
      std::lock_guard hold{mutex_};
      lines_.emplace_back(line);
    }
    more_.notify_all();
  }
  std::vector<std::string> lines() const {
    std::lock_guard hold{mutex_};
    return lines_;
  }
  bool hears(std::string_view line, std::chrono::milliseconds limit = 20s) const {
    std::unique_lock hold{mutex_};
    return more_.wait_for(hold, limit, [&] { return std::ranges::find(lines_, line) != lines_.end(); });
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable more_;
  std::vector<std::string> lines_;
};

}  // namespace

TEST_CASE("a line has its time before it, or none") {
  CHECK(parse_log_line("2026-11-23 10:00:00.123456789  hello").text == "hello");
  CHECK(parse_log_line("2026-11-23 10:00:00.123456789  hello").stamp == "2026-11-23 10:00:00.123456789");
  CHECK(parse_log_line("hello").text == "hello");
  CHECK(parse_log_line("2026-11-23 10:00:00.123456789").text.empty());
}

TEST_CASE("the last lines come from older parts too, and are printable") {
  const Place at;
  at.add("@400000006b04cee928aa5227.s", "one\ntwo\n");
  at.add("@400000006b04ceea28aa5227.s", "three\n");
  at.add("current", "four\x1b[31m\nfive");
  CHECK(last_lines(at.folder, "logs/app", 3) == std::vector<std::string>{"three", "four?[31m", "five"});
  CHECK(last_lines(at.folder, "logs/app", 9).size() == 5);
  CHECK(last_lines(at.folder, "logs/other", 9).empty());
}

TEST_CASE("only the newest part is read where it is enough") {
  const Place at;
  std::string many;
  for (int i = 0; i < 100'000; ++i) many += "line " + std::to_string(i) + "\n";
  at.add("current", many);
  CHECK(last_lines(at.folder, "logs/app", 2) == std::vector<std::string>{"line 99998", "line 99999"});
}

TEST_CASE("lines from before a start are old stories") {
  const Place at;
  at.add("current", "2026-11-23 10:00:00.000000001  old\n2026-11-23 10:00:01.000000000  new\nwithout time\n");
  const Time start{std::chrono::seconds(1795428001)};  // 2026-11-23T10:00:01Z
  CHECK(last_lines_since(at.folder, "logs/app", 9, start) == std::vector<std::string>{"new"});
}

TEST_CASE("following goes on over a rotation, until it is stopped") {
  const Place at;
  at.add("current", "before\n");
  harmony::testing::Scopes scopes;
  std::stop_source stop;
  Heard heard;
  std::atomic<bool> stopped{false};
  const auto scope = scopes.reading(stop.get_token());
  std::jthread follower{[&] {
    try {
      follow(scope, at.folder, "logs/app", [&](std::string_view line) { heard.add(line); });
    } catch (const harmony::Stopped&) {
      stopped = true;
    }
  }};
  // It may not have looked for the end of the log yet.
  for (int i = 0; i < 2000 && !heard.hears("again", 1ms); ++i) at.add("current", "again\n");
  REQUIRE(heard.hears("again"));
  CHECK(heard.lines().front() == "again");
  at.add("current", "last of the old\n");
  std::filesystem::rename(at.temporary.path() / "logs/app/current", at.temporary.path() / "logs/app/@1.s");
  at.add("current", "first of the new\n");
  REQUIRE(heard.hears("first of the new"));
  CHECK(heard.lines().back() == "first of the new");
  CHECK(std::ranges::count(heard.lines(), "last of the old") == 1);
  CHECK(std::ranges::count(heard.lines(), "before") == 0);
  stop.request_stop();
  follower.join();
  CHECK(stopped);
}
