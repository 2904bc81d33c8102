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

std::vector<std::string> last(const Folder& state, const std::filesystem::path& folder, std::size_t count) {
  LogPlace read_to;
  return last_lines(state, folder, count, read_to);
}

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
  CHECK(last(at.folder, "logs/app", 3) == std::vector<std::string>{"three", "four?[31m", "five"});
  CHECK(last(at.folder, "logs/app", 9).size() == 5);
  CHECK(last(at.folder, "logs/other", 9).empty());
}

TEST_CASE("only the newest part is read where it is enough") {
  const Place at;
  std::string many;
  for (int i = 0; i < 100'000; ++i) many += "line " + std::to_string(i) + "\n";
  at.add("current", many);
  CHECK(last(at.folder, "logs/app", 2) == std::vector<std::string>{"line 99998", "line 99999"});
}

TEST_CASE("nothing is missing between the last lines, however long they are") {
  const Place at;
  const std::string tail(3000, 'x');
  std::vector<std::string> wanted;
  for (int i = 0; i < 200; ++i) {
    at.add(i < 50 ? "@400000006b04cee928aa5227.s" : "current", "line " + std::to_string(i) + tail + "\n");
    wanted.push_back("line " + std::to_string(i) + tail);
  }
  CHECK(last(at.folder, "logs/app", 20) == std::vector<std::string>(wanted.end() - 20, wanted.end()));
  CHECK(last(at.folder, "logs/app", 100) == std::vector<std::string>(wanted.end() - 100, wanted.end()));
  CHECK(last(at.folder, "logs/app", 180) == std::vector<std::string>(wanted.end() - 180, wanted.end()));
  CHECK(last(at.folder, "logs/app", 300) == wanted);
}

TEST_CASE("a line that is longer than what is looked at first is whole") {
  const Place at;
  const std::string longest(200'000, 'x');
  at.add("current", "before\n" + longest + "\n");
  CHECK(last(at.folder, "logs/app", 1) == std::vector<std::string>{longest});
}

TEST_CASE("lines from before a start are old stories") {
  const Place at;
  at.add("current", "2026-11-23 10:00:00.000000001  old\n2026-11-23 10:00:01.000000000  new\nwithout time\n");
  const Time start{std::chrono::seconds(1795428001)};  // 2026-11-23T10:00:01Z
  CHECK(last_lines_since(at.folder, "logs/app", 9, start) == std::vector<std::string>{"new"});
}

TEST_CASE("following goes on where the last lines ended, over rotations, until it is stopped") {
  const Place at;
  at.add("current", "before\nlast before\n");
  LogPlace read_to;
  CHECK(last_lines(at.folder, "logs/app", 1, read_to) == std::vector<std::string>{"last before"});
  at.add("current", "in between\n");
  std::filesystem::rename(at.temporary.path() / "logs/app/current", at.temporary.path() / "logs/app/@1.s");
  at.add("current", "after a rotation\n");
  harmony::testing::Scopes scopes;
  std::stop_source stop;
  Heard heard;
  std::atomic<bool> stopped{false};
  const auto scope = scopes.reading(stop.get_token());
  std::jthread follower{[&] {
    try {
      follow(scope, at.folder, "logs/app", std::move(read_to), [&](std::string_view line) { heard.add(line); });
    } catch (const harmony::Stopped&) {
      stopped = true;
    }
  }};
  REQUIRE(heard.hears("after a rotation"));
  at.add("current", "last of the old\n");
  std::filesystem::rename(at.temporary.path() / "logs/app/current", at.temporary.path() / "logs/app/@2.s");
  at.add("current", "first of the new\n");
  REQUIRE(heard.hears("first of the new"));
  CHECK(heard.lines() ==
        std::vector<std::string>{"in between", "after a rotation", "last of the old", "first of the new"});
  stop.request_stop();
  follower.join();
  CHECK(stopped);
}

TEST_CASE("a log that is not there yet is followed from its beginning") {
  const Place at;
  LogPlace read_to;
  CHECK(last_lines(at.folder, "logs/app", 9, read_to).empty());
  at.add("current", "first\n");
  harmony::testing::Scopes scopes;
  std::stop_source stop;
  const auto scope = scopes.reading(stop.get_token());
  CHECK_THROWS_AS(follow(scope, at.folder, "logs/app", std::move(read_to),
                         [&](std::string_view line) {
                           CHECK(line == "first");
                           stop.request_stop();
                         }),
                  harmony::Stopped);
}
