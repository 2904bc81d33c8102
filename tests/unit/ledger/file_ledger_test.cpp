// The ledger as a file: durable, locked, and readable whatever happens to the disk.
#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include <fmt/format.h>

#include "catch.hpp"
#include "host/lock_file.hpp"
#include "host/process_table.hpp"
#include "host/state.hpp"
#include "ledgers.hpp"
#include "support/processes.hpp"
#include "support/scopes.hpp"
#include "support/temporary.hpp"

using namespace harmony;
using namespace harmony::testing;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
using EntryState = LedgerEntry::State;

namespace {

struct Deployment {
  TemporaryFolder folder;
  host::State state{"guestbook", folder.path().string()};
  std::shared_ptr<Ledger> ledger = host::file_ledger(state);
  Scopes scopes{ledger};
  fs::path file(const char* name) const { return state.root() / "ledger" / name; }
  std::unique_ptr<Lock> lock(std::chrono::milliseconds limit = 0ms) {
    Scope scope = scopes.reading();
    return ledger->lock(scope, limit);
  }
};

std::string content(const fs::path& path) {
  std::ostringstream all;
  all << std::ifstream{path}.rdbuf();
  return all.str();
}

std::string code_of(const std::function<void()>& body) {
  try {
    body();
    return "done";
  } catch (const Error& error) {
    return error.data().code;
  }
}

/// Runs a hook at the first wait it sees.
class AtFirstWait final : public Observer {
 public:
  explicit AtFirstWait(std::function<void(std::string)> hook) : hook_(std::move(hook)) {}
  void on(const Event& event) noexcept override {
    if (event.kind == Event::Kind::waiting && hook_) std::exchange(hook_, nullptr)(std::string(event.text));
  }

 private:
  std::function<void(std::string)> hook_;
};

/// As root, with mounts of one's own: a small disk for the state. What `body` returns.
std::string on_a_disk_of_64_kib(const std::function<std::string(const fs::path& disk)>& body) {
  const TemporaryFolder place;
  return apart([&]() -> std::string {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      return "no mounts of one's own";
    if (::mount("tmpfs", place.path().c_str(), "tmpfs", 0, "size=64k,mode=0755") != 0) return "no tmpfs";
    std::string said = body(place.path());
    ::umount2(place.path().c_str(), MNT_DETACH);
    return said;
  });
}

}  // namespace

TEST_CASE("reading makes no file, and nothing there is nothing owned") {
  Deployment here;
  CHECK(here.ledger->read().entries.empty());
  CHECK_FALSE(here.ledger->read().run);
  CHECK(fs::is_empty(here.folder.path()));
  CHECK(host::inherited_lock(*here.ledger) == -1);
}

TEST_CASE("what a run says is there for the next one, and for whoever reads meanwhile") {
  Deployment here;
  const auto other = host::file_ledger(here.state);
  {
    const auto lock = here.lock();
    CHECK_FALSE(lock->waited());
    here.ledger->begin(run("run-1"), {entry("web"), entry("data")});
    CHECK(other->read().unfinished());
    here.ledger->settle(entry("web", EntryState::owned, "pid 4711"));
    CHECK(text(*other->read().find({"host", "process", "web"})) ==
          "process/web 1 pid 4711 database server web guestbook > web 1");
    CHECK(other->read().run->done == 1);
    here.ledger->intend(entry("late"));
    here.ledger->forget({"host", "process", "data"});
    here.ledger->finish(run("run-1", "2026-11-23T10:05:00Z"));
  }
  const LedgerState state = other->read();
  CHECK(owned(state) ==
        text(entry("late"), false) + "\n" + text(entry("web", EntryState::owned, "pid 4711"), false) + "\n");
  CHECK(state.last_success == "2026-11-23T10:05:00Z");
  CHECK_FALSE(state.unfinished());
  const std::string bytes = content(here.file("journal"));
  CHECK(std::ranges::count(bytes, '\n') == 1);  // compacted
}

