/// Every write can fail and every moment can be the last one; the next deploy goes on from there.
///
/// $HARMONY_TEST_FAULTS limits how many places are tried (0: all there are).
#include "catch.hpp"
#include "support/world.hpp"

using namespace harmony;
using namespace harmony::testing;
using Lines = std::vector<std::string>;

namespace {
/// Children side by side, one below another, a failed attempt's worth of everything.
Part shop(int version) {
  const std::string size = std::to_string(version);
  return {.label = "shop", .body = [version, size](PartContext& in) {
            in.use<Things>().ensure(in, {.name = "account", .shared = true});
            in.all(part_of("database", {{.name = "data", .fields = {{"format", "1"}}, .holds_data = true},
                                        {.name = "server", .fields = {{"size", size}}, .generated = {"password"}}}),
                   part_of("broker", {{.name = "broker", .fields = {{"size", size}}}}),
                   part_of("version" + size,
                           {{.name = "binary" + size}, {.name = "process" + size, .fields = {{"size", size}}}}));
            in.use<Things>().ensure_together(
                in, {.kind = "route", .name = "front"},
                {{.name = "front", .fields = {{"to", "process" + size}}}, {.name = "proxy"}});
            if (version == 2) in.use<Things>().ensure(in, {.name = "extra"});
          }};
}

/// Everything but what is generated anew each time.
std::map<std::string, Fields> visible(Deployment& test) {
  auto all = test.store().all();
  for (auto& [name, fields] : all)
    if (fields.contains("password")) fields["password"] = "made";
  return all;
}

struct End {
  std::map<std::string, Fields> things;
  std::vector<std::string> entries;
  bool operator==(const End&) const = default;
};
End end_of(Deployment& test) {
  auto entries = entries_of(test.ledger());
  std::ranges::sort(entries);  // the order of making differs where siblings ran side by side
  return {visible(test), entries};
}

End undisturbed(bool changing) {
  Deployment test;
  REQUIRE(test.deploy(shop(1)).ok());
  if (changing) REQUIRE(test.deploy(shop(2)).ok());
  return end_of(test);
}

/// Not one of ours, and not caught by anybody: the program is gone.
struct Killed {};

/// Lets `count` touches of the world or the ledger happen, and none after.
class Fuse {
 public:
  explicit Fuse(int count) : left_(count) {}
  void touch() {
    if (--left_ < 0) throw Killed{};
  }
  bool burnt() const { return left_ < 0; }
  void cut_in(Deployment& test) {
    test.store().before = [this](const std::string& what, const std::string&) {
      if (what != "read") touch();
    };
    test.ledger().before = test.ledger().after = [this](const std::string& what) {
      if (what != "lock") touch();
    };
  }
  static void take_out(Deployment& test) {
    test.store().before = nullptr;
    test.ledger().before = test.ledger().after = nullptr;
  }

 private:
  std::atomic<int> left_;
};

int most() { return size_from("HARMONY_TEST_FAULTS", 0); }
bool goes_on(int place) { return most() == 0 || place <= most(); }
}  // namespace

TEST_CASE("the n-th write fails: nothing of that deploy is done after it, and the next one converges") {
  const bool changing = GENERATE(false, true);
  const End wanted = undisturbed(changing);
  int place = 1;
  for (bool failed = true; failed && goes_on(place); ++place) {
    INFO("write " << place << (changing ? " of a changing deploy" : " of a first deploy"));
    Deployment test;
    if (changing) REQUIRE(test.deploy(shop(1)).ok());
    const auto before = static_cast<std::ptrdiff_t>(test.store().history().size());
    test.options.fail_at_write = place;
    const Report report = test.deploy(shop(changing ? 2 : 1));
    failed = !report.ok();
    if (!failed) {
      CHECK(place > 8);
      break;
    }
    REQUIRE(codes_of(report.errors) == Lines{"H0901"});
    CHECK_FALSE(report.errors.front().subject.empty());
    // Siblings may get as far as the stop reaches them; what comes after them in the tree never begins.
    const auto history = test.store().history();
    const std::string failing = report.errors.front().subject;
    const auto comes_after = [&](const std::string& written) {
      const auto last = [](std::string_view text) {
        return text.ends_with("front") || text.ends_with("proxy") || text.ends_with("extra");
      };
      const bool pruning = failing.ends_with("1");  // of the version before: that comes last of all
      return last(written) && !last(failing) && !pruning;
    };
    CHECK(std::none_of(history.begin() + before, history.end(), comes_after));
    CHECK(test.ledger().read().run->failed);
    CHECK_FALSE(test.ledger().read().unfinished());
    CHECK_FALSE(test.ledger().held());
    test.options.fail_at_write = 0;
    REQUIRE(test.deploy(shop(changing ? 2 : 1)).ok());
    CHECK(end_of(test) == wanted);
    CHECK(test.rehearse(shop(changing ? 2 : 1)).outcome.empty());
  }
}

TEST_CASE("the n-th write of a sequence fails: exactly the writes before it are done") {
  std::vector<Thing> things;
  for (char name = 'a'; name <= 'f'; ++name) things.push_back({.name = std::string(1, name)});
  for (int place = 1; place <= 6; ++place) {
    Deployment test;
    test.options.fail_at_write = place;
    const Report report = test.deploy(part_of("shop", things));
    CHECK_FALSE(report.ok());
    CHECK(test.store().history().size() == static_cast<std::size_t>(place - 1));
    CHECK(report.outcome.steps.size() == static_cast<std::size_t>(place - 1));  // "changed before the failure"
  }
}

