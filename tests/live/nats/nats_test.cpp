// The NATS primitive and its twin against a real nats-server with JetStream.
#include <thread>

#include <fmt/format.h>

#include "catch.hpp"
#include "nats/difference.hpp"
#include "nats/rehearsed.hpp"
#include "nats/session.hpp"
#include "support/scopes.hpp"
#include "support/servers.hpp"

using namespace harmony;
using namespace harmony::testing;
using namespace std::chrono_literals;

namespace {

using Password = Deferred<Secret<std::string>>;

NatsProcess& broker() {
  static NatsProcess server;
  return server;
}
nats::Server server_at(host::Endpoint at, const std::string& password = NatsProcess::password) {
  return {.instance = "broker", .at = at, .user = "user", .password = Secret<std::string>(password)};
}
nats::Server shared() { return server_at(broker().at()); }

/// A connection past the primitive: what an application or a person would do.
nats::Owned<natsConnection> by_hand(const nats::Server& server) {
  natsConnection* raw = nullptr;
  const std::string url = fmt::format("nats://user:{}@{}", NatsProcess::password, server.at.text());
  REQUIRE(natsConnection_ConnectTo(&raw, url.c_str()) == NATS_OK);
  return nats::Owned<natsConnection>{raw};
}
void publish(const nats::Server& server, const std::string& subject, const std::string& text) {
  const auto connection = by_hand(server);
  REQUIRE(natsConnection_Publish(connection.get(), subject.c_str(), text.data(), static_cast<int>(text.size())) ==
          NATS_OK);
  REQUIRE(natsConnection_Flush(connection.get()) == NATS_OK);
}
/// @returns the JetStream error, or 0.
int configure(const nats::Server& server, const std::string& name, std::vector<const char*> subjects,
              jsStorageType storage, std::int64_t most, bool update = false) {
  const auto connection = by_hand(server);
  jsCtx* raw = nullptr;
  REQUIRE(natsConnection_JetStream(&raw, connection.get(), nullptr) == NATS_OK);
  const nats::Owned<jsCtx> context{raw};
  jsStreamConfig configuration;
  jsStreamConfig_Init(&configuration);
  configuration.Name = name.c_str();
  configuration.Subjects = subjects.data();
  configuration.SubjectsLen = static_cast<int>(subjects.size());
  configuration.Storage = storage;
  configuration.MaxMsgs = most;
  jsErrCode code{};
  (void)(update ? js_UpdateStream : js_AddStream)(nullptr, raw, &configuration, nullptr, &code);
  return code;
}
std::int64_t most_messages(const nats::Server& server, const std::string& name) {
  const auto connection = by_hand(server);
  jsCtx* raw = nullptr;
  REQUIRE(natsConnection_JetStream(&raw, connection.get(), nullptr) == NATS_OK);
  const nats::Owned<jsCtx> context{raw};
  jsStreamInfo* info = nullptr;
  REQUIRE(js_GetStreamInfo(&info, raw, name.c_str(), nullptr, nullptr) == NATS_OK);
  const nats::Owned<jsStreamInfo> owned{info};
  return info->Config->MaxMsgs;
}

struct World {
  Scopes scopes;
  std::shared_ptr<nats::Client> real = nats::clients();
  Rehearsal rehearsal;
  std::shared_ptr<nats::Client> twin = twin_of(real, rehearsal);
  void pending(host::Endpoint at, host::PendingEndpoints::State state) {
    rehearsal.facts<host::PendingEndpoints>().put(at, std::move(state));
  }
};

std::vector<Change> changes(const Scope& scope) { return scope.node().outcome().changes(); }
std::vector<std::string> lines(const Scope& scope) { return lines_of(scope.node().outcome()); }
std::string code_of(const std::function<void()>& body) {
  try {
    body();
    return "done";
  } catch (const Error& error) {
    return error.data().code;
  }
}
void until_it_answers(World& world, Scope& scope, const nats::Server& server) {
  scope.until({.limit = 60s, .what = "the broker answers"}, [&] { return world.real->not_accepting(scope, server); });
}

}  // namespace

TEST_CASE("a stream: made once, then found; and it takes its subjects") {
  World world;
  Scope first = world.scopes.real();
  until_it_answers(world, first, shared());
  world.real->ensure(first, shared(), {"once"});
  CHECK(lines(first) == std::vector<std::string>{"create stream/broker/once"});
  CHECK(changes(first)[0].fields == std::vector<FieldChange>{{"subjects", "", "once.>"}});
  Scope second = world.scopes.real();
  world.real->ensure(second, shared(), {"once"});
  CHECK(lines(second) == std::vector<std::string>{"unchanged stream/broker/once"});
  REQUIRE(world.scopes.ledger().read().entries.size() == 1);
  CHECK(world.scopes.ledger().read().entries[0].holds_data);

  const auto state =
      nats::Session{second, {"broker", broker().at(), "user", Secret<std::string>(NatsProcess::password)}}.stream(
          second, "once");
  REQUIRE(state);
  CHECK(state->on_disk);
}

