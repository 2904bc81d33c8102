/// Real processes under a real supervisor.
#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <iterator>
#include <thread>

#include "host/command.hpp"
#include "host/folder.hpp"
#include "host/sockets.hpp"
#include "host/status.hpp"
#include "host/supervisor.hpp"
#include "host/text.hpp"
#include "host_topology.hpp"
#include "support/scopes.hpp"

using namespace harmony;
using namespace harmony::host;
using namespace harmony::host::testing;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

int pid_of(const fs::path& root, const std::string& name) {
  const auto status = parse_status(text_of_file(root / "supervisor" / name / "supervise/status"));
  return status ? status->pid : 0;
}

/// The supervisor's own pid; 0 where none lives.
int scanner_of(const fs::path& root) {
  const auto lock = harmony::host::Folder{root}.open("supervisor/.s6-svscan/lock", O_RDONLY);
  return lock ? lock_holder(lock.number()) : 0;
}

/// The application of these tests: a server with a port of its own and a greeting.
Process application(Host& host, Scope& in, const std::string& greeting, std::vector<std::string> arguments = {}) {
  const auto installed = host.ensure(in, Artefact{server});
  Process process{.name = "app",
                  .command = {installed.path},
                  .listens = Endpoint{.port = host.port(in, "app")},
                  .executable_hash = installed.hash};
  process.command.insert(process.command.end(), arguments.begin(), arguments.end());
  process.environment = {{"LISTEN", {process.listens->text()}}, {"GREETING", {greeting}}};
  return process;
}

int port = 0;  // of the last deploy

Body serving(const std::string& greeting, std::vector<std::string> arguments = {},
             std::chrono::milliseconds limit = 20s) {
  return [=](Host& host, Scope& in) {
    const Process process = application(host, in, greeting, arguments);
    port = process.listens->port;
    host.ensure(in, process);
    host.until_listening(in, process, limit);
  };
}

}  // namespace

TEST_CASE("a process is made, found unchanged, changed and taken away") {
  Deployment at;
  const Plan first = at.plan(serving("hello"));
  REQUIRE(text_of(first.errors) == "");
  CHECK_FALSE(fs::exists(at.root()));
  const Report made = at.deploy(serving("hello"));
  REQUIRE(text_of(made.errors) == "");
  CHECK(changes_of(made.outcome) == changes_of(first.outcome));
  CHECK(greeted(port) == "hello");
  const int pid = pid_of(at.root(), "app");

  CHECK(changes_of(at.plan(serving("hello")).outcome) == "");
  const Report same = at.deploy(serving("hello"));
  CHECK_FALSE(same.changed_anything);
  CHECK(pid_of(at.root(), "app") == pid);

  const Plan second = at.plan(serving("good evening"));
  REQUIRE(second.outcome.find({"host", "process", "app"}));
  CHECK(second.outcome.find({"host", "process", "app"})->fields ==
        std::vector<FieldChange>{{"environment.GREETING", "hello", "good evening"}});
  const Report changed = at.deploy(serving("good evening"));
  REQUIRE(text_of(changed.errors) == "");
  CHECK(changes_of(changed.outcome) == "update process/app\n");
  CHECK(greeted(port) == "good evening");
  CHECK(pid_of(at.root(), "app") != pid);
  CHECK(changes_of(at.plan(serving("good evening")).outcome) == "");

  const Report pruned = at.deploy([](Host&, Scope&) {});
  REQUIRE(text_of(pruned.errors) == "");
  CHECK(greeted(port) == "");
  for (const char* folder : {"supervisor", "services", "logs", "artefacts"})
    CHECK_FALSE(fs::exists(at.root() / folder));
  for (const LedgerEntry& entry : at.topology()->ledger().read().entries)
    CHECK(entry.shared);  // the user is nobody's alone
}