TEST_CASE("killed at every touch of world and ledger: plan, then deploy, ends like an undisturbed run") {
  const bool changing = GENERATE(false, true);
  const End wanted = undisturbed(changing);
  const Part root = shop(changing ? 2 : 1);
  int place = 1;
  for (bool killed = true; killed && goes_on(place); ++place) {
    INFO("touch " << place << (changing ? " of a changing deploy" : " of a first deploy"));
    Deployment test;
    if (changing) REQUIRE(test.deploy(shop(1)).ok());
    Fuse fuse{place};
    fuse.cut_in(test);
    try {
      (void)test.deploy(root);
    } catch (const Killed&) {
    }
    killed = fuse.burnt();
    Fuse::take_out(test);
    if (!killed) break;
    const Plan plan = test.rehearse(root);
    CHECK(plan.errors.empty());
    const auto ledger = test.ledger().read();
    if (ledger.unfinished()) {
      REQUIRE(plan.unfinished);
      CHECK(plan.unfinished->id == ledger.run->id);
      CHECK(plan.settles);
    }
    REQUIRE(test.deploy(root).ok());
    CHECK_FALSE(test.ledger().read().unfinished());
    CHECK(end_of(test) == wanted);
    CHECK(test.rehearse(root).outcome.empty());
    CHECK_FALSE(test.rehearse(root).settles);
  }
  CHECK((most() != 0 || place > 25));
}

TEST_CASE("killed at every touch of a destroy: the next one takes down the rest") {
  int place = 1;
  for (bool killed = true; killed && goes_on(place); ++place) {
    INFO("touch " << place);
    Deployment test;
    REQUIRE(test.deploy(shop(1)).ok());
    Fuse fuse{place};
    fuse.cut_in(test);
    try {
      (void)test.destroy();
    } catch (const Killed&) {
    }
    killed = fuse.burnt();
    Fuse::take_out(test);
    if (!killed) break;
    REQUIRE(test.destroy().ok());
    CHECK(visible(test) == std::map<std::string, Fields>{{"account", {}}, {"data", {{"format", "1"}}}});
    CHECK(entries_of(test.ledger()) == Lines{"owned thing/account", "kept thing/data"});
    CHECK_FALSE(test.ledger().read().unfinished());
  }
}

TEST_CASE("killed, and then something else is wanted: nothing is orphaned") {
  int place = 1;
  for (bool killed = true; killed && goes_on(place); ++place) {
    INFO("touch " << place);
    Deployment test;
    Fuse fuse{place};
    fuse.cut_in(test);
    try {
      (void)test.deploy(shop(1));
    } catch (const Killed&) {
    }
    killed = fuse.burnt();
    Fuse::take_out(test);
    REQUIRE(test.deploy(part_of("shop", {{.name = "other"}})).ok());
    auto left = visible(test);
    left.erase("account");  // belongs to the machine
    left.erase("data");     // is kept
    CHECK(left == std::map<std::string, Fields>{{"other", {}}});
    const auto entries = entries_of(test.ledger());
    CHECK(std::ranges::none_of(entries, [](const std::string& line) { return line.starts_with("intended"); }));
    CHECK(static_cast<bool>(test.store().peek("data")) ==
          (std::ranges::find(entries, "kept thing/data") != entries.end()));
  }
}

TEST_CASE("a ledger that cannot be written stops the deploy before the next write") {
  for (const std::string call : {"begin", "settle"}) {
    Deployment test;
    test.ledger().before = [call](const std::string& what) {
      if (what == call) throw Error({.code = "H0202", .message = "the ledger is full"});
    };
    const Report report = test.deploy(part_of("shop", {{.name = "a"}, {.name = "b"}}));
    CHECK(codes_of(report.errors) == Lines{"H0202"});
    CHECK(test.store().history().size() == (call == "begin" ? 0u : 1u));
    CHECK_FALSE(test.ledger().held());
    test.ledger().before = nullptr;
    CHECK(test.deploy(part_of("shop", {{.name = "a"}, {.name = "b"}})).ok());
  }
}

TEST_CASE("what the ledger waits for is told where it is written from, and nobody is told afterwards") {
  Deployment test;
  test.ledger().before = [&](const std::string& what) {
    if (what == "settle") test.ledger().told("the disk is slow");
  };
  CHECK(test.deploy(part_of("shop", {{.name = "a"}})).ok());
  const auto seen = test.observer.seen();
  const auto waits = std::ranges::find(seen, "the disk is slow", &RecordingObserver::Seen::text);
  REQUIRE(waits != seen.end());
  CHECK(waits->kind == Event::Kind::waiting);
  CHECK(waits->path == "shop");
  CHECK_FALSE(test.ledger().told);
}

TEST_CASE("a lock that is held by somebody else stops the deploy before any write") {
  Deployment test;
  test.ledger().before = [](const std::string& what) {
    if (what == "lock") throw Error({.code = "H0201", .category = Category::locked, .message = "locked by ci-7"});
  };
  const Report report = test.deploy(part_of("shop", {{.name = "a"}}));
  REQUIRE(codes_of(report.errors) == Lines{"H0201"});
  CHECK(report.errors.front().category == Category::locked);
  CHECK(test.store().history().empty());
}