TEST_CASE("a second run in the same lock goes on behind the compacted first") {
  Deployment here;
  const auto lock = here.lock();
  for (const char* id : {"run-1", "run-2"}) {
    here.ledger->begin(run(id), {entry(id)});
    here.ledger->settle(entry(id, EntryState::owned));
    here.ledger->finish(run(id, "2026-11-23T10:05:00Z"));
  }
  CHECK(here.ledger->read().entries.size() == 2);
}

TEST_CASE("files are of their owner alone, whatever the umask") {
  Deployment here;
  const auto before = ::umask(0);
  {
    const auto lock = here.lock();
    here.ledger->begin(run("run-1"), {});
  }
  ::umask(before);
  for (const char* name : {"journal", "lock"}) {
    struct stat found{};
    REQUIRE(::lstat(here.file(name).c_str(), &found) == 0);
    CHECK((found.st_mode & 07777) == 0600);
  }
}

TEST_CASE("nobody writes without the lock") {
  Deployment here;
  CHECK(code_of([&] { here.ledger->begin(run("run-1"), {}); }) == "H0001");
  {
    const auto lock = here.lock();
  }
  CHECK(code_of([&] { here.ledger->settle(entry("web")); }) == "H0001");
}

TEST_CASE("a torn end is taken off before anything is added") {
  Deployment here;
  {
    const auto lock = here.lock();
    here.ledger->begin(run("run-1"), {entry("web")});
  }
  const std::string whole = content(here.file("journal"));
  for (const std::string tail :
       {"{\"sum\":\"0123", "\n", "half a line\n", "{\"sum\":\"0123456789abcdef\",\"record\":{}}\n"}) {
    std::ofstream{here.file("journal"), std::ios::trunc} << whole << tail;
    const auto lock = here.lock();
    CHECK(text(here.ledger->read()) == "run-1  0\nlast \nprocess/web 0  database server web guestbook > web 1");
    here.ledger->settle(entry("web", EntryState::owned, "pid 1"));
    CHECK(content(here.file("journal")).starts_with(whole));
    CHECK(here.ledger->read().entries.front().identity == "pid 1");
  }
}

TEST_CASE("a damaged, newer or foreign ledger is refused before anything is written to it") {
  Deployment here;
  {
    const auto lock = here.lock();
    here.ledger->begin(run("run-1"), {entry("web")});
    here.ledger->finish(run("run-1", "2026-11-23T10:05:00Z"));
  }
  std::string bytes = content(here.file("journal"));
  bytes[60] = '#';
  std::ofstream{here.file("journal"), std::ios::trunc} << bytes;
  CHECK(code_of([&] { (void)here.ledger->read(); }) == "H0203");
  const auto lock = here.lock();
  CHECK(code_of([&] { here.ledger->begin(run("run-2"), {}); }) == "H0203");
  CHECK(code_of([&] { here.ledger->finish(run("run-2")); }) == "H0203");
  CHECK(content(here.file("journal")) == bytes);
}

TEST_CASE("a ledger that is a link is not followed") {
  Deployment here;
  here.state.make();
  std::ofstream{here.folder.path() / "elsewhere"} << "x";
  fs::create_symlink(here.folder.path() / "elsewhere", here.file("journal"));
  CHECK(code_of([&] { (void)here.ledger->read(); }) == "H0202");
}

TEST_CASE("the second is told who is the first, and leaves at its limit") {
  Deployment here;
  Child first{[&](int pipe) {
    const auto lock = here.lock();
    (void)!::write(pipe, "1", 1);
    ::pause();
    return 0;
  }};
  REQUIRE(first.next() == '1');
  try {
    (void)here.lock(30ms);
    FAIL("both hold it");
  } catch (const Error& error) {
    CHECK(error.data().code == "H0201");
    CHECK(error.data().category == Category::locked);
    REQUIRE(error.data().facts.size() == 1);
    CHECK_THAT(
        error.data().facts[0].second,
        Catch::Matchers::Matches(fmt::format(R"(deploy by tester@here, pid {}, since \d\d:\d\d:\d\d)", first.pid())));
  }
  CHECK_FALSE(fs::exists(here.file("journal")));
  first.kill(SIGKILL);
  first.wait();
  CHECK_FALSE(here.lock()->waited());  // no manual unlock after a kill
}

