/// Waits, stops, secrets and what is deferred.
#include <latch>
#include <thread>

#include "catch.hpp"
#include "support/world.hpp"

using namespace harmony;
using namespace harmony::testing;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

namespace {
Part doing(std::function<void(PartContext&)> body) { return {.label = "shop", .body = std::move(body)}; }
/// Runs `body` in a real run: a first write takes the deploy there.
Report really(Deployment& test, std::function<void(PartContext&)> body) {
  int rounds = 0;
  return test.deploy(doing([&](PartContext& in) {
    in.use<Things>().ensure(in, {.name = "a"});
    if (++rounds == 2) body(in);
  }));
}
Lines texts(const Deployment& test, Event::Kind kind) {
  Lines all;
  for (const auto& seen : test.observer.seen())
    if (seen.kind == kind) all.push_back(seen.text);
  return all;
}
}  // namespace

// ---------------------------------------------------------------- until

TEST_CASE("a wait ends when it is so, and shows each reason once") {
  Deployment test;
  int asked = 0;
  CHECK(really(test, [&](PartContext& in) {
          in.until({.limit = 1min, .what = "it is ready"}, [&]() -> std::optional<std::string> {
            ++asked;
            if (asked < 3) return "starting";
            if (asked < 4) return "loading";
            return std::nullopt;
          });
        }).ok());
  CHECK(asked == 4);
  CHECK(texts(test, Event::Kind::waiting) == Lines{"starting", "loading"});
}

TEST_CASE("a wait at its limit fails with what was waited for and the last reason") {
  Deployment test;
  const Report report = really(test, [](PartContext& in) {
    in.until({.limit = 20ms, .what = "the server accepts connections", .subject = "process/db"},
             [] { return std::optional<std::string>("it is starting up"); });
  });
  REQUIRE(codes_of(report.errors) == Lines{"H0004"});
  const auto& error = report.errors.front();
  CHECK(error.category == Category::timed_out);
  CHECK(error.message == "waited 0.02 s, but not yet so: the server accepts connections");
  CHECK(error.subject == "process/db");
  CHECK(error.facts == std::vector<std::pair<std::string, std::string>>{{"last reason", "it is starting up"}});
}

TEST_CASE("a wait can be caught to add what only the caller knows") {
  Deployment test;
  const Report report = really(test, [](PartContext& in) {
    try {
      in.until({.limit = 1ms, .what = "it is ready"}, [] { return std::optional<std::string>("no"); });
    } catch (TimedOut& error) {
      error.data().log = {"FATAL: no space"};
      throw;
    }
  });
  REQUIRE(report.errors.size() == 1);
  CHECK(report.errors.front().log == Lines{"FATAL: no space"});
}

TEST_CASE("a wait that became hopeless ends with that error at once") {
  Deployment test;
  const Report report = really(test, [](PartContext& in) {
    in.until({.limit = 5min, .what = "it is ready"},
             []() -> std::optional<std::string> { throw Error({.code = "H0999", .message = "it exited"}); });
  });
  CHECK(codes_of(report.errors) == Lines{"H0999"});
}

TEST_CASE("a rehearsal asks once and goes on") {
  Deployment test;
  int asked = 0;
  const Plan plan = test.rehearse(doing([&](PartContext& in) {
    in.until({.limit = 5min, .what = "it is ready"}, [&] {
      ++asked;
      return std::optional<std::string>("never");
    });
    in.use<Things>().ensure(in, {.name = "after"});
  }));
  CHECK(asked == 1);
  CHECK(lines_of(plan.outcome) == Lines{"create thing/after"});
  CHECK(texts(test, Event::Kind::waiting).empty());
}

TEST_CASE("what is pending is so in the rehearsed world") {
  Deployment test;
  std::vector<bool> so;
  const Part root = doing([&](PartContext& in) {
    in.use<Things>().ensure(in, {.name = "a", .fields = {{"size", "1"}}});
    so.push_back(in.use<Things>().until(in, "a", "size", 1s));
  });
  CHECK(test.deploy(root).ok());
  CHECK(so == std::vector<bool>{true, true});
}

// ---------------------------------------------------------------- stop

TEST_CASE("a stop before the deploy leaves everything as it is") {
  Deployment test;
  test.stop.request_stop();
  const Report report = test.deploy(part_of("shop", {{.name = "a"}}));
  REQUIRE(codes_of(report.errors) == Lines{"H0002"});
  CHECK(report.errors.front().category == Category::stopped);
  CHECK(test.ledger().calls().empty());
  CHECK(test.store().history().empty());
}

TEST_CASE("a stop during a write lets it end, starts no other, and is written down") {
  Deployment test;
  test.store().before = [&](const std::string& what, const std::string& name) {
    if (what == "write" && name == "b") test.stop.request_stop();
  };
  const Part root = part_of("shop", {{.name = "a"}, {.name = "b"}, {.name = "c"}});
  const Report report = test.deploy(root);
  CHECK(codes_of(report.errors) == Lines{"H0002"});
  CHECK(test.store().history() == Lines{"write a", "write b"});
  CHECK(lines_of(report.outcome) == Lines{"create thing/a", "create thing/b"});
  CHECK(entries_of(test.ledger()) == Lines{"owned thing/a", "owned thing/b", "intended thing/c"});
  CHECK(test.ledger().read().run->failed);
  test.stop = {};
  test.store().before = nullptr;
  CHECK(test.deploy(root).ok());
  CHECK(entries_of(test.ledger()) == Lines{"owned thing/a", "owned thing/b", "owned thing/c"});
}