TEST_CASE("a rehearsal writes nothing, and says what the deploy does") {
  World world;
  Scope rehearsed = world.scopes.rehearsed();
  world.twin->ensure(rehearsed, shared(), {"planned"});
  world.twin->ensure(rehearsed, shared(), {"planned"});
  CHECK(lines(rehearsed) ==
        std::vector<std::string>{"create stream/broker/planned", "unchanged stream/broker/planned"});
  Scope reading = world.scopes.reading();
  nats::Session session{reading, {"broker", broker().at(), "user", Secret<std::string>(NatsProcess::password)}};
  CHECK_FALSE(session.stream(reading, "planned"));
  const Plan plan = testing::plan_of(rehearsed);
  Scope deployed = world.scopes.real(&plan);
  world.real->ensure(deployed, shared(), {"planned"});
  CHECK(lines(deployed) == std::vector<std::string>{"create stream/broker/planned"});
  World next;
  Scope again = next.scopes.rehearsed();
  next.twin->ensure(again, shared(), {"planned"});
  CHECK(lines(again) == std::vector<std::string>{"unchanged stream/broker/planned"});
}

TEST_CASE("subjects somebody changed are put right, and the rest stays") {
  World world;
  REQUIRE(configure(shared(), "meddled", {"elsewhere.>", "meddled.one"}, js_FileStorage, 1234) == 0);
  Scope rehearsed = world.scopes.rehearsed();
  world.twin->ensure(rehearsed, shared(), {"meddled"});
  CHECK(changes(rehearsed)[0].action == Action::update);
  CHECK(changes(rehearsed)[0].fields ==
        std::vector<FieldChange>{{"subjects", "elsewhere.>, meddled.one", "meddled.>"}});
  const Plan plan = testing::plan_of(rehearsed);
  Scope deployed = world.scopes.real(&plan);
  world.real->ensure(deployed, shared(), {"meddled"});
  CHECK(lines(deployed) == std::vector<std::string>{"update stream/broker/meddled"});
  CHECK(most_messages(shared(), "meddled") == 1234);
}

TEST_CASE("a stream in memory is refused, a bad name too, in the plan already") {
  World world;
  REQUIRE(configure(shared(), "fleeting", {"fleeting.>"}, js_MemoryStorage, -1) == 0);
  Scope rehearsed = world.scopes.rehearsed();
  CHECK(code_of([&] { world.twin->ensure(rehearsed, shared(), {"fleeting"}); }) == "H0244");
  for (const char* bad : {"", "a.b", "a b", "*", ">", "a/b", "\xc3\xa4"})
    CHECK(code_of([&] { world.twin->ensure(rehearsed, shared(), {bad}); }) == "H0243");
}

TEST_CASE("subjects that overlap with another stream's are the server's to refuse") {
  World world;
  REQUIRE(configure(shared(), "greedy", {"taken.>"}, js_FileStorage, -1) == 0);
  Scope scope = world.scopes.real();
  try {
    world.real->ensure(scope, shared(), {"taken"});
    FAIL("it was made");
  } catch (const Error& error) {
    CHECK(error.data().code == "H0242");
    CHECK(error.data().message.find("does not make stream `taken`: ") != std::string::npos);
    CHECK(error.data().message.find("overlap") != std::string::npos);
  }
}

