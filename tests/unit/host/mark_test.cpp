#include "host/mark.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <memory>
#include <thread>

#include <fmt/format.h>

#include "catch.hpp"
#include "host/command.hpp"
#include "support/temporary.hpp"

using namespace harmony::host;

namespace {

/// A program of its own session, ended and waited for.
class Detached {
 public:
  Detached(const std::string& script, const std::string& mark)
      : pid_(start_detached({"/bin/sh", "-c", script}, "/", Descriptor{::open("/dev/null", O_RDWR | O_CLOEXEC)},
                            mark)) {}
  Detached(const Detached&) = delete;
  Detached& operator=(const Detached&) = delete;
  ~Detached() {
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  int pid() const { return pid_; }

 private:
  int pid_;
};

const MarkedProcess* find(const std::vector<MarkedProcess>& all, int pid) {
  const auto found = std::ranges::find(all, pid, &MarkedProcess::pid);
  return found == all.end() ? nullptr : &*found;
}

/// A script writes a line to this pipe when it has come so far.
void wait_for(const std::filesystem::path& fifo) {
  const Descriptor pipe{::open(fifo.c_str(), O_RDONLY | O_CLOEXEC)};
  char byte = 0;
  REQUIRE(::read(pipe.number(), &byte, 1) == 1);
  // Until it has closed its end: who opens the pipe before that hears of the end, and of no next writer.
  REQUIRE(::read(pipe.number(), &byte, 1) == 0);
}

}  // namespace

TEST_CASE("what carries the mark of a state folder is found, and no other") {
  const harmony::testing::TemporaryFolder ours, other;
  const Mark mark{ours.path()}, other_mark{other.path()};
  // Nothing below becomes another program after it has said so: while it does, nobody can read its environment.
  const auto ready = ours.path() / "ready", never = ours.path() / "never";
  REQUIRE(::mkfifo(ready.c_str(), 0600) == 0);
  REQUIRE(::mkfifo(never.c_str(), 0600) == 0);
  const std::string stays = fmt::format("echo >{}; read line <{}", ready.string(), never.string());
  const Detached supervision{stays, mark.of_supervision()};
  wait_for(ready);
  const Detached process{fmt::format("{}exec /bin/sh -c '(read line <{}) & echo >{}; wait'",
                                     mark.line_of("a b:c", SIGINT), never.string(), ready.string()),
                         mark.of_supervision()};
  wait_for(ready);
  const Detached stranger{stays, other_mark.of_supervision()};
  wait_for(ready);

  const auto all = mark.carriers();
  REQUIRE(find(all, supervision.pid()));
  CHECK(find(all, supervision.pid())->name.empty());
  REQUIRE(find(all, process.pid()));
  CHECK(find(all, process.pid())->name == "a b:c");
  CHECK(find(all, process.pid())->main);
  CHECK(find(all, process.pid())->stop_signal == SIGINT);
  CHECK_FALSE(find(all, stranger.pid()));
  const auto child =
      std::ranges::find_if(all, [&](const MarkedProcess& each) { return each.name == "a b:c" && !each.main; });
  REQUIRE(child != all.end());
  CHECK(child->stop_signal == 0);
  CHECK(other_mark.carriers().size() == 1);
}

TEST_CASE("a mark that somebody else gave a process of his counts for nothing, also on a set-uid program", "[root]") {
  if (::geteuid() != 0) {
    WARN("needs root to be somebody else");
    return;
  }
  const harmony::testing::TemporaryFolder ours;
  const Mark mark{ours.path()};
  const auto ready = ours.path() / "ready", never = ours.path() / "never", sleep = ours.path() / "sleep";
  std::filesystem::permissions(ours.path(), std::filesystem::perms(0755));
  for (const auto& pipe : {ready, never}) {
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    REQUIRE(::chmod(pipe.c_str(), 0666) == 0);
  }
  std::filesystem::copy("/bin/sleep", sleep);
  REQUIRE(::chmod(sleep.c_str(), 04755) == 0);
  const std::string as_nobody = "exec setpriv --reuid=65534 --regid=65534 --clear-groups ";
  const Detached plain{fmt::format("{}{}/bin/sh -c 'echo >{}; read line <{}'", mark.line_of("db", SIGINT), as_nobody,
                                   ready.string(), never.string()),
                       ""};
  wait_for(ready);
  const Detached set_uid{mark.line_of("db", SIGINT) + as_nobody + sleep.string() + " 1000", ""};
  const std::string program = fmt::format("/proc/{}/exe", set_uid.pid());
  while (std::filesystem::read_symlink(program) != sleep) std::this_thread::yield();
  const Detached known{fmt::format("{}exec /bin/sh -c 'echo >{}; read line <{}'", mark.line_of("db", SIGINT),
                                   ready.string(), never.string()),
                       ""};
  wait_for(ready);
  const auto all = mark.carriers();
  CHECK_FALSE(find(all, plain.pid()));
  CHECK_FALSE(find(all, set_uid.pid()));
  CHECK(find(all, known.pid()));
}

TEST_CASE("one that is over stays over") {
  const harmony::testing::TemporaryFolder ours;
  const Mark mark{ours.path()};
  const auto ready = ours.path() / "ready", never = ours.path() / "never";
  REQUIRE(::mkfifo(ready.c_str(), 0600) == 0);
  REQUIRE(::mkfifo(never.c_str(), 0600) == 0);
  auto program = std::make_unique<Detached>(fmt::format("echo >{}; read line <{}", ready.string(), never.string()),
                                            mark.of_supervision());
  wait_for(ready);
  const auto all = mark.carriers();
  REQUIRE(find(all, program->pid()));
  const MarkedProcess& found = *find(all, program->pid());
  CHECK_FALSE(found.over());
  program.reset();
  CHECK(found.over());
  found.signal(SIGKILL);  // reaches nobody
}

TEST_CASE("a state folder that is not there has no mark") {
  const Mark mark{"/nonexistent/harmony"};
  CHECK(mark.of_supervision().empty());
  CHECK(mark.carriers().empty());
}