TEST_CASE("the second waits, says for whom, and knows that it waited") {
  Deployment here;
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  Child first{[&](int pipe) {
    const auto lock = here.lock();
    (void)!::write(pipe, "1", 1);
    char go;
    (void)!::read(ends[0], &go, 1);
    return 0;
  }};
  REQUIRE(first.next() == '1');
  std::string reason;
  AtFirstWait observer{[&](const std::string& text) {
    reason = text;
    (void)!::write(ends[1], "g", 1);
  }};
  here.scopes.observe(observer);
  const auto lock = here.lock(60s);
  CHECK(lock->waited());
  CHECK(reason.starts_with("locked: deploy by tester@here, pid "));
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("a stop ends the wait for the lock") {
  Deployment here;
  const auto held = here.lock();
  std::stop_source stop;
  AtFirstWait observer{[&](const std::string&) { stop.request_stop(); }};
  here.scopes.observe(observer);
  Scope scope = here.scopes.reading(stop.get_token());
  CHECK_THROWS_AS((void)host::file_ledger(here.state)->lock(scope, 1h), Stopped);
}

TEST_CASE("a holder that has ended is not alive, though nobody has asked how it did") {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  const host::LockHolder holder{.pid = child, .pid_started = host::start_of(child)};
  CHECK(host::is_alive(holder));
  ::kill(child, SIGKILL);
  siginfo_t ended{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT) == 0);
  CHECK(host::start_of(child) == holder.pid_started);
  CHECK_FALSE(host::is_alive(holder));
  ::waitpid(child, nullptr, 0);
}

TEST_CASE("a command of a killed deploy keeps the lock, and is named") {
  Deployment here;
  Child deploy{[&](int pipe) {
    const auto lock = here.lock();
    const int inherited = host::inherited_lock(*here.ledger);
    if (inherited < 0 || !(::fcntl(inherited, F_GETFD) & FD_CLOEXEC)) return 1;
    const pid_t command = ::fork();
    if (command == 0) {
      ::close(pipe);
      ::fcntl(inherited, F_SETFD, 0);
      ::execl("/bin/sleep", "sleep", "1000", nullptr);
      ::_exit(127);
    }
    const std::string said = std::to_string(command) + "\n";
    (void)!::write(pipe, said.data(), said.size());
    ::pause();
    return 0;
  }};
  std::string command;
  while (const auto byte = deploy.next()) {
    if (*byte == '\n') break;
    command += *byte;
  }
  REQUIRE_FALSE(command.empty());
  const fs::path program = "/proc/" + command + "/exe";
  while (fs::read_symlink(program).filename() == fs::read_symlink("/proc/self/exe").filename())
    std::this_thread::yield();  // until it is `sleep`
  deploy.kill(SIGKILL);
  deploy.wait();
  std::string reason;
  AtFirstWait observer{[&](const std::string& text) {
    reason = text;
    ::kill(std::stoi(command), SIGKILL);  // it ends, as a command does
  }};
  here.scopes.observe(observer);
  const auto lock = here.lock(60s);
  CHECK(lock->waited());
  CHECK(reason == "locked: a command of a deploy that was killed (pid " + command + ", `sleep`)");
}

