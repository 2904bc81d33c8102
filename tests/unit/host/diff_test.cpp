#include "host/diff.hpp"

#include <csignal>

#include "catch.hpp"
#include "support/scopes.hpp"

using namespace harmony;
using namespace harmony::host;

namespace {

const testing::OpenFingerprinter fingerprinter;

Rendered plain(const std::string& text) { return {.pieces = {text}, .shown = text}; }
Rendered secret(const std::string& text) {
  return {.pieces = {text}, .shown = "(secret <" + text + ">)", .secrets = true};
}
Rendered pending(const std::string& before, const std::string& after) {
  return {.pieces = {before, std::nullopt, after},
          .shown = before + "(known after it is generated)" + after,
          .because = "it is generated",
          .secrets = true};
}

std::vector<std::string> paths(const Change& change) {
  std::vector<std::string> all;
  for (const auto& field : change.fields) all.push_back(field.path);
  return all;
}

WantedProcess process_with(std::map<std::string, std::string> fields) {
  return {.definition = {.command = {"/bin/server"}, .fields = std::move(fields)}, .environment = {}};
}

ProcessFacts running(const Definition& definition) {
  return {.declared = true,
          .kept_up = true,
          .scanned = true,
          .settled = true,
          .pid = 4711,
          .declared_id = definition.id(),
          .next = definition,
          .running_id = definition.id(),
          .running = definition};
}

const Process server{.name = "guestbook", .command = {"/bin/server"}, .interruption = "interrupts service"};

}  // namespace

TEST_CASE("a directory: made, mended, left alone") {
  const Directory wanted{.path = "services/db"};
  CHECK(directory_change(wanted, "harmony", {}).action == Action::create);
  CHECK(directory_change(wanted, "harmony", PathState{0700, "harmony"}).action == Action::unchanged);
  const Change mended = directory_change(wanted, "harmony", PathState{0755, "root"});
  CHECK(mended.action == Action::update);
  CHECK(mended.fields == std::vector<FieldChange>{{"mode", "0755", "0700"}, {"owner", "root", "harmony"}});
}

TEST_CASE("a file without secrets shows its lines") {
  const File wanted{.path = "services/db/conf"};
  const FileState live{.path = {0600, "me"}, .content = "a = 1\nb = 2\nc = 3\n", .may_hold_secrets = false};
  CHECK(file_change(wanted, plain(*live.content), "me", live, fingerprinter).action == Action::unchanged);
  const Change change = file_change(wanted, plain("a = 1\nb = 5\nc = 3\nd = 4\n"), "me", live, fingerprinter);
  CHECK(change.action == Action::update);
  CHECK(change.fields == std::vector<FieldChange>{{"line 2", "b = 2", "b = 5"}, {"line 4", "", "d = 4"}});
}

TEST_CASE("a file that may hold secrets shows none of its lines") {
  const File wanted{.path = "services/db/conf"};
  const FileState live{.path = {0600, "me"}, .content = "password = old\n", .may_hold_secrets = true};
  const Change change = file_change(wanted, plain("password = none\n"), "me", live, fingerprinter);
  CHECK(paths(change) == std::vector<std::string>{"content"});
  const Change to_secret =
      file_change(wanted, secret("password = new\n"), "me",
                  FileState{.path = {0600, "me"}, .content = "x\n", .may_hold_secrets = false}, fingerprinter);
  CHECK(paths(to_secret) == std::vector<std::string>{"content"});
}

TEST_CASE("a file whose content is pending is unknown only where it could be what is there") {
  const File wanted{.path = "services/db/conf"};
  const Rendered content = pending("user=a\npassword=", "\n");
  const Change made = file_change(wanted, content, "me", {}, fingerprinter);
  CHECK(made.action == Action::create);
  CHECK(made.fidelity == Fidelity::exact);
  CHECK(made.fields.front().origin == Origin::deferred);
  const Change other = file_change(wanted, content, "me",
                                   FileState{.path = {0600, "me"}, .content = "user=b\npassword=x\n"}, fingerprinter);
  CHECK(other.action == Action::update);
  CHECK(other.fidelity == Fidelity::exact);
  const Change same = file_change(wanted, content, "me",
                                  FileState{.path = {0600, "me"}, .content = "user=a\npassword=x\n"}, fingerprinter);
  CHECK(same.fidelity == Fidelity::unknown);
}