TEST_CASE("the four states of a server") {
  World world;
  Scope before = world.scopes.real();
  world.real->ensure(before, shared(), {"mover"});
  ScriptedServer moved{[](const std::string&) { return "who are you"; }},
      fresh{[](const std::string&) { return "who are you"; }},
      stopped{[](const std::string&) { return "who are you"; }};
  world.pending(moved.at(), {.now = broker().at(), .because = "process broker moves"});
  world.pending(fresh.at(), {.now = std::nullopt, .fresh = true, .because = "process broker is only planned"});
  world.pending(stopped.at(), {.now = std::nullopt, .fresh = false, .because = "process broker is down"});
  const auto planned = [&](host::Endpoint at) {
    World other;
    Scope rehearsed = world.scopes.rehearsed();
    nats::Server server = server_at(at);
    server.instance = "broker" + std::to_string(at.port);
    world.twin->serves(server);
    world.twin->ensure(rehearsed, server, {"mover"});
    return changes(rehearsed)[0];
  };
  CHECK(planned(broker().at()).action == Action::unchanged);
  CHECK(planned(moved.at()).action == Action::unchanged);
  CHECK(planned(fresh.at()).action == Action::create);
  CHECK(planned(fresh.at()).fidelity == Fidelity::exact);
  const Change unknown = planned(stopped.at());
  CHECK(unknown.fidelity == Fidelity::unknown);
  CHECK(unknown.reason == "process broker is down");
  const Change silent = planned({.port = free_port()});
  CHECK(silent.fidelity == Fidelity::unknown);
  CHECK(silent.reason.ends_with("connection refused"));
  Scope rehearsed = world.scopes.rehearsed();
  CHECK(world.twin->not_accepting(rehearsed, server_at(fresh.at())) == "process broker is only planned");
  CHECK_FALSE(world.twin->not_accepting(rehearsed, server_at(moved.at())));
  CHECK(code_of([&] { (void)world.twin->subscribe(rehearsed, server_at(fresh.at()), "x.>"); }) == "H0240");
  CHECK(moved.connections() + fresh.connections() + stopped.connections() == 0);
}

TEST_CASE("a server that refuses, one without JetStream, and one that is none") {
  World world;
  Scope scope = world.scopes.real();
  try {
    world.real->ensure(scope, server_at(broker().at(), "not-the-password"), {"x"});
    FAIL("it logged in");
  } catch (const Error& error) {
    CHECK(error.data().code == "H0241");
    CHECK(error.data().message == "broker `broker` refuses the login of `user`");
    for (const auto& [name, value] : error.data().facts) CHECK(value.find("not-the-password") == std::string::npos);
  }
  CHECK(code_of([&] { (void)world.real->not_accepting(scope, server_at(broker().at(), "wrong")); }) ==
        "H0241");  // waiting would not help

  NatsProcess without{false};
  CHECK(world.real->not_accepting(scope, server_at(without.at())) == "JetStream does not answer");
  CHECK(code_of([&] { world.real->ensure(scope, server_at(without.at()), {"x"}); }) == "H0240");

  CHECK(world.real->not_accepting(scope, server_at({.port = free_port()})) == "connection refused");
  ScriptedServer odd{[](const std::string&) { return "\x1b[31mHTTP/1.1 400 Bad Request\r\n\r\n"; }};
  const auto why = world.real->not_accepting(scope, server_at(odd.at()));
  REQUIRE(why);
  CHECK(why->find('\x1b') == std::string::npos);
}

TEST_CASE("what is published from then on arrives") {
  World world;
  Scope scope = world.scopes.reading();
  publish(shared(), "news.today", "too early");
  const auto subscription = world.twin->subscribe(scope, shared(), "news.>");  // a smoke test's may stand on the twin
  CHECK_FALSE(subscription->next(scope, 1ms));
  publish(shared(), "news.today", "one");
  publish(shared(), "other.today", "not ours");
  publish(shared(), "news.today", std::string("t\0o", 3));
  publish(shared(), "news.today", "");
  CHECK(subscription->next(scope, 60s) == "one");
  CHECK(subscription->next(scope, 60s) == std::string("t\0o", 3));
  CHECK(subscription->next(scope, 60s) == "");
  CHECK(code_of([&] { (void)world.real->subscribe(scope, shared(), "no subject"); }) == "H0242");
}