TEST_CASE("a stop wakes whoever waits") {
  Deployment test;
  const auto how = GENERATE(0, 1);
  std::latch waiting{1};
  std::jthread stopper{[&] {
    waiting.wait();
    test.stop.request_stop();
  }};
  const Report report = really(test, [&](PartContext& in) {
    if (how == 0) {
      waiting.count_down();
      in.pause(10min);
    } else {
      in.until({.limit = 10min, .what = "never"}, [&, first = true]() mutable {
        if (std::exchange(first, false)) waiting.count_down();
        return std::optional<std::string>("never");
      });
    }
  });
  CHECK(codes_of(report.errors) == Lines{"H0002"});
}

TEST_CASE("a stop reaches all children, and none is started after it") {
  Deployment test;
  std::latch all_waiting{3};
  std::atomic<int> stopped{0};
  std::jthread stopper{[&] {
    all_waiting.wait();
    test.stop.request_stop();
  }};
  const Report report = really(test, [&](PartContext& in) {
    std::vector<Part> children;
    for (int i = 0; i < 3; ++i)
      children.push_back({.label = "child " + std::to_string(i), .body = [&](PartContext& child) {
                            all_waiting.count_down();
                            try {
                              child.pause(10min);
                            } catch (const Stopped&) {
                              ++stopped;
                              throw;
                            }
                          }});
    in.all(children);
  });
  CHECK(codes_of(report.errors) == Lines{"H0002"});
  CHECK(stopped == 3);
}

// ---------------------------------------------------------------- secrets, deferred, notes

TEST_CASE("what was concealed is taken out of every text") {
  Deployment test;
  Part root = doing([](PartContext& in) {
    in.conceal(Secret<std::string>("correct horse"));
    in.conceal(Secret<std::string>("correct horse battery"));
    in.conceal(Secret<std::string>("ab"));  // too short to be told from words
  });
  const auto engine = test.engine(root);
  (void)engine->rehearse();
  const std::string once = test.topology->fingerprinter().of("correct horse");
  const std::string longer = test.topology->fingerprinter().of("correct horse battery");
  CHECK(engine->redact("it is correct horse.") == "it is (secret " + once + ").");
  CHECK(engine->redact("correct horse battery, correct horse") == "(secret " + longer + "), (secret " + once + ")");
  CHECK(engine->redact("absolutely harmless") == "absolutely harmless");
}

TEST_CASE("a deferred value can be mapped and combined, and says why it is not known") {
  Deployment test;
  std::vector<std::string> because;
  const Part root = doing([&](PartContext& in) {
    in.use<Things>().ensure(in, {.name = "a", .fields = {{"size", "1"}}, .generated = {"password"}});
    const auto size = in.use<Things>().field(in, "a", "size");
    const auto password = in.use<Things>().field(in, "a", "password");
    because.push_back(
        size.combine(password, [](const std::string& s, const std::string& p) { return s + p; }).because());
    because.push_back(password.map([](const std::string& p) { return p.size(); }).because());
  });
  REQUIRE(test.deploy(root).ok());
  CHECK(because == Lines{"thing `a` is only planned", "thing `a` is only planned", "", ""});
}

TEST_CASE("a deferred value is computed once it is known") {
  class Reader : public Primitive {
   public:
    static PrimitiveKey mine() { return key(); }
  };
  const Deferred<int> known{20};
  const auto sum = known.combine(Deferred<int>{1}, [](int a, int b) { return a + b; }).map([](int n) { return n * 2; });
  REQUIRE(sum.peek(Reader::mine()));
  CHECK(*sum.peek(Reader::mine()) == 42);
  const auto pending = Deferred<int>::pending("the port is probed");
  CHECK_FALSE(pending.peek(Reader::mine()));
  CHECK_FALSE(known.combine(pending, [](int a, int b) { return a + b; }).peek(Reader::mine()));
  CHECK(known.combine(pending, [](int a, int b) { return a + b; }).because() == "the port is probed");
}

TEST_CASE("who, which verb, which deployment") {
  Deployment test;
  const Report report = really(test, [](PartContext& in) {
    CHECK(in.who() == "tester@here");
    CHECK(in.verb() == "deploy");
    CHECK(in.deployment() == "test");
    CHECK_FALSE(in.run_id().empty());
    in.note("open", "http://127.0.0.1:8081");
    in.retried("connection reset");
  });
  CHECK(report.ok());
  REQUIRE(report.outcome.notes.size() == 1);
  CHECK(report.outcome.notes.front().label == "open");
  CHECK(report.outcome.notes.front().text == "http://127.0.0.1:8081");
  CHECK(texts(test, Event::Kind::retried) == Lines{"connection reset"});
}