TEST_CASE("what the supervisor writes is read as its own tool reads it") {
  Deployment at;
  REQUIRE(text_of(at.deploy(serving("hello")).errors) == "");
  const fs::path service = at.root() / "supervisor/app";
  const auto svstat = [&](const std::string& field) {
    FILE* pipe = ::popen(("s6-svstat -o " + field + " " + service.string()).c_str(), "r");
    char buffer[128] = {};
    const auto got = std::fread(buffer, 1, sizeof buffer - 1, pipe);
    ::pclose(pipe);
    return std::string(buffer, got > 0 ? got - 1 : 0);
  };
  const auto status = parse_status(text_of_file(service / "supervise/status"));
  REQUIRE(status);
  CHECK(std::to_string(status->pid) == svstat("pid"));
  CHECK(svstat("wantedup") == "true");
  CHECK(status->wants_up);
  const std::string since = svstat("updownsince");  // "@" and 24 hex digits of TAI64N
  REQUIRE(since.size() == 25);
  std::string bytes;
  for (std::size_t i = 1; i < since.size(); i += 2)
    bytes += static_cast<char>(std::stoi(since.substr(i, 2), nullptr, 16));
  CHECK(parse_tai64n(bytes) == status->since);
  const auto age =
      std::chrono::system_clock::now() - status->since;  // were the offset of TAI wrong, by seconds or more
  CHECK((age > -1s && age < 30s));
}

TEST_CASE("a process that dies is started again, and says so") {
  Deployment at;
  REQUIRE(text_of(at.deploy(serving("hello")).errors) == "");
  const int pid = pid_of(at.root(), "app");
  REQUIRE(::kill(pid, SIGKILL) == 0);
  REQUIRE(comes_true(
      [&] { return pid_of(at.root(), "app") != 0 && pid_of(at.root(), "app") != pid && greeted(port) == "hello"; }));
  CHECK(changes_of(at.plan(serving("hello")).outcome) == "");
  const auto seen = at.observe();
  const auto app = std::ranges::find_if(seen, [](const Observation& o) { return o.entry.subject.kind == "process"; });
  REQUIRE(app != seen.end());
  CHECK(app->health == Observation::Health::degraded);
  CHECK(app->detail.find("was killed by SIGKILL") != std::string::npos);
  REQUIRE(text_of(at.deploy(serving("again")).errors) == "");  // a restart by a deploy begins to count anew
  const auto later = at.observe();
  CHECK(std::ranges::find_if(later, [](const Observation& o) { return o.entry.subject.kind == "process"; })->health ==
        Observation::Health::ok);
}

TEST_CASE("one that exits at once fails the deploy at once, with its log") {
  Deployment at;
  const auto start = std::chrono::steady_clock::now();
  const Report failed = at.deploy(serving("hello", {"--exit", "7"}, 300s));
  CHECK(std::chrono::steady_clock::now() - start < 200s);  // not at its limit
  REQUIRE(failed.errors.size() == 1);
  CHECK(failed.errors[0].code == "H0120");
  CHECK(failed.errors[0].message.find("exited with code 7") != std::string::npos);
  CHECK(std::ranges::find(failed.errors[0].log, "the shop is closed") != failed.errors[0].log.end());
  REQUIRE(text_of(at.deploy(serving("hello")).errors) == "");  // and the next deploy goes on from it
  CHECK(greeted(port) == "hello");
}

TEST_CASE("one that never listens fails at its limit") {
  Deployment at;
  const Report failed = at.deploy(serving("hello", {"--deaf"}, 700ms));
  REQUIRE(failed.errors.size() == 1);
  CHECK(failed.errors[0].code == "H0121");
  CHECK(failed.errors[0].category == Category::timed_out);
  CHECK(std::ranges::find(failed.errors[0].log, "I hear nothing") != failed.errors[0].log.end());
  const Plan plan = at.plan(serving("hello", {"--deaf"}, 700ms));  // the same again: nobody can say how it will end
  REQUIRE(text_of(plan.errors) == "");
  CHECK(changes_of(plan.outcome) == "unchanged process/app (unknown)\n");
}

TEST_CASE("a stranger on the port is an error of the plan, and named") {
  Deployment at;
  REQUIRE(text_of(at.deploy(serving("hello")).errors) == "");
  const Report gone = at.destroy(true);
  REQUIRE(text_of(gone.errors) == "");
  ::setenv("LISTEN", ("127.0.0.1:" + std::to_string(port)).c_str(), 1);
  harmony::testing::Child stranger{[&](int) { return ::execl(server.c_str(), server.c_str(), nullptr); }};
  REQUIRE(comes_true([&] {
    return holder_of(reached_at({.port = port}, listening_sockets()).empty()
                         ? 0
                         : reached_at({.port = port}, listening_sockets())[0].inode) == stranger.pid();
  }));
  const int taken = port;
  const Body on_the_taken = [&](Host& host, Scope& in) {
    Process process = application(host, in, "hello");
    process.listens->port = taken;
    host.ensure(in, process);
  };
  const Plan plan = at.plan(on_the_taken);
  REQUIRE(plan.errors.size() == 1);
  CHECK(plan.errors[0].code == "H0110");
  const auto& facts = plan.errors[0].facts;
  CHECK(std::ranges::find(facts, std::pair<std::string, std::string>{"held by pid", std::to_string(stranger.pid())}) !=
        facts.end());
  CHECK(at.plan(serving("hello")).errors.empty());  // without a promise a free one is chosen
  CHECK(port != taken);
}

