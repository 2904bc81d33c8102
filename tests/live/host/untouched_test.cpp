/// A plan and an observation change nothing: bytes, times, pids; and open nothing for writing.
#include <sys/prctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>
#include <map>

#include "host/status.hpp"
#include "host_topology.hpp"

using namespace harmony;
using namespace harmony::host;
using namespace harmony::host::testing;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

Body serving(const std::string& greeting) {
  return [=](Host& host, Scope& in) {
    const auto password = host.secret(in, "app.password");
    const auto installed = host.ensure(in, Artefact{server});
    host.ensure(in, Directory{.path = "services/app"});
    host.ensure(in, Tree{.path = "services/app/data", .command = {"/bin/true"}, .holds_data = true});
    host.ensure(in, File{.path = "services/app/conf", .content = {greeting, password}, .owner = Owner::service});
    const Endpoint at{.port = host.port(in, "app")};
    const Process process{.name = "app",
                          .command = {installed.path},
                          .environment = {{"LISTEN", {at.text()}}, {"GREETING", {greeting}}},
                          .listens = at,
                          .executable_hash = installed.hash};
    host.ensure(in, process);
    host.until_listening(in, process, 20s);
    host.until_ready(in, process, 20s, [&]() -> std::optional<std::string> {
      return greeted(at.port) == greeting ? std::nullopt : std::optional<std::string>("not yet");
    });
  };
}

std::map<std::string, std::string> snapshot(const fs::path& root) {
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    struct stat found{};
    ::lstat(entry.path().c_str(), &found);
    all[entry.path()] = std::to_string(found.st_mtim.tv_sec) + "." + std::to_string(found.st_mtim.tv_nsec) + " " +
                        std::to_string(found.st_ctim.tv_nsec) + " " + std::to_string(found.st_mode) + " " +
                        (entry.is_regular_file() ? text_of_file(entry.path()) : "");
  }
  return all;
}

}  // namespace

TEST_CASE("plans of every kind, observations and logs leave the state as it is") {
  Deployment at;
  REQUIRE(text_of(at.deploy(serving("hello")).errors) == "");
  REQUIRE(
      comes_true([&] { return text_of_file(at.root() / "logs/app/current").find("serving") != std::string::npos; }));
  const auto before = snapshot(at.root());
  CHECK(changes_of(at.plan(serving("hello")).outcome) == "");
  CHECK(changes_of(at.plan(serving("good evening")).outcome) != "");
  CHECK(changes_of(at.plan([](Host&, Scope&) {}).outcome) != "");
  (void)at.observe();
  const auto after = snapshot(at.root());
  CHECK(before == after);
}

TEST_CASE("a first plan makes no folder") {
  Deployment at;
  CHECK(changes_of(at.plan(serving("hello")).outcome) != "");
  CHECK(fs::is_empty(at.folder()));
}

TEST_CASE("a plan runs no program and opens nothing for writing") {
  Deployment at;
  REQUIRE(text_of(at.deploy(serving("hello")).errors) == "");
  // The tracer of the kernel itself: this process forks a child that plans, under strace.
  const fs::path trace = at.folder() / "trace";
  harmony::testing::Child child{[&](int pipe) {
    const auto go = at.folder() / "go";
    ::prctl(PR_SET_DUMPABLE, 1);  // it has changed its user
    ::prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    (void)!::write(pipe, "!", 1);
    if (!comes_true([&] { return fs::exists(go); })) return 9;
    return changes_of(at.plan(serving("hello")).outcome).empty() ? 0 : 1;
  }};
  REQUIRE(child.next());
  const std::string command =
      "strace -f -q -e trace=openat,open,creat,execve,unlinkat,renameat,mkdirat,unlink,rename,mkdir,fork,vfork -o " +
      trace.string() + " -p " + std::to_string(child.pid()) + " 2>/dev/null & echo $!";
  FILE* strace = ::popen(command.c_str(), "r");
  REQUIRE(strace);
  REQUIRE(comes_true([&] {
    return text_of_file("/proc/" + std::to_string(child.pid()) + "/status").find("TracerPid:\t0\n") ==
           std::string::npos;
  }));
  std::ofstream{at.folder() / "go"}.close();
  CHECK(WEXITSTATUS(child.wait()) == 0);
  ::pclose(strace);
  REQUIRE(comes_true([&] { return text_of_file(trace).find("exited with") != std::string::npos; }));
  std::ifstream lines{trace};
  int seen = 0;
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    ++seen;
    CHECK(line.find("execve(") == std::string::npos);
    for (const char* writing : {"O_WRONLY", "O_RDWR", "O_CREAT", "unlink", "rename", "mkdir"})
      if (line.find("/dev/") == std::string::npos) CHECK(line.find(writing) == std::string::npos);
  }
  CHECK(seen > 50);
}
