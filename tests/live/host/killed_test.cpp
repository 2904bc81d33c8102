/// kill -9 at every numbered point of a deploy: the next plan and deploy reach the end state of an undisturbed one.
#include <sys/stat.h>

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

/// All that this primitive can make, of version 1 or 2.
Body everything(int version) {
  return [=](Host& host, Scope& in) {
    const std::string text = "version " + std::to_string(version);
    const auto password = host.secret(in, "app.password");
    const auto installed = host.ensure(in, Artefact{server});
    host.ensure(in, Directory{.path = "services/app"});
    host.ensure(in, Tree{.path = "services/app/data",
                         .command = {"/bin/sh", "-c", "cat > \"$1/password\"", "sh", "%OUT%"},
                         .input = {password},
                         .holds_data = true});
    host.ensure(in, File{.path = "services/app/greeting", .content = {text, "\n"}, .owner = Owner::service});
    host.ensure(in, File{.path = "plain/greeting", .content = {text}});  // in a folder that nobody asked for
    const Endpoint at{.port = host.port(in, "app")}, other{.port = host.port(in, "other")};
    const Process process{.name = "app",
                          .command = {installed.path},
                          .environment = {{"LISTEN", {at.text()}}, {"GREETING", {text}}, {"PASSWORD", {password}}},
                          .listens = at,
                          .configuration = {text},
                          .data = "services/app/data",
                          .executable_hash = installed.hash};
    host.ensure(in, process);
    host.until_listening(in, process, 20s);
    const Process reloaded{.name = "other",
                           .command = {installed.path},
                           .environment = {{"LISTEN", {other.text()}},
                                           {"GREETING_FILE", {host.absolute("services/app/greeting").string()}}},
                           .listens = other,
                           .configuration = {text},
                           .reload_signal = SIGHUP,
                           .executable_hash = installed.hash};
    host.ensure(in, reloaded);
    host.until_listening(in, reloaded, 20s);
    if (version == 1) return;
    host.ensure(in, Directory{.path = "services/new"});
    const Process added{.name = "new",
                        .command = {installed.path},
                        .environment = {{"LISTEN", {"127.0.0.1:" + std::to_string(host.port(in, "new"))}}},
                        .listens = Endpoint{.port = host.port(in, "new")}};
    host.ensure(in, added);
    host.until_listening(in, added, 20s);
  };
}

/// Paths, modes and contents, less what names a moment: pids, times, what s6 keeps for itself, generated values.
std::map<std::string, std::string> state_of(const fs::path& root) {
  std::map<std::string, std::string> all;
  for (auto at = fs::recursive_directory_iterator(root); at != fs::recursive_directory_iterator(); ++at) {
    const std::string path = fs::relative(at->path(), root), name = at->path().filename();
    if (path == "ledger" || path == "keys" || name == "supervise" || name == "event" || name == ".s6-svscan" ||
        path.starts_with("logs/")) {
      at.disable_recursion_pending();
      continue;
    }
    struct stat found{};
    ::lstat(at->path().c_str(), &found);
    std::string content = at->is_regular_file() && name != "told" && name != ".source" && name != "password"
                              ? text_of_file(at->path())
                              : "";
    if (name == "started") content.erase(content.find(' '));
    if (path.find("/definitions/") != std::string::npos || name == "run" || name == "started")
      content = "";  // they name fingerprints of generated values
    const std::string shown = path.substr(0, path.find("/definitions/")) +
                              (path.find("/definitions/") != std::string::npos ? "/definitions/…/" + name : "");
    if (path.find("/definitions/") != std::string::npos && at->is_directory()) continue;
    all[shown] = std::to_string(found.st_mode) + " " + content;
  }
  return all;
}

class KillAt final : public Observer {
 public:
  explicit KillAt(int number) : number_(number) {}
  void on(const Event& event) noexcept override {
    if (event.kind == Event::Kind::write_point && event.number == number_) ::raise(SIGKILL);
  }

 private:
  int number_;
};