TEST_CASE("a stranger that comes while the deploy waits ends the wait") {
  Deployment at;
  std::unique_ptr<harmony::testing::Child> stranger;
  const Body body = [&](Host& host, Scope& in) {
    const Process process = application(host, in, "hello", {"--deaf"});
    host.ensure(in, process);
    if (host.process(in, "app").pid != 0 && !stranger) {
      ::setenv("LISTEN", process.listens->text().c_str(), 1);
      stranger = std::make_unique<harmony::testing::Child>(
          [&](int) { return ::execl(server.c_str(), server.c_str(), nullptr); });
    }
    host.until_listening(in, process, 300s);
  };
  const Report failed = at.deploy(body);
  REQUIRE(failed.errors.size() == 1);
  CHECK(failed.errors[0].code == "H0110");
}

TEST_CASE("a listener is proven by its process and by the bytes that run") {
  Deployment at;
  REQUIRE(text_of(at.deploy(serving("hello")).errors) == "");
  const auto topology = at.topology();
  Host& host = topology->capability(static_cast<Host*>(nullptr));
  std::string error;
  const Body prove = [&](Host&, Scope& in) {
    try {
      host.prove(in, "app", {.port = port});
    } catch (const Error& thrown) {
      error = thrown.data().code + " " + thrown.data().message;
    }
  };
  (void)at.plan(prove);
  CHECK(error == "");
  // Somebody swaps the executable on the disk: what runs is still the old one.
  fs::path installed;
  for (const auto& entry : fs::recursive_directory_iterator(at.root() / "artefacts"))
    if (entry.path().filename() == fs::path(server).filename()) installed = entry.path();
  fs::remove(installed);
  fs::copy_file("/bin/sleep", installed);
  (void)at.plan(prove);
  CHECK(error == "");
  // Now another one runs under the old promise.
  fs::remove(installed);
  std::ofstream{installed} << text_of_file(server) << "another";
  ::chmod(installed.c_str(), 0755);
  const int old = pid_of(at.root(), "app");
  ::kill(old, SIGKILL);
  REQUIRE(comes_true([&] { return pid_of(at.root(), "app") != old; }));
  REQUIRE(comes_true([&] { return greeted(port) == "hello"; }));
  (void)at.plan(prove);
  CHECK(error.find("H0122") == 0);
}

TEST_CASE("what was started from a damaged copy is started again, from the mended one") {
  Deployment at;
  REQUIRE(text_of(at.deploy(serving("hello")).errors) == "");
  const fs::path installed = text_of_file("/proc/" + std::to_string(pid_of(at.root(), "app")) + "/cmdline").c_str();
  const std::string bytes = text_of_file(installed);
  fs::remove(installed);
  std::ofstream{installed} << bytes << "another";
  ::chmod(installed.c_str(), 0755);
  const int old = pid_of(at.root(), "app");
  ::kill(old, SIGKILL);
  REQUIRE(comes_true([&] { return pid_of(at.root(), "app") != old && greeted(port) == "hello"; }));

  CHECK(changes_of(at.plan(serving("hello")).outcome).ends_with("update process/app\n"));
  const Report mended = at.deploy(serving("hello"));
  REQUIRE(text_of(mended.errors) == "");
  CHECK(mended.outcome.find({"host", "process", "app"})->fields.front().path == "executable");
  CHECK(text_of_file("/proc/" + std::to_string(pid_of(at.root(), "app")) + "/exe") == bytes);
  CHECK(changes_of(at.plan(serving("hello")).outcome) == "");
}

TEST_CASE("scripts that somebody edited are written again, and what runs is left alone") {
  Deployment at;
  REQUIRE(text_of(at.deploy(serving("hello")).errors) == "");
  const fs::path service = at.root() / "supervisor/app";
  const int pid = pid_of(at.root(), "app");
  const fs::path start = fs::directory_iterator(service / "definitions")->path() / "start";
  for (const fs::path& script : {service / "run", start}) {
    const std::string written = text_of_file(script);
    std::ofstream{script, std::ios::app} << "# a hand was here\n";
    CHECK(changes_of(at.plan(serving("hello")).outcome) == "update process/app\n");
    const Report mended = at.deploy(serving("hello"));
    REQUIRE(text_of(mended.errors) == "");
    CHECK(mended.outcome.find({"host", "process", "app"})->effect == "leaves the running process alone");
    CHECK(text_of_file(script) == written);
    CHECK(pid_of(at.root(), "app") == pid);
  }
  CHECK(changes_of(at.plan(serving("hello")).outcome) == "");
}

