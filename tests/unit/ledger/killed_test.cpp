// kill -9 at every step of the ledger's writes, also in the middle of a write: what was acknowledged is there, what was
// not is there whole or not at all, and the next deploy needs no manual unlock.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <csignal>

#include "catch.hpp"
#include "host/state.hpp"
#include "ledgers.hpp"
#include "support/processes.hpp"
#include "support/scopes.hpp"
#include "support/temporary.hpp"

namespace {

std::atomic<int> steps_left{-1};  // -1: nobody counts
std::atomic<bool> tear{false};  // the last step is done half

/// A step of a write, as the kernel sees it. Killed before it.
void step() {
  if (steps_left < 0) return;
  if (steps_left-- == 0) ::kill(::getpid(), SIGKILL);
}

}  // namespace

// In place of the C library's, for this program: the same system calls, counted.
extern "C" {
ssize_t write(int file, const void* data, size_t size) {
  if (steps_left == 0 && tear) {
    ::syscall(SYS_write, file, data, size / 2);
    ::kill(::getpid(), SIGKILL);
  }
  step();
  return ::syscall(SYS_write, file, data, size);
}
int fsync(int file) {
  step();
  return static_cast<int>(::syscall(SYS_fsync, file));
}
int fdatasync(int file) {
  step();
  return static_cast<int>(::syscall(SYS_fdatasync, file));
}
int ftruncate(int file, off_t size) noexcept {
  step();
  return static_cast<int>(::syscall(SYS_ftruncate, file, size));
}
int mkdirat(int folder, const char* path, mode_t mode) noexcept {
  step();
  return static_cast<int>(::syscall(SYS_mkdirat, folder, path, mode));
}
int renameat(int from, const char* old_path, int to, const char* new_path) noexcept {
  step();
  return static_cast<int>(::syscall(SYS_renameat, from, old_path, to, new_path));
}
int fchmod(int file, mode_t mode) noexcept {
  step();
  return static_cast<int>(::syscall(SYS_fchmod, file, mode));
}
}

using namespace harmony;
using namespace harmony::testing;
using namespace std::chrono_literals;
using EntryState = LedgerEntry::State;

namespace {

/// Two runs. `done` is told after each part, when it counts as acknowledged.
void deploy_twice(const host::State& state, const std::function<void()>& done) {
  const auto ledger = host::file_ledger(state);
  Scopes scopes{ledger};
  Scope scope = scopes.reading();
  const auto lock = ledger->lock(scope, 60s);
  done();
  const auto part = [&](const std::function<void()>& body) {
    body();
    done();
  };
  part([&] { ledger->begin(run("run-1"), {entry("data"), entry("web"), entry("passing")}); });
  part([&] { ledger->settle(entry("data", EntryState::owned, "pid 1")); });
  part([&] { ledger->settle(entry("passing", EntryState::owned)); });
  part([&] { ledger->forget(entry("passing").subject); });
  part([&] { ledger->intend(entry("late")); });
  part([&] { ledger->settle(entry("late", EntryState::owned, "pid 2")); });
  part([&] { ledger->finish(run("run-1", "2026-11-23T10:01:00Z")); });
  part([&] { ledger->begin(run("run-2"), {}); });
  part([&] { ledger->settle(entry("web", EntryState::kept)); });
  part([&] { ledger->finish(run("run-2", "2026-11-23T10:02:00Z")); });
}

/// The state after each part of an undisturbed deploy; the first: before it.
std::vector<std::string> undisturbed(std::string& in_the_end) {
  const TemporaryFolder folder;
  const host::State state{"guestbook", folder.path().string()};
  std::vector<std::string> states{text(LedgerState{})};
  deploy_twice(state, [&] { states.push_back(text(host::file_ledger(state)->read())); });
  in_the_end = owned(host::file_ledger(state)->read());
  return states;
}

/// @returns false where the deploy ended before it could be killed.
bool killed_at(int number, bool torn, const std::vector<std::string>& expected, const std::string& in_the_end) {
  const TemporaryFolder folder;
  const host::State state{"guestbook", folder.path().string()};
  Child child{[&](int pipe) {
    tear = torn;
    steps_left = number;
    deploy_twice(state, [&] { ::syscall(SYS_write, pipe, "+", 1); });
    return 0;
  }};
  const Ended ended = child.end();
  const std::size_t acknowledged = ended.said.size();
  CAPTURE(number, torn, ended.said);
  const auto ledger = host::file_ledger(state);
  const std::string found = text(ledger->read());
  const bool as_acknowledged = found == expected[acknowledged];
  const bool as_the_next = acknowledged + 1 < expected.size() && found == expected[acknowledged + 1];
  CHECK((as_acknowledged || as_the_next));
  // The next deploy: no manual unlock, the same end, nothing left lying about.
  deploy_twice(state, [] {});
  CHECK(owned(ledger->read()) == in_the_end);
  for (const auto& left : std::filesystem::directory_iterator(state.root() / "ledger"))
    CHECK(
        (left.path().filename() == "journal" || left.path().filename() == "lock" || left.path().filename() == "place"));
  return !WIFEXITED(ended.status);
}

}  // namespace

TEST_CASE("killed at any step of a write") {
  std::string in_the_end;
  const auto expected = undisturbed(in_the_end);
  for (const bool torn : {false, true}) {
    int kills = 0;
    while (killed_at(kills, torn, expected, in_the_end)) ++kills;
    CHECK(kills > 30);
  }
}
