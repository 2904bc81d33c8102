#include "host/rehearsed.hpp"

#include <unistd.h>

#include <fstream>

#include "catch.hpp"
#include "host/diff.hpp"
#include "host/machine.hpp"
#include "support/scopes.hpp"
#include "support/temporary.hpp"

using namespace harmony;
using namespace harmony::host;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// A rehearsal over a state folder that is not there yet.
struct Rehearsed {
  testing::TemporaryFolder temporary;
  State state{"guestbook", (temporary.path() / "state").string()};
  std::shared_ptr<Ledger> ledger = testing::memory_ledger();
  testing::Scopes scopes{ledger};
  Rehearsal rehearsal;
  std::shared_ptr<Host> real = machine(state, ledger), twin = twin_of(real, rehearsal);
  Scope at = scopes.rehearsed();

  std::vector<std::string> lines() const { return testing::lines_of(at.node().outcome()); }
  const Change change(const std::string& kind, const std::string& name) const {
    const auto outcome = at.node().outcome();
    const auto* found = outcome.find({"host", kind, name});
    return found ? *found : Change{};
  }
  bool untouched() const { return !fs::exists(temporary.path() / "state"); }
};

bool among(const std::vector<std::string>& lines, const std::string& line) {
  return std::ranges::find(lines, line) != lines.end();
}

Process sleeper(int port, Content password = {}) {
  Process process{
      .name = "db", .command = {"/bin/sleep", "1000"}, .listens = Endpoint{.port = port}, .data = "services/db/data"};
  if (!password.empty()) process.environment.emplace("PASSWORD", std::move(password));
  return process;
}

}  // namespace

TEST_CASE("a rehearsal over nothing plans all of it and makes none of it") {
  Rehearsed in;
  const int port = in.twin->port(in.at, "db");
  const auto password = in.twin->secret(in.at, "db.superuser");
  in.twin->ensure(in.at, Directory{.path = "services/db"});
  in.twin->ensure(in.at, Tree{.path = "services/db/data", .command = {"/bin/true"}, .holds_data = true});
  in.twin->ensure(
      in.at, File{.path = "services/db/conf", .content = {"password = ", password, "\n"}, .owner = Owner::service});
  in.twin->ensure(in.at, sleeper(port, {password}));
  in.twin->until_listening(in.at, sleeper(port), 1s);
  const auto lines = in.lines();
  for (const char* line : {"create port/db", "create secret/db.superuser", "create directory/services/db",
                           "create tree/services/db/data", "create file/services/db/conf", "create process/db"})
    CHECK(among(lines, line));
  CHECK(in.change("process", "db").fidelity == Fidelity::exact);
  const auto fields = in.change("process", "db").fields;
  CHECK(std::ranges::find(fields, FieldChange{"listens", "", "127.0.0.1:" + std::to_string(port)}) != fields.end());
  CHECK(in.untouched());
}

TEST_CASE("a second asking sees the pending first") {
  Rehearsed in;
  const int port = in.twin->port(in.at, "db");
  CHECK(in.twin->port(in.at, "db") == port);
  const auto password = in.twin->secret(in.at, "p"), again = in.twin->secret(in.at, "p");
  CHECK(password.because() == "it is generated");
  CHECK(again.because() == password.because());
  for (int i = 0; i < 2; ++i) {
    in.twin->ensure(in.at, Directory{.path = "services/db"});
    in.twin->ensure(in.at, Tree{.path = "services/db/data"});
    in.twin->ensure(in.at, File{.path = "services/db/conf", .content = {"p = ", password}});
    in.twin->ensure(in.at, sleeper(port, {password}));
  }
  const auto lines = in.lines();
  for (const char* subject : {"port/db", "secret/p", "directory/services/db", "tree/services/db/data",
                              "file/services/db/conf", "process/db"}) {
    CAPTURE(subject);
    CHECK(std::ranges::count(lines, std::string("create ") + subject) == 1);
    CHECK(std::ranges::count(lines, std::string("unchanged ") + subject) == 1);
  }
}

TEST_CASE("ports differ by instance, and the same one comes again in another rehearsal") {
  Rehearsed in;
  const int a = in.twin->port(in.at, "a"), b = in.twin->port(in.at, "b");
  CHECK(a != b);
  Rehearsal other;
  CHECK(twin_of(in.real, other)->port(in.at, "a") == a);
  CHECK((a >= 20000 && a <= 31999));
}

TEST_CASE("a port that the ledger keeps stays; one that was only intended is made with its number") {
  Rehearsed in;
  in.ledger->begin({.id = "1"}, {{.subject = port_subject("new"), .identity = "20555"}});
  in.ledger->settle({.subject = port_subject("old"), .state = LedgerEntry::State::owned, .identity = "20556"});
  CHECK(in.twin->port(in.at, "old") == 20556);
  CHECK(in.twin->port(in.at, "new") == 20555);
  CHECK(among(in.lines(), "unchanged port/old"));
  CHECK(among(in.lines(), "create port/new"));
}