TEST_CASE("scripts that somebody took away are written again, and what runs is left alone while it is known") {
  Deployment at;
  REQUIRE(text_of(at.deploy(serving("hello")).errors) == "");
  const fs::path service = at.root() / "supervisor/app";
  const int pid = pid_of(at.root(), "app");
  const std::string written = text_of_file(service / "run");
  fs::remove(service / "run");
  CHECK(changes_of(at.plan(serving("hello")).outcome) == "update process/app\n");
  const Report mended = at.deploy(serving("hello"));
  REQUIRE(text_of(mended.errors) == "");
  CHECK(mended.outcome.find({"host", "process", "app"})->effect == "leaves the running process alone");
  CHECK(text_of_file(service / "run") == written);
  CHECK(pid_of(at.root(), "app") == pid);
  CHECK(changes_of(at.plan(serving("hello")).outcome) == "");

  for (const char* name : {"run", "started", "definitions", "log/run"}) fs::remove_all(service / name);
  CHECK(changes_of(at.plan(serving("hello")).outcome) == "update process/app\n");
  REQUIRE(text_of(at.deploy(serving("hello")).errors) == "");
  CHECK(text_of_file(service / "run") == written);
  CHECK(fs::exists(service / "log/run"));
  CHECK(greeted(port) == "hello");
  CHECK(changes_of(at.plan(serving("hello")).outcome) == "");
}

TEST_CASE("a listening child of the supervised process is ours") {
  Deployment at;
  REQUIRE(text_of(at.deploy(serving("hello", {"--worker"})).errors) == "");
  const auto sockets = reached_at({.port = port}, listening_sockets());
  REQUIRE(sockets.size() == 1);
  CHECK_FALSE(holds(pid_of(at.root(), "app"), sockets[0].inode));
  CHECK(greeted(port) == "hello");
}

TEST_CASE("a moved configuration alone is reloaded, without an end of the process") {
  Deployment at;
  const auto reloading = [](const std::string& text) -> Body {
    return [=](Host& host, Scope& in) {
      Process process = application(host, in, "");
      host.ensure(in, Directory{.path = "services/app"});
      host.ensure(in, File{.path = "services/app/greeting", .content = {text + "\n"}, .owner = Owner::service});
      process.environment = {{"LISTEN", {process.listens->text()}},
                             {"GREETING_FILE", {host.absolute("services/app/greeting").string()}}};
      process.configuration = {text};
      process.reload_signal = SIGHUP;
      port = process.listens->port;
      host.ensure(in, process);
      host.until_listening(in, process, 20s);
      host.until_ready(in, process, 20s, [&]() -> std::optional<std::string> {
        return greeted(port) == text ? std::nullopt : std::optional<std::string>("it greets otherwise");
      });
    };
  };
  REQUIRE(text_of(at.deploy(reloading("one")).errors) == "");
  const int pid = pid_of(at.root(), "app");
  const Report reloaded = at.deploy(reloading("two"));
  REQUIRE(text_of(reloaded.errors) == "");
  REQUIRE(reloaded.outcome.find({"host", "process", "app"}));
  CHECK(reloaded.outcome.find({"host", "process", "app"})->effect == "reloads without interruption");
  CHECK(pid_of(at.root(), "app") == pid);
  CHECK(greeted(port) == "two");
  CHECK(changes_of(at.plan(reloading("two")).outcome) == "");
}