TEST_CASE("whoever waited while all was taken away starts anew") {
  Deployment here;
  auto held = here.lock();
  here.ledger->begin(run("run-1"), {entry("web")});
  AtFirstWait observer{[&](const std::string&) {
    fs::remove_all(here.state.root());
    held.reset();
  }};
  Scopes others;
  others.observe(observer);
  const auto second = host::file_ledger(here.state);
  Scope scope = others.reading();
  const auto lock = second->lock(scope, 60s);
  CHECK(lock->waited());
  CHECK(second->read().entries.empty());
  second->begin(run("run-2"), {});
  CHECK(here.ledger->read().run->id == "run-2");
}

TEST_CASE("whoever waits for the lock writes nothing") {
  Deployment here;
  const auto held = here.lock();
  struct stat before{}, after{};
  REQUIRE(::stat(here.file("").c_str(), &before) == 0);
  CHECK(apart([&] { return code_of([&] { (void)here.lock(30ms); }); }) == "H0201");
  REQUIRE(::stat(here.file("").c_str(), &after) == 0);
  CHECK(before.st_mtim.tv_sec == after.st_mtim.tv_sec);
  CHECK(before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
}

TEST_CASE("whoever waits for the lock waits for nothing else") {
  Deployment here;
  const auto held = here.lock();
  // As one leaves it who was stopped while he wrote.
  const int draft = ::open(here.file(".place.next").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(::flock(draft, LOCK_EX) == 0);
  CHECK(apart([&] { return code_of([&] { (void)here.lock(30ms); }); }) == "H0201");
  ::close(draft);
}

TEST_CASE("whoever waits for the lock is not in the way of one who takes everything away, nor he in his") {
  Deployment here;
  constexpr int processes = 4, times = 60;
  std::vector<std::unique_ptr<Child>> children;
  for (int i = 0; i < processes; ++i)
    children.push_back(std::make_unique<Child>([&](int) {
      for (int n = 0; n < times; ++n) {
        const auto lock = here.lock(120s);
        here.ledger->begin(run("run"), {entry("web")});
        here.ledger->finish(run("run", "2026-11-23T10:05:00Z"));
        here.state.take_away();
      }
      return 0;
    }));
  for (auto& child : children) {
    const Ended ended = child->end();
    CHECK(ended.said == "");
    CHECK(ended.status == 0);
  }
  CHECK_FALSE(here.state.made());
}

TEST_CASE("taking the lock makes all that belongs to it, each time") {
  TemporaryFolder folder;
  const host::State state{"guestbook", folder.path().string()};
  int taken = 0;
  const auto ledger = host::file_ledger(state, [&] {
    ++taken;
    CHECK(fs::exists(state.root() / "keys"));
    CHECK(fs::exists(state.root() / "ledger/place"));
  });
  Scopes scopes{ledger};
  for (int i = 0; i < 2; ++i) {
    Scope scope = scopes.reading();
    const auto lock = ledger->lock(scope, 0ms);
    fs::remove_all(state.root() / "keys");
  }
  CHECK(taken == 2);
}

TEST_CASE("processes that all want to write do so one after the other") {
  Deployment here;
  constexpr int processes = 6, times = 8;
  std::vector<std::unique_ptr<Child>> children;
  for (int i = 0; i < processes; ++i)
    children.push_back(std::make_unique<Child>([&](int) {
      for (int n = 0; n < times; ++n) {
        const auto lock = here.lock(120s);
        const LedgerState before = here.ledger->read();
        RunRecord next = run("run");
        next.planned = before.run ? before.run->planned + 1 : 1;
        here.ledger->begin(next, {entry(std::to_string(next.planned))});
        here.ledger->settle(entry(std::to_string(next.planned), EntryState::owned));
        next.finished = "2026-11-23T10:05:00Z";
        here.ledger->finish(next);
      }
      return 0;
    }));
  for (auto& child : children) REQUIRE(child->end().status == 0);
  const LedgerState state = here.ledger->read();
  CHECK(state.run->planned == processes * times);
  CHECK(state.entries.size() == static_cast<std::size_t>(processes * times));
}

TEST_CASE("threads of one deploy settle side by side") {
  Deployment here;
  const auto lock = here.lock();
  constexpr int threads = 4, times = 25;
  here.ledger->begin(run("run-1"), {});
  {
    std::vector<std::jthread> all;
    for (int i = 0; i < threads; ++i)
      all.emplace_back([&, i] {
        for (int n = 0; n < times; ++n) {
          here.ledger->settle(entry(fmt::format("{}-{}", i, n), EntryState::owned));
          (void)here.ledger->read();
        }
      });
  }
  CHECK(here.ledger->read().entries.size() == static_cast<std::size_t>(threads * times));
  CHECK(here.ledger->read().run->done == threads * times);
}

TEST_CASE("a full disk: the ledger stays as it was, says so, and goes on when there is room", "[root]") {
  if (::geteuid() != 0) {
    WARN("needs root for a disk of its own");
    return;
  }
  const std::string said = on_a_disk_of_64_kib([](const fs::path& disk) -> std::string {
    const host::State state{"guestbook", disk.string()};
    const auto ledger = host::file_ledger(state);
    Scopes scopes{ledger};
    Scope scope = scopes.reading();
    const auto lock = ledger->lock(scope, 0ms);
    ledger->begin(run("run-1"), {entry("web")});
    {
      std::ofstream filler{disk / "filler", std::ios::binary};
      const std::string block(1024, 'x');
      while (filler.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
      }
    }
    int settled = 0;
    std::string before;
    try {
      for (;; ++settled) {
        before = text(ledger->read());
        ledger->settle(entry(std::to_string(settled), EntryState::owned));
      }
    } catch (const Error& error) {
      if (error.data().code != "H0104") return "wrong error " + error.data().code;
      if (error.data().message !=
          fmt::format("`{}/guestbook/ledger/journal` cannot be written: no space left on device", disk.string()))
        return error.data().message;
      if (error.data().help.find("make room") == std::string::npos) return error.data().help;
    }
    if (text(ledger->read()) != before) return "what was settled is not what is read";
    std::string of_finish = "finished";
    try {
      ledger->finish(run("run-1", "2026-11-23T10:05:00Z"));
    } catch (const Error& error) {
      of_finish = error.data().code;
    }
    const bool unfinished = ledger->read().unfinished();
    if ((of_finish == "finished") == unfinished) return "finish says " + of_finish;
    fs::remove(disk / "filler");
    ledger->settle(entry("after", EntryState::owned));
    ledger->finish(run("run-1", "2026-11-23T10:06:00Z"));
    const LedgerState after = ledger->read();
    if (after.entries.size() != static_cast<std::size_t>(settled) + 2 || after.unfinished())
      return "it did not go on: " + text(after);
    return fs::exists(disk / "guestbook/ledger/.journal.next") ? "a draft was left" : "good";
  });
  CHECK(said == "good");
}

TEST_CASE("a disk gone read-only is named, and the ledger still read", "[root]") {
  if (::geteuid() != 0) {
    WARN("needs root for a disk of its own");
    return;
  }
  const std::string said = on_a_disk_of_64_kib([](const fs::path& disk) -> std::string {
    const host::State state{"guestbook", disk.string()};
    const auto ledger = host::file_ledger(state);
    Scopes scopes{ledger};
    Scope scope = scopes.reading();
    {
      const auto lock = ledger->lock(scope, 0ms);
      ledger->begin(run("run-1"), {entry("web")});
      ledger->finish(run("run-1", "2026-11-23T10:06:00Z"));
    }
    if (::mount(nullptr, disk.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, "") != 0) return "no remount";
    if (ledger->read().entries.size() != 1) return "not readable";
    try {
      const auto lock = ledger->lock(scope, 0ms);
      return "locked";
    } catch (const Error& error) {
      return error.data().code + " " + error.data().message.substr(error.data().message.rfind(": ") + 2);
    }
  });
  CHECK(said == "H0104 read-only file system");
}
