#include "host/status.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "catch.hpp"
#include "host/descriptor.hpp"
#include "support/processes.hpp"
#include "support/temporary.hpp"

using namespace harmony::host;
using namespace std::string_literals;

namespace {

/// As s6-supervise 2.11.3.2 wrote them on 2026-11-23; TAI is 37 s ahead of UTC.
const std::string up =
    "\x40\0\0\0\x6b\x04\xce\xe9\x28\xaa\x52\x27\x40\0\0\0\x6b\x04\xce\xe9\x28\x95\x2e\x76\0\0\0\0\0\0\x3b\x3c\0\0\x04"s;
const std::string restarting =
    "\x40\0\0\0\x6b\x04\xce\xea\x0b\x2c\x7f\x63\x40\0\0\0\x6b\x04\xce\xea\x0b\x39\x12\x57\0\0\0\0\0\0\0\0\0\x09\x0c"s;
const std::string asked_down =
    "\x40\0\0\0\x6b\x04\xce\xeb\x29\xdd\x4c\xb6\x40\0\0\0\x6b\x04\xce\xeb\x2a\x06\x40\x98\0\0\0\0\0\0\0\0\0\x0f\x08"s;
const std::string deaths =
    "\x40\0\0\0\x6b\x04\xce\xea\x0b\x2c\x7f\x63\x89\x09\x40\0\0\0\x6b\x04\xce\xeb\x29\xdd\x4c\xb6\x07\0"s;

long long seconds(Time time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

TEST_CASE("a status says the pid, since when, and whether it is wanted up") {
  const auto status = parse_status(up);
  REQUIRE(status);
  CHECK(status->pid == 0x3b3c);
  CHECK(status->wants_up);
  CHECK(seconds(status->since) == 0x6b04cee9 - 37);
  CHECK(status->since.time_since_epoch().count() % 1'000'000'000 == 0x28aa5227);
}

TEST_CASE("a service between its death and its restart is wanted up without a pid") {
  const auto status = parse_status(restarting);
  REQUIRE(status);
  CHECK(status->pid == 0);
  CHECK(status->wants_up);
  CHECK_FALSE(parse_status(asked_down)->wants_up);
}

TEST_CASE("the status of later releases has a process group in between") {
  const std::string later = up.substr(0, 32) + std::string(8, '\0') + up.substr(32);
  const auto status = parse_status(later);
  REQUIRE(status);
  CHECK(status->pid == 0x3b3c);
  CHECK(status->wants_up);
}

TEST_CASE("while a finish script runs the service itself does not") {
  std::string finishing = up;
  finishing.back() = 0x06;
  CHECK(parse_status(finishing)->pid == 0);
  CHECK(parse_status(finishing)->finishing);
}

TEST_CASE("anything of another length is no status") {
  CHECK_FALSE(parse_status(""));
  CHECK_FALSE(parse_status(up.substr(1)));
  CHECK_FALSE(parse_status(up + "x"));
}

TEST_CASE("deaths say how, oldest first, and a torn last one does not count") {
  const auto all = parse_deaths(deaths + "\x40\0\0"s);
  REQUIRE(all.size() == 2);
  CHECK(all[0].signal == 9);
  CHECK(all[0].exit_code == 0);
  CHECK(all[1].signal == 0);
  CHECK(all[1].exit_code == 7);
  CHECK(all[0].at < all[1].at);
}

TEST_CASE("a lock tells who holds it, without being opened for writing") {
  const harmony::testing::TemporaryFolder folder;
  const auto path = folder.path() / "lock";
  Descriptor file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  CHECK(lock_holder(file.number()) == 0);
  harmony::testing::Child holder{[&](int pipe) {
    const int ours = ::open(path.c_str(), O_WRONLY);
    struct flock lock{};
    lock.l_type = F_WRLCK;
    ::fcntl(ours, F_SETLK, &lock);
    (void)!::write(pipe, "!", 1);
    ::pause();
    return 0;
  }};
  REQUIRE(holder.next());
  const Descriptor reading{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  CHECK(lock_holder(reading.number()) == holder.pid());
  holder.kill(SIGKILL);
  holder.wait();
  CHECK(lock_holder(reading.number()) == 0);
}