TEST_CASE("what a service gets: its user, its folder, its environment, and no secret for others to read") {
  Deployment at;
  const std::string value = "it's $HOME\n`id` \"x\"";
  const Body body = [&](Host& host, Scope& in) {
    Process process = application(host, in, value);
    const auto password = host.secret(in, "app.password");
    process.environment.emplace("PASSWORD", Content{"pre:", password, ":post"});
    port = process.listens->port;
    host.ensure(in, process);
    host.until_listening(in, process, 20s);
  };
  ::setenv("HARMONY_TEST_LEAK", "leaked", 1);
  REQUIRE(text_of(at.deploy(body).errors) == "");
  CHECK(greeted(port) == value);
  const int pid = pid_of(at.root(), "app");
  const std::string process = "/proc/" + std::to_string(pid), password = text_of_file(at.root() / "keys/app.password");
  CHECK(password.size() == 32);
  struct stat owner{};
  REQUIRE(::stat(process.c_str(), &owner) == 0);
  if (::geteuid() == 0) CHECK(owner.st_uid != 0);
  else CHECK(owner.st_uid == ::geteuid());
  CHECK(fs::read_symlink(process + "/cwd") == fs::canonical(at.root() / "services/app"));
  const std::string environment = text_of_file(process + "/environ");
  CHECK(environment.find("PASSWORD=pre:" + password + ":post") != std::string::npos);
  CHECK(environment.find("leaked") == std::string::npos);
  CHECK(text_of_file(process + "/cmdline").find(password) == std::string::npos);
  int with_password = 0;
  for (const auto& entry : fs::recursive_directory_iterator(at.root())) {
    if (!entry.is_regular_file() || text_of_file(entry.path()).find(password) == std::string::npos) continue;
    ++with_password;
    CAPTURE(entry.path().string());
    CHECK((entry.status().permissions() & fs::perms::others_all) == fs::perms::none);
  }
  CHECK(with_password == 2);  // its own file, and the start script
  for (const auto& change : at.topology()->ledger().read().entries)
    CHECK(change.identity.find(password) == std::string::npos);
}

TEST_CASE("a supervisor that does not end keeps its folder, and ends with the next destroy") {
  Deployment at;
  REQUIRE(text_of(at.deploy(serving("hello")).errors) == "");
  const int scanner = scanner_of(at.root());
  REQUIRE(scanner > 1);
  REQUIRE(::kill(scanner, SIGSTOP) == 0);
  const Report stuck = at.destroy(true);
  REQUIRE(stuck.errors.size() == 1);
  CHECK(stuck.errors[0].code == "H0124");
  CHECK(stuck.errors[0].facts == std::vector<std::pair<std::string, std::string>>{{"pid", std::to_string(scanner)}});
  CHECK(scanner_of(at.root()) == scanner);
  REQUIRE(::kill(scanner, SIGCONT) == 0);
  REQUIRE(text_of(at.destroy(true).errors) == "");
  CHECK_FALSE(fs::exists(at.root() / "supervisor"));
  CHECK(::waitpid(scanner, nullptr, 0) == scanner);
}

TEST_CASE("a supervisor that was killed is replaced, and nothing runs twice") {
  Deployment at;
  REQUIRE(text_of(at.deploy(serving("hello")).errors) == "");
  const int old = pid_of(at.root(), "app");
  const auto scanner = [&] { return scanner_of(at.root()); };
  REQUIRE(scanner() > 1);
  ::kill(scanner(), SIGKILL);
  REQUIRE(comes_true([&] { return scanner() == 0; }));
  const Plan plan = at.plan(serving("hello"));
  REQUIRE(plan.outcome.find({"host", "process", "app"}));
  CHECK(plan.outcome.find({"host", "process", "app"})->fields ==
        std::vector<FieldChange>{{"supervisor", "gone", "running"}});
  REQUIRE(text_of(at.deploy(serving("hello")).errors) == "");
  CHECK(scanner() != 0);
  CHECK(greeted(port) == "hello");
  CHECK(::kill(old, 0) != 0);
  CHECK(changes_of(at.plan(serving("hello")).outcome) == "");
}

TEST_CASE("after a reboot, when all are gone, the deploy starts what is there") {
  Deployment at;
  REQUIRE(text_of(at.deploy(serving("hello")).errors) == "");
  const harmony::host::Folder folder{at.root()};
  const auto holder = [&](const fs::path& path) {
    const auto lock = folder.open(path / "lock", O_RDONLY);
    return lock ? lock_holder(lock.number()) : 0;
  };
  const int app = pid_of(at.root(), "app");
  for (const char* path : {"supervisor/.s6-svscan", "supervisor/app/supervise", "supervisor/app/log/supervise"})
    ::kill(holder(path), SIGKILL);
  ::kill(app, SIGKILL);
  REQUIRE(comes_true([&] {
    return ::kill(app, 0) != 0 && holder("supervisor/app/supervise") == 0 &&
           holder("supervisor/app/log/supervise") == 0;
  }));
  const Plan plan = at.plan(serving("hello"));
  REQUIRE(plan.outcome.find({"host", "process", "app"}));
  CHECK(plan.outcome.find({"host", "process", "app"})->effect == "starts");
  const auto seen = at.observe();
  CHECK(std::ranges::find_if(seen, [](const Observation& o) { return o.entry.subject.kind == "process"; })->health ==
        Observation::Health::down);
  REQUIRE(text_of(at.deploy(serving("hello")).errors) == "");
  CHECK(greeted(port) == "hello");
}