TEST_CASE("twins of other primitives learn that a server is only pending, and whether its data is") {
  Rehearsed in;
  in.twin->ensure(in.at, sleeper(20001));
  const auto& endpoints = in.rehearsal.facts<PendingEndpoints>();
  const auto no_data = endpoints.find({.port = 20001});
  REQUIRE(no_data);
  CHECK_FALSE(no_data->now);
  CHECK_FALSE(no_data->fresh);
  Rehearsed with_data;
  with_data.twin->ensure(with_data.at, Tree{.path = "services/db/data"});
  with_data.twin->ensure(with_data.at, sleeper(20001));
  const auto fresh = with_data.rehearsal.facts<PendingEndpoints>().find({.port = 20001});
  REQUIRE(fresh);
  CHECK(fresh->fresh);
  CHECK_FALSE(endpoints.find({.port = 20002}));
}

TEST_CASE("an artefact is planned by its hash, and its process may name it before it is there") {
  Rehearsed in;
  const auto source = in.temporary.path() / "app";
  std::ofstream{source} << "#!/bin/sh\n";
  const auto installed = in.twin->ensure(in.at, Artefact{source});
  CHECK(installed.hash.size() == 64);
  CHECK(installed.path.filename() == "app");
  in.twin->ensure(in.at, Process{.name = "app", .command = {installed.path}, .executable_hash = installed.hash});
  CHECK(among(in.lines(), "create process/app"));
  CHECK(in.untouched());
}

TEST_CASE("what cannot work is an error of the plan") {
  Rehearsed in;
  const auto code = [&](const std::function<void()>& body) {
    try {
      body();
    } catch (const Error& error) {
      return error.data().code;
    }
    return std::string{};
  };
  CHECK(code([&] { in.twin->ensure(in.at, Process{.name = "x", .command = {"/nonexistent/server"}}); }) == "H0112");
  CHECK(code([&] { in.twin->ensure(in.at, Process{.name = "x", .command = {}}); }) == "H0112");
  CHECK(code([&] {
          in.twin->ensure(in.at, Tree{.path = "services/x", .command = {"/usr/lib/postgresql/99/bin/initdb"}});
        }) == "H0112");
  CHECK(code([&] { in.twin->ensure(in.at, Artefact{"/nonexistent/app"}); }) == "H0109");
  CHECK(code([&] { in.twin->ensure(in.at, Process{.name = "a/b", .command = {"/bin/true"}}); }) == "H0105");
  CHECK(code([&] { in.twin->ensure(in.at, File{.path = "../x"}); }) == "H0105");
}

TEST_CASE("the help for a missing program names its package") {
  Rehearsed in;
  try {
    in.twin->ensure(in.at, Tree{.path = "services/x", .command = {"/usr/lib/postgresql/99/bin/initdb"}});
    FAIL("it was taken");
  } catch (const Error& error) {
    CHECK(error.data().help == "apt-get install postgresql-99");
  }
}

TEST_CASE("what a rehearsal read is read again the same, and moves when the world does") {
  Rehearsed in;
  in.twin->ensure(in.at, Directory{.path = "services/db", .owner = Owner::deployment});
  in.twin->ensure(in.at, File{.path = "services/db/conf", .content = {"x"}});
  (void)in.twin->secret(in.at, "p");
  in.twin->ensure(in.at, sleeper(20001));
  auto reading = in.scopes.reading();
  const auto reads = in.rehearsal.read_set();
  REQUIRE(reads.size() >= 4);
  for (const ReadRecord& read : reads) {
    CAPTURE(read.key);
    CHECK(read.primitive == "host");
    CHECK(in.real->read_again(reading, read.key) == read.fingerprint);
  }
  fs::create_directories(in.state.root() / "services/db");
  fs::create_directories(in.state.root() / "keys");
  std::ofstream{in.state.root() / "services/db/conf"} << "y";
  std::ofstream{in.state.root() / "keys/p"} << "geheim";
  for (const char* key : {"directory/services/db", "file/services/db/conf", "secret/p"}) {
    const auto read = std::ranges::find(reads, key, &ReadRecord::key);
    REQUIRE(read != reads.end());
    CHECK(in.real->read_again(reading, key) != read->fingerprint);
  }
}

TEST_CASE("rendering keeps what is pending pending") {
  Rehearsed in;
  const auto password = in.twin->secret(in.at, "p");
  CHECK(in.twin->render(in.at, {"a", password}).because() == "it is generated");
  CHECK(in.twin->render(in.at, {"a", "b"}).because().empty());
}

TEST_CASE("a removal of what is there is planned, of what is gone not") {
  Rehearsed in;
  fs::create_directories(in.state.root() / "services/db");
  in.twin->remove(in.at, {.subject = directory_subject("services/db")});
  in.twin->remove(in.at, {.subject = directory_subject("services/gone")});
  in.twin->remove(in.at, {.subject = port_subject("db"), .identity = "20001"});
  in.twin->remove(in.at, {.subject = user_subject("harmony"), .shared = true});
  const auto lines = in.lines();
  CHECK(among(lines, "delete directory/services/db"));
  CHECK(among(lines, "unchanged directory/services/gone"));
  CHECK(among(lines, "delete port/db"));
  CHECK(among(lines, "unchanged user/harmony"));
  CHECK(fs::exists(in.state.root() / "services/db"));
}