TEST_CASE("planned and done name the same fields, where a secret was pending") {
  const File wanted{.path = "services/db/conf"};
  const FileState live{.path = {0600, "me"}, .content = "user=b\n"};
  const Change planned = file_change(wanted, pending("user=a\npassword=", "\n"), "me", live, fingerprinter);
  const Change done = file_change(wanted, secret("user=a\npassword=x\n"), "me", live, fingerprinter);
  CHECK(fits(planned, done));
}

TEST_CASE("a tree of another version is an error before any write") {
  const Tree wanted{.path = "services/db/data",
                    .command = {"/usr/bin/initdb"},
                    .holds_data = true,
                    .version_file = "PG_VERSION",
                    .version = "15"};
  CHECK(tree_change(wanted, {}).action == Action::create);
  CHECK(tree_change(wanted, {}).holds_data);
  CHECK(tree_change(wanted, TreeState{"15"}).action == Action::unchanged);
  for (const char* version : {"14", ""}) {
    try {
      tree_change(wanted, TreeState{version});
      FAIL("it was taken");
    } catch (const Error& error) {
      CHECK(error.data().code == "H0113");
    }
  }
}

TEST_CASE("a process is made with all of its fields") {
  const Change change =
      process_change(server, process_with({{"command", "/bin/server"}, {"listens", "127.0.0.1:1"}}), {});
  CHECK(change.action == Action::create);
  CHECK(change.effect.empty());
  CHECK(paths(change) == std::vector<std::string>{"command", "listens"});
}

TEST_CASE("what runs is compared, whatever its next start would be") {
  const WantedProcess wanted = process_with({{"command", "/bin/server"}, {"configuration", "b"}});
  const WantedProcess old = process_with({{"command", "/bin/server"}, {"configuration", "a"}});
  CHECK(process_change(server, wanted, running(wanted.definition)).action == Action::unchanged);

  ProcessFacts half_way = running(old.definition);  // killed between the new script and the restart
  half_way.next = wanted.definition;
  const Change change = process_change(server, wanted, half_way);
  CHECK(paths(change) == std::vector<std::string>{"configuration"});
  CHECK(change.effect == "interrupts service");

  ProcessFacts other_next = running(wanted.definition);
  other_next.next = old.definition;
  CHECK(paths(process_change(server, wanted, other_next)) == std::vector<std::string>{"next start"});
  ProcessFacts half_reloaded = other_next;
  half_reloaded.half_reloaded = true;
  CHECK(paths(process_change(server, wanted, half_reloaded)) == std::vector<std::string>{"next start"});
  Process proxy = server;
  proxy.reload_signal = 12;
  const Change again = process_change(proxy, wanted, half_reloaded);
  CHECK(paths(again) == std::vector<std::string>{"next start", "reload"});
  CHECK(again.effect == "reloads without interruption");
  CHECK(only_reloads(proxy, again));
  CHECK_FALSE(only_reloads(proxy, process_change(proxy, wanted, other_next)));
}

TEST_CASE("a process that is down is started, one without its supervisor restarted") {
  const WantedProcess wanted = process_with({{"command", "/bin/server"}});
  ProcessFacts facts = running(wanted.definition);
  facts.kept_up = false;
  const Change start = process_change(server, wanted, facts);
  CHECK(start.fields == std::vector<FieldChange>{{"state", "down", "up"}});
  CHECK(start.effect == "starts");

  ProcessFacts never_started = facts;  // made, and the supervisor not told
  never_started.running.reset();
  CHECK(process_change(server, wanted, never_started).fields == start.fields);

  facts = running(wanted.definition);
  facts.scanned = false;
  CHECK(process_change(server, wanted, facts).fields == std::vector<FieldChange>{{"supervisor", "gone", "running"}});
}

TEST_CASE("whether it is up is no field where others move: it may change while a deploy is on its way") {
  const WantedProcess wanted = process_with({{"command", "/bin/server"}, {"configuration", "b"}});
  const WantedProcess old = process_with({{"command", "/bin/server"}, {"configuration", "a"}});
  ProcessFacts down = running(old.definition);
  down.kept_up = false;
  CHECK(fits(process_change(server, wanted, down), process_change(server, wanted, running(old.definition))));
}