TEST_CASE("its log is kept, with times, and can be followed") {
  Deployment at;
  REQUIRE(text_of(at.deploy(serving("hello")).errors) == "");
  REQUIRE(
      comes_true([&] { return text_of_file(at.root() / "logs/app/current").find("serving") != std::string::npos; }));
  const auto topology = at.topology();
  std::vector<std::string> lines;
  const Body read = [&](Host&, Scope& in) {
    topology->capability(static_cast<Host*>(nullptr))
        .logs(in, {.subject = {"host", "process", "app"}}, {.lines = 5}, [&](auto source, auto line) {
          CHECK(source == "app");
          lines.emplace_back(line);
        });
  };
  (void)at.plan(read);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].ends_with("  serving"));
  CHECK(lines[0].starts_with("20"));
}

TEST_CASE("several go side by side, and the supervisor ends with the last") {
  Deployment at;
  const auto some = [](std::vector<std::string> names) -> Body {
    return [=](Host& host, Scope& in) {
      for (const auto& name : names) {
        const Process process{.name = name,
                              .command = {server},
                              .environment = {{"LISTEN", {"127.0.0.1:" + std::to_string(host.port(in, name))}}},
                              .listens = Endpoint{.port = host.port(in, name)}};
        host.ensure(in, process);
        host.until_listening(in, process, 20s);
      }
    };
  };
  REQUIRE(text_of(at.deploy(some({"a", "b", "c"})).errors) == "");
  const int b = pid_of(at.root(), "b");
  const Report fewer = at.deploy(some({"b"}));
  REQUIRE(text_of(fewer.errors) == "");
  CHECK(pid_of(at.root(), "b") == b);
  CHECK_FALSE(fs::exists(at.root() / "supervisor/a"));
  CHECK(fs::exists(at.root() / "supervisor/b"));
  REQUIRE(text_of(at.destroy(false).errors) == "");
  CHECK_FALSE(fs::exists(at.root() / "supervisor"));
}

TEST_CASE("whoever ends what nobody looks after leaves a supervisor alone that is just starting") {
  const Deployment at;
  fs::create_directories(at.root());
  Supervisor supervisor{Folder{at.root()}};
  harmony::testing::Scopes scopes;
  const Scope starting = scopes.reading(), ending = scopes.reading();
  for (int i = 0; i < 20; ++i) {
    std::atomic<bool> started{false};
    std::jthread other{[&] {
      while (!started) supervisor.end_strays(ending, "nothing");
    }};
    CHECK(supervisor.start(starting, std::nullopt));
    started = true;
    other.join();
    CHECK(supervisor.alive());
    supervisor.remove(starting, "nothing");  // the last one takes the supervisor with it
    REQUIRE_FALSE(supervisor.alive());
  }
}

TEST_CASE("many are made at once, under one supervisor, and none waits for another") {
  Deployment at;
  const std::vector<std::string> names{"a", "b", "c", "d"};
  const auto at_once = [&](const std::string& greeting) -> Body {
    return [=](Host& host, Scope& in) {
      std::vector<std::exception_ptr> failures(names.size());
      {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < names.size(); ++i)
          threads.emplace_back([&, i] {
            try {
              Scope own = in;
              const Endpoint endpoint{.port = host.port(own, names[i])};
              const Process process{.name = names[i],
                                    .command = {server},
                                    .environment = {{"LISTEN", {endpoint.text()}}, {"GREETING", {greeting}}},
                                    .listens = endpoint};
              host.ensure(own, process);
              host.until_listening(own, process, 20s);
            } catch (...) {
              failures[i] = std::current_exception();
            }
          });
      }
      for (const auto& failure : failures)
        if (failure) std::rethrow_exception(failure);
    };
  };
  for (const char* greeting : {"one", "two"}) {
    REQUIRE(text_of(at.deploy(at_once(greeting)).errors) == "");
    CHECK(changes_of(at.plan(at_once(greeting)).outcome) == "");
    for (const LedgerEntry& entry : at.topology()->ledger().read().entries)
      if (entry.subject.kind == "port") CHECK(greeted(std::stoi(entry.identity)) == greeting);
  }
}