TEST_CASE("removing, looking and reading again") {
  World world;
  using Health = Observation::Health;
  Scope made = world.scopes.real();
  world.real->ensure(made, shared(), {"passing"});
  const LedgerEntry entry{.subject = {"nats", "stream", "broker/passing"}};
  CHECK(world.real->observe(made, entry).health == Health::unknown);
  CHECK(world.real->read_again(made, "broker/passing") == "server not asked");
  Scope rehearsed = world.scopes.rehearsed();
  world.twin->serves(shared());
  world.twin->ensure(rehearsed, shared(), {"passing"});
  world.twin->ensure(rehearsed, shared(), {"never"});
  const ReadSet reads = world.rehearsal.read_set();
  REQUIRE(reads.size() == 2);
  for (const ReadRecord& read : reads) CHECK(world.real->read_again(made, read.key) == read.fingerprint);
  CHECK(world.real->observe(made, entry).health == Health::ok);

  Scope leaving = world.scopes.rehearsed();
  world.twin->remove(leaving, entry);
  REQUIRE(lines(leaving) == std::vector<std::string>{"delete stream/broker/passing"});
  CHECK(changes(leaving)[0].loses_data);
  CHECK(world.real->observe(made, entry).health == Health::ok);
  Scope removed = world.scopes.real();
  world.real->remove(removed, entry);
  world.real->remove(removed, entry);
  CHECK(lines(removed) == std::vector<std::string>{"delete stream/broker/passing", "unchanged stream/broker/passing"});
  CHECK(world.real->observe(made, entry).health == Health::missing);
  for (const ReadRecord& read : reads)
    CHECK((world.real->read_again(made, read.key) != read.fingerprint) == (read.key == "broker/passing"));

  world.real->serves(server_at(broker().at(), "not it"));
  Scope closed = world.scopes.real();
  world.real->remove(closed, entry);
  CHECK(lines(closed) == std::vector<std::string>{"unchanged stream/broker/passing"});
  world.real->serves(server_at({.port = free_port()}));
  Scope gone = world.scopes.real();
  world.real->remove(gone, entry);
  world.real->remove(gone, {.subject = {"nats", "stream", "never-served/x"}});
  CHECK(lines(gone) == std::vector<std::string>{"unchanged stream/broker/passing", "unchanged stream/never-served/x"});
  CHECK(world.real->observe(made, entry).detail == "its server does not answer: connection refused");
  CHECK(world.real->read_again(made, "broker/passing") == "server not asked");
}

TEST_CASE("a twin of a twin sees what the first would have made") {
  World world;
  Rehearsal outer;
  const auto second = twin_of(world.twin, outer);
  world.pending({.port = 1}, {.now = std::nullopt, .fresh = true, .because = "process broker is only planned"});
  Scope deployed = world.scopes.real(), rehearsed = world.scopes.rehearsed();
  world.twin->ensure(deployed, server_at({.port = 1}), {"app"});
  second->ensure(rehearsed, server_at({.port = 1}), {"app"});
  CHECK(lines(rehearsed) == std::vector<std::string>{"unchanged stream/broker/app"});
  for (const ReadRecord& read : outer.read_set())
    CHECK(world.twin->read_again(rehearsed, read.key) == read.fingerprint);
}

TEST_CASE("many at once") {
  World world;
  Scope scope = world.scopes.real();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 6; ++i)
      threads.emplace_back([&, i] {
        for (int n = 0; n < 3; ++n) world.real->ensure(scope, shared(), {fmt::format("many{}", i % 3)});
      });
  }
  int created = 0;
  for (const Change& change : changes(scope)) created += change.action == Action::create;
  CHECK(created == 3);
}

TEST_CASE("a server that stops in between, hangs, and comes back") {
  NatsProcess server;
  World world;
  const auto at = server_at(server.at());
  Scope scope = world.scopes.real();
  until_it_answers(world, scope, at);
  world.real->ensure(scope, at, {"app"});
  const auto subscription = world.real->subscribe(scope, at, "app.>");
  server.stop(SIGKILL);
  CHECK(code_of([&] { (void)subscription->next(scope, 1h); }) == "H0240");
  CHECK(world.real->not_accepting(scope, at) == "connection refused");
  Scope refused = world.scopes.real();
  CHECK(code_of([&] { world.real->ensure(refused, at, {"app"}); }) == "H0240");
  server.start(at.at.port);
  until_it_answers(world, scope, at);
  Scope second = world.scopes.real();
  world.real->ensure(second, at, {"app"});  // over a new connection; the stream was kept
  CHECK(lines(second) == std::vector<std::string>{"unchanged stream/broker/app"});

  server.signal(SIGSTOP);
  std::stop_source stop;
  stop.request_stop();
  Scope stopped = world.scopes.real(nullptr, stop.get_token());
  CHECK_THROWS_AS(world.real->ensure(stopped, at, {"app"}), Stopped);
  server.signal(SIGCONT);
}

TEST_CASE("a stop ends a wait for a message, and for a server that is silent") {
  World world;
  std::stop_source stop;
  Scope scope = world.scopes.reading(stop.get_token());
  const auto subscription = world.real->subscribe(scope, shared(), "never.>");
  std::jthread stopper{[&] { stop.request_stop(); }};
  CHECK_THROWS_AS(subscription->next(scope, 1h), Stopped);

  ScriptedServer silent{[](const std::string&) { return ""; }};
  std::stop_source second;
  Scope other = world.scopes.reading(second.get_token());
  std::jthread other_stopper{[&] {
    until("it connects", [&] { return silent.connections() >= 1; });
    second.request_stop();
  }};
  CHECK_THROWS_AS(world.real->not_accepting(other, server_at(silent.at())), Stopped);
}