TEST_CASE("only a moved configuration is reloaded") {
  Process proxy = server;
  proxy.reload_signal = SIGUSR2;
  const WantedProcess wanted = process_with({{"command", "/bin/server"}, {"configuration", "b"}});
  const Change reload = process_change(
      proxy, wanted, running(process_with({{"command", "/bin/server"}, {"configuration", "a"}}).definition));
  CHECK(only_reloads(proxy, reload));
  CHECK(reload.effect == "reloads without interruption");
  const Change restart = process_change(
      proxy, wanted, running(process_with({{"command", "/bin/other"}, {"configuration", "a"}}).definition));
  CHECK_FALSE(only_reloads(proxy, restart));
  CHECK(restart.effect == "interrupts service");
}

TEST_CASE("a variable that is only known later makes a running process unknown, a new one not") {
  WantedProcess wanted = process_with({{"command", "/bin/server"}});
  wanted.definition.fields["environment.URL"] = "x:(known after it is made)";
  wanted.pending.insert("environment.URL");
  const Change made = process_change(server, wanted, {});
  CHECK(made.fidelity == Fidelity::exact);
  const Change added = process_change(server, wanted, running(process_with({{"command", "/bin/server"}}).definition));
  CHECK(added.fidelity == Fidelity::exact);
  CHECK(added.fields.front().origin == Origin::deferred);
  const Change moved = process_change(
      server, wanted,
      running(process_with({{"command", "/bin/server"}, {"environment.URL", "x:(secret <1>)"}}).definition));
  CHECK(moved.fidelity == Fidelity::unknown);
}

TEST_CASE("what a plan depends on is in the fingerprint of a process, its pid is not") {
  const WantedProcess wanted = process_with({{"command", "/bin/server"}});
  ProcessFacts a = running(wanted.definition), b = a;
  b.pid = 4712;
  b.deaths.push_back({.exit_code = 1});
  CHECK(a.fingerprint() == b.fingerprint());
  b.kept_up = false;
  CHECK(a.fingerprint() != b.fingerprint());
  CHECK(ProcessFacts{}.fingerprint().empty());
}

TEST_CASE("ports, secrets, artefacts and users say what the plan needs to say") {
  CHECK(port_change("db", 20001, false).identity == "20001");
  CHECK(port_change("db", 20001, true).action == Action::unchanged);
  const Change made = secret_change("db.superuser", false);
  CHECK(made.holds_data);
  CHECK(made.fields == std::vector<FieldChange>{{"value", "", "(generated)", Origin::generated}});
  CHECK(artefact_change("app", std::string(64, 'a'), false).subject.name == "app@aaaaaaaaaaaaaaaa");
  CHECK(user_change("harmony").shared);
}

TEST_CASE("a removal says when it takes data") {
  const LedgerEntry data{.subject = tree_subject("services/db/data"), .holds_data = true};
  CHECK(removal(data, true).loses_data);
  CHECK(removal(data, true).effect == "deletes all data");
  CHECK(removal(data, false).action == Action::unchanged);
  CHECK(removal({.subject = process_subject("db")}, true).effect == "stops");
}

TEST_CASE("lines that differ are few, and named by their place") {
  CHECK(line_changes("a\nb\n", "a\nb\n").empty());
  CHECK(line_changes("a\nb\nc\n", "a\nc\n") == std::vector<FieldChange>{{"line 2 (old)", "b", ""}});
  CHECK(line_changes("a\nc\n", "a\nb\nc\n") == std::vector<FieldChange>{{"line 2", "", "b"}});
  CHECK(line_changes("a\nc\n", "a\n\nc\n") == std::vector<FieldChange>{{"line 2", "", "(empty)"}});
  CHECK(line_changes("a", "a\n").size() == 1);  // only the end of the last line
  std::string before, after;
  for (int i = 0; i < 100; ++i) {
    before += "old " + std::to_string(i) + "\n";
    after += "new " + std::to_string(i) + "\n";
  }
  const auto many = line_changes(before, after);
  CHECK(many.size() == 41);
  CHECK(many.back().path == "more lines");
}