/// @returns true where it was killed: false means that it had fewer points.
bool killed(const std::function<Report(Observer&)>& verb, int number) {
  harmony::testing::Child child{[&](int) {
    KillAt observer{number};
    return verb(observer).ok() ? 0 : 1;
  }};
  const int status = child.wait();
  if (!WIFSIGNALED(status)) CHECK(WEXITSTATUS(status) == 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

int port_of(const Deployment& at, const std::string& instance) {
  for (const LedgerEntry& entry : at.topology()->ledger().read().entries)
    if (entry.subject.kind == "port" && entry.subject.name == instance) return std::stoi(entry.identity);
  return 0;
}

void require_end_state(const Deployment& at, int version, const std::map<std::string, std::string>& wanted) {
  const Plan plan = at.plan(everything(version));
  REQUIRE(text_of(plan.errors) == "");
  const Report report = at.deploy(everything(version));
  REQUIRE(text_of(report.errors) == "");
  CHECK(state_of(at.root()) == wanted);
  CHECK(changes_of(at.plan(everything(version)).outcome) == "");
  CHECK(greeted(port_of(at, "app")) == "version " + std::to_string(version));
  CHECK(greeted(port_of(at, "other")) == "version " + std::to_string(version));
  CHECK(text_of_file(at.root() / "services/app/data/password") == text_of_file(at.root() / "keys/app.password"));
}

std::map<std::string, std::string> undisturbed(int version) {
  Deployment at;
  if (version == 2) REQUIRE(text_of(at.deploy(everything(1)).errors) == "");
  REQUIRE(text_of(at.deploy(everything(version)).errors) == "");
  return state_of(at.root());
}

}  // namespace

TEST_CASE("a first deploy killed at any point is completed by the next") {
  const auto wanted = undisturbed(1);
  int points = 0;
  for (bool more = true; more;) {
    Deployment at;
    more = killed([&](Observer& observer) { return at.deploy(everything(1), &observer); }, ++points);
    CAPTURE(points);
    require_end_state(at, 1, wanted);
  }
  CHECK(points > 40);
}

TEST_CASE("a changing deploy killed at any point is completed by the next") {
  const auto wanted = undisturbed(2);
  int points = 0;
  for (bool more = true; more;) {
    Deployment at;
    REQUIRE(text_of(at.deploy(everything(1)).errors) == "");
    more = killed([&](Observer& observer) { return at.deploy(everything(2), &observer); }, ++points);
    CAPTURE(points);
    require_end_state(at, 2, wanted);
  }
  CHECK(points > 20);
}

TEST_CASE("a first deploy killed at any point is taken away whole by a destroy") {
  int points = 0;
  for (bool more = true; more;) {
    Deployment at;
    more = killed([&](Observer& observer) { return at.deploy(everything(1), &observer); }, ++points);
    CAPTURE(points);
    REQUIRE(text_of(at.destroy(true).errors) == "");
    for (const auto& [path, what] : state_of(at.root())) FAIL_CHECK(path + " is left");
    for (const auto& key : fs::directory_iterator(at.root() / "keys"))
      if (key.path().filename() != "fingerprint") FAIL_CHECK(key.path().string() + " is left");
    for (const LedgerEntry& entry : at.topology()->ledger().read().entries) CHECK(entry.shared);
  }
  CHECK(points > 40);
}

TEST_CASE("a destroy killed at any point is completed by the next") {
  int points = 0;
  for (bool more = true; more;) {
    Deployment at;
    REQUIRE(text_of(at.deploy(everything(1)).errors) == "");
    more = killed([&](Observer& observer) { return at.destroy(true, &observer); }, ++points);
    CAPTURE(points);
    REQUIRE(text_of(at.destroy(true).errors) == "");
    const auto left = state_of(at.root());
    for (const auto& [path, what] : left) FAIL_CHECK(path + " is left");
    CHECK(greeted(port_of(at, "app")) == "");
    for (const LedgerEntry& entry : at.topology()->ledger().read().entries) CHECK(entry.shared);
  }
  CHECK(points > 20);
}
