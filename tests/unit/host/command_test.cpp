#include "host/command.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "catch.hpp"
#include "host/pipe.hpp"
#include "host/text.hpp"
#include "support/processes.hpp"
#include "support/scopes.hpp"
#include "support/temporary.hpp"

using namespace harmony::host;
using namespace std::chrono_literals;

namespace {

struct At {
  harmony::testing::Scopes scopes;
  std::stop_source stop;
  harmony::Scope scope = scopes.reading(stop.get_token());
  Ended run(const std::string& script, std::string input = {}) {
    return harmony::host::run(scope, {.argv = {"/bin/sh", "-c", script}, .input = std::move(input)});
  }
};

/// Held by anybody? Asked through a description of its own.
bool locked(const std::filesystem::path& path) {
  const Descriptor file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  return ::flock(file.number(), LOCK_EX | LOCK_NB) != 0;
}

bool comes_true(const std::function<bool()>& condition) {
  for (const auto deadline = std::chrono::steady_clock::now() + 20s; std::chrono::steady_clock::now() < deadline;
       std::this_thread::yield())
    if (condition()) return true;
  return false;
}

}  // namespace

TEST_CASE("a command's outputs and its end come back") {
  At at;
  const Ended ended = at.run("echo out; echo err >&2; exit 3");
  CHECK(ended.output == "out\nerr\n");
  CHECK(ended.code == 3);
  CHECK(ended.text() == "exited with code 3");
  CHECK(at.run("kill -SEGV $$").text() == "was killed by SIGSEGV");
  CHECK(at.run("exit 0").ok());
}

TEST_CASE("a command gets nothing of our environment and none of our descriptors") {
  At at;
  ::setenv("HARMONY_TEST_SECRET", "geheim", 1);
  const Descriptor ours{::open("/dev/null", O_RDONLY)};  // without O_CLOEXEC
  CHECK(at.run("env").output.find("geheim") == std::string::npos);
  CHECK(at.run("echo \"$PATH\"").output.find("/usr/bin") != std::string::npos);
  const std::string open = at.run("ls /proc/self/fd | wc -l").output;
  CHECK(std::stoi(open) == 4);  // three, and the one that lists them
}

TEST_CASE("its input arrives whole, however long, and may be ignored") {
  At at;
  const std::string large(3'000'000, 'x');
  CHECK(at.run("wc -c", large).output == "3000000\n");
  CHECK(at.run("cat /dev/stdin", "secret\n").output == "secret\n");
  CHECK(at.run("exec <&-; exit 0", large).ok());
}

TEST_CASE("of an endless output the end is kept") {
  At at;
  const Ended ended = at.run("i=0; while [ $i -lt 200000 ]; do echo line $i; i=$((i+1)); done");
  CHECK(ended.output.size() <= 2 * 256 * 1024);
  CHECK(ended.output.ends_with("line 199999\n"));
}

TEST_CASE("a program that is not there is an error that names it") {
  At at;
  try {
    harmony::host::run(at.scope, {.argv = {"/nonexistent/program"}});
    FAIL("it ran");
  } catch (const harmony::Error& error) {
    CHECK(error.data().code == "H0112");
    CHECK(error.data().message.find("/nonexistent/program") != std::string::npos);
  }
}

TEST_CASE("a stop ends the command and all it started") {
  At at;
  const harmony::testing::TemporaryFolder folder;
  const auto lock = folder.path() / "lock", ready = folder.path() / "ready";
  const Descriptor held{::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  REQUIRE(::flock(held.number(), LOCK_EX) == 0);
  std::jthread stopper{[&] {
    comes_true([&] { return std::filesystem::exists(ready); });
    at.stop.request_stop();
  }};
  const std::string script = "sleep 1000 & : >" + ready.string() + "; wait";
  CHECK_THROWS_AS(harmony::host::run(at.scope, {.argv = {"/bin/sh", "-c", script}, .lock = held.number()}),
                  harmony::Stopped);
}

TEST_CASE("a command that takes too long is ended with all it started, and says what it said") {
  At at;
  const Ended ended = harmony::host::run(
      at.scope, {.argv = {"/bin/sh", "-c", "echo begun; sleep 1000 & wait"}, .limit = std::chrono::milliseconds(300)});
  CHECK_FALSE(ended.ok());
  CHECK(ended.output == "begun\n");
  CHECK(ended.text() == "did not end within 300 ms");
  CHECK(Ended{.too_long = 5min}.text() == "did not end within 5 min 0 s");
}

TEST_CASE("a command that takes its time gives a sign of life") {
  struct FirstSign final : harmony::Observer {
    std::atomic<bool> came{false};
    std::string said;
    void on(const harmony::Event& event) noexcept override {
      if (event.kind != harmony::Event::Kind::waiting) return;
      said = event.text;
      came = true;
    }
  };
  At at;
  FirstSign sign;
  at.scopes.observe(sign);
  const harmony::testing::TemporaryFolder folder;
  const auto go = folder.path() / "go";
  REQUIRE(::mkfifo(go.c_str(), 0600) == 0);
  std::jthread ender{[&] {
    const Descriptor waits{::open(go.c_str(), O_WRONLY | O_CLOEXEC)};  // returns when the command reads
    comes_true([&] { return sign.came.load(); });
  }};
  CHECK(at.run("exec cat " + go.string()).ok());
  CHECK(sign.said == "`sh` still runs");
}

TEST_CASE("where ends of children are ignored, a command is an error and no endless wait") {
  const std::string said = harmony::testing::apart([] {
    ::signal(SIGCHLD, SIG_IGN);
    At at;
    return at.run("exit 3").text();
  });
  CHECK(said == "H0112: how `/bin/sh` ended cannot be known: no child processes");
}

TEST_CASE("the lock lives as long as the command, also without us") {
  At at;
  const harmony::testing::TemporaryFolder folder;
  const auto lock = folder.path() / "lock", go = folder.path() / "go";
  REQUIRE(::mkfifo(go.c_str(), 0600) == 0);
  Descriptor held{::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  REQUIRE(::flock(held.number(), LOCK_EX) == 0);
  std::jthread command{[&, number = held.number()] {
    harmony::host::run(at.scope, {.argv = {"/bin/sh", "-c", "exec cat " + go.string()}, .lock = number});
  }};
  Descriptor waits{::open(go.c_str(), O_WRONLY | O_CLOEXEC)};  // returns when the command reads
  held.close();
  CHECK(locked(lock));
  waits.close();
  command.join();
  CHECK_FALSE(locked(lock));
}

TEST_CASE("what is started detached has no lock and outlives nothing of ours") {
  const harmony::testing::TemporaryFolder folder;
  const auto lock = folder.path() / "lock";
  const Descriptor held{::open(lock.c_str(), O_RDWR | O_CREAT, 0600)},
      log{::open((folder.path() / "log").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  REQUIRE(::flock(held.number(), LOCK_EX) == 0);
  const int pid = start_detached({"/bin/sleep", "1000"}, "/", log, "");
  CHECK(::getsid(pid) == pid);
  REQUIRE(::flock(held.number(), LOCK_UN) == 0);
  CHECK_FALSE(locked(lock));
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

TEST_CASE("writing to who is gone is an error and no signal") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  ::close(ends[0]);
  CHECK(write_to_pipe(ends[1], "x") == -1);
  CHECK(errno == EPIPE);
  sigset_t pending;
  sigpending(&pending);
  CHECK(sigismember(&pending, SIGPIPE) == 0);
  ::close(ends[1]);
}
