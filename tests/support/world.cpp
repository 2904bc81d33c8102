#include "support/world.hpp"

#include <cstdlib>

#include <fmt/format.h>

namespace harmony::testing {

Change difference(const std::optional<Fields>& now, const Thing& wanted) {
  Change change{.subject = {"world", "thing", wanted.name}, .holds_data = wanted.holds_data, .shared = wanted.shared};
  const Fields before = now.value_or(Fields{});
  for (const auto& [path, value] : wanted.fields) {
    const auto old = before.find(path);
    if (old == before.end() || old->second != value)
      change.fields.push_back({.path = path, .before = old == before.end() ? "" : old->second, .after = value});
  }
  for (const std::string& path : wanted.generated)
    if (!before.contains(path))
      change.fields.push_back({.path = path, .after = "(generated)", .origin = Origin::generated});
  if (!now) change.action = Action::create;
  else if (!change.fields.empty()) change.action = wanted.replaces ? Action::replace : Action::update;
  change.loses_data = change.action == Action::replace && wanted.holds_data;
  change.effect = change.action == Action::update ? "restarts the thing" : "";
  return change;
}

namespace {
std::string fingerprint_of(const std::optional<Fields>& fields) {
  if (!fields) return {};
  std::string text = "{";
  for (const auto& [path, value] : *fields) text += path + "=" + value + ";";
  return text + "}";
}
Change removal_of(const LedgerEntry& entry, bool there) {
  return {.subject = entry.subject,
          .action = there ? Action::remove : Action::unchanged,
          .holds_data = entry.holds_data,
          .loses_data = there && entry.holds_data};
}
/// Nothing for a thing upon which nothing runs.
std::optional<Change> rest_of(const LedgerEntry& entry, const std::optional<Fields>& now) {
  const auto running = now ? now->find("running") : Fields::const_iterator{};
  if (!now || running == now->end()) return std::nullopt;
  Change change{.subject = entry.subject, .holds_data = true};
  if (running->second == "no") return change;
  change.action = Action::update;
  change.fields = {{.path = "running", .before = running->second, .after = "no"}};
  return change;
}
Fields stopped(Fields fields) {
  fields["running"] = "no";
  return fields;
}
}  // namespace

// ---------------------------------------------------------------- real

void RealWorld::ensure(Scope& at, const Thing& wanted) {
  const auto one = at.hold(subject_of(wanted.name));
  const auto now = store_->read(wanted.name);
  Fields fields = wanted.fields;
  Change change = difference(now, wanted);
  for (const std::string& path : wanted.generated) {
    const bool known = now && now->contains(path);
    fields[path] = known ? now->at(path) : "made-for-" + wanted.name + "-in-" + at.run_id();
    for (FieldChange& field : change.fields)
      if (field.path == path) field.after = fields[path];
  }
  at.change(std::move(change), [&] {
    store_->write(wanted.name, fields);
    return Settled{.identity = "number " + wanted.name};
  });
}

bool World::until(Scope& at, const std::string& thing, const std::string& path, std::chrono::milliseconds limit) {
  const Wait wait{.limit = limit, .what = thing + " has " + path, .subject = "thing/" + thing};
  return at.until(key(), wait, [&]() -> std::optional<std::string> {
    const auto now = look(thing);
    if (now && now->contains(path)) return std::nullopt;
    return now ? thing + " has no " + path : thing + " is not there";
  });
}

Deferred<std::string> RealWorld::field(Scope&, const std::string& thing, const std::string& path) {
  const auto now = store_->read(thing);
  return now && now->contains(path) ? now->at(path) : std::string{};
}

void RealWorld::remove(Scope& at, const LedgerEntry& entry) {
  const auto one = at.hold(entry.subject);
  at.change(removal_of(entry, store_->read(entry.subject.name).has_value()), [&] {
    store_->remove(entry.subject.name);
    return Settled{};
  });
}

void RealWorld::rest(Scope& at, const LedgerEntry& entry) {
  const auto now = store_->read(entry.subject.name);
  const auto change = rest_of(entry, now);
  if (!change) return;
  at.change(*change, [&] {
    store_->write(entry.subject.name, stopped(*now));
    return Settled{};
  });
}

Observation RealWorld::observe(Scope&, const LedgerEntry& entry) {
  const auto now = store_->read(entry.subject.name);
  return {.entry = entry,
          .health = now ? Observation::Health::ok : Observation::Health::missing,
          .detail = fingerprint_of(now)};
}

void RealWorld::logs(Scope&, const LedgerEntry& entry, const LogQuery&, const LogSink& sink) {
  sink(entry.subject.name, "a line of " + entry.subject.name);
}

std::string RealWorld::read_again(Scope&, std::string_view key) {
  return fingerprint_of(store_->read(std::string(key.substr(key.find('/') + 1))));
}

// ---------------------------------------------------------------- rehearsed

std::optional<Fields> RehearsedWorld::look(const std::string& thing) const {
  auto& pending = rehearsal_.facts<Pending>();
  {
    std::lock_guard hold{pending.mutex};
    if (const auto found = pending.things.find(thing); found != pending.things.end()) return found->second;
  }
  auto now = real_->look(thing);
  rehearsal_.read("world", "thing/" + thing, fingerprint_of(now));
  return now;
}

void RehearsedWorld::ensure(Scope& at, const Thing& wanted) {
  const auto one = at.hold(subject_of(wanted.name));
  Change change = difference(look(wanted.name), wanted);
  if (wanted.unknown) {
    change.fidelity = Fidelity::unknown;
    change.reason = "nobody can tell";
    if (change.action != Action::create) change.action = Action::update;
    change.fields.clear();
  }
  at.change(std::move(change), [&] {
    auto& pending = rehearsal_.facts<Pending>();
    std::lock_guard hold{pending.mutex};
    pending.things[wanted.name] = wanted.fields;
    return Settled{};
  });
}

Deferred<std::string> RehearsedWorld::field(Scope&, const std::string& thing, const std::string& path) {
  const auto now = look(thing);
  if (now && now->contains(path)) return now->at(path);
  return Deferred<std::string>::pending("thing `" + thing + "` is only planned");
}

void RehearsedWorld::remove(Scope& at, const LedgerEntry& entry) {
  const auto one = at.hold(entry.subject);
  at.change(removal_of(entry, look(entry.subject.name).has_value()), [&] {
    auto& pending = rehearsal_.facts<Pending>();
    std::lock_guard hold{pending.mutex};
    pending.things[entry.subject.name] = std::nullopt;
    return Settled{};
  });
}

void RehearsedWorld::rest(Scope& at, const LedgerEntry& entry) {
  const auto now = look(entry.subject.name);
  const auto change = rest_of(entry, now);
  if (!change) return;
  at.change(*change, [&] {
    auto& pending = rehearsal_.facts<Pending>();
    std::lock_guard hold{pending.mutex};
    pending.things[entry.subject.name] = stopped(*now);
    return Settled{};
  });
}

// ---------------------------------------------------------------- topology

namespace {

class ThingsInWorld final : public Things {
 public:
  explicit ThingsInWorld(std::shared_ptr<World> world) : world_(std::move(world)) {}
  void ensure(Scope& at, const Thing& thing) override {
    Scope step = at.step({.kind = "thing maker", .name = thing.name, .decides = {"world", "thing", thing.name}});
    world_->ensure(step, thing);
  }
  void ensure_together(Scope& at, Step named, const std::vector<Thing>& things) override {
    Scope step = at.step(std::move(named));
    for (const Thing& thing : things) world_->ensure(step, thing);
  }
  bool until(Scope& at, const std::string& thing, const std::string& path, std::chrono::milliseconds limit) override {
    return world_->until(at, thing, path, limit);
  }
  Deferred<std::string> field(Scope& at, const std::string& thing, const std::string& path) override {
    return world_->field(at, thing, path);
  }

 private:
  std::shared_ptr<World> world_;
};

class NoClock final : public Clock {
 public:
  std::string now(Scope& at) override { return at.run_id(); }
};

}  // namespace

std::unique_ptr<Lock> SpyLedger::lock(Scope&, std::chrono::milliseconds) {
  struct Held final : Lock {
    Held(std::atomic<bool>& held, bool waited) : held_(held), waited_(waited) { held_ = true; }
    ~Held() override { held_ = false; }
    bool waited() const override { return waited_; }
    std::atomic<bool>& held_;
    bool waited_;
  };
  std::unique_ptr<Lock> made;
  note("lock", [&] { made = std::make_unique<Held>(held_, std::exchange(waited, false)); });
  return made;
}

void SpyLedger::note(const std::string& what, const std::function<void()>& act) {
  if (before) before(what);
  {
    std::lock_guard hold{mutex_};
    calls_.push_back(what);
  }
  act();
  if (after) after(what);
}

Memory::Memory(const TopologySettings&) : Memory(std::make_shared<Store>(), std::make_shared<SpyLedger>(), nullptr) {}
Memory::Memory(std::shared_ptr<Store> store, std::shared_ptr<SpyLedger> ledger, std::shared_ptr<World> world)
    : store_(std::move(store)),
      ledger_(std::move(ledger)),
      world_(world ? std::move(world) : std::make_shared<RealWorld>(store_)),
      things_(std::make_shared<ThingsInWorld>(world_)),
      clock_(std::make_shared<NoClock>()) {}

std::string HashFingerprinter::of(std::string_view value) const {
  return fmt::format("{:08x}", std::hash<std::string>{}(key_ + std::string(value)) & 0xffffffff);
}
const Fingerprinter& Memory::fingerprinter() const { return fingerprinter_; }
std::shared_ptr<Topology> Memory::rehearsed(Rehearsal& rehearsal) {
  return std::make_shared<Memory>(store_, ledger_, twin_of(world_, rehearsal));
}

// ---------------------------------------------------------------- deployments

Part part_of(std::string name, std::vector<Thing> things) {
  return {.label = std::move(name), .body = [things = std::move(things)](PartContext& in) {
            for (const Thing& thing : things) in.use<Things>().ensure(in, thing);
          }};
}

std::unique_ptr<Engine> Deployment::engine(Part& root) {
  auto made = std::make_unique<Engine>(make_program<Part, Memory>(root), topology, options, stop.get_token());
  made->observe(observer);
  return made;
}
Plan Deployment::rehearse(const Part& root) {
  Part score = root;
  return engine(score)->rehearse();
}
Report Deployment::deploy(const Part& root, const Plan* saved) {
  Part score = root;
  return engine(score)->deploy(saved, approve);
}
Report Deployment::smoke_test(const Part& root) {
  Part score = root;
  return engine(score)->smoke_test();
}
Report Deployment::destroy(bool delete_data) {
  Part nobody{.label = "test", .body = [](PartContext&) { throw InternalError("a destroy interprets no Score"); }};
  return engine(nobody)->destroy(delete_data, [](const auto&) { return Approval::yes; });
}

std::vector<std::string> entries_of(Ledger& ledger) {
  std::vector<std::string> lines;
  for (const LedgerEntry& entry : ledger.read().entries) {
    const auto* state = entry.state == LedgerEntry::State::owned  ? "owned"
                        : entry.state == LedgerEntry::State::kept ? "kept"
                                                                  : "intended";
    lines.push_back(fmt::format("{} {}", state, entry.subject.text()));
  }
  return lines;
}

std::vector<std::string> codes_of(const std::vector<Diagnostic>& errors) {
  std::vector<std::string> codes;
  for (const Diagnostic& error : errors) codes.push_back(error.code);
  return codes;
}

int size_from(const char* variable, int otherwise) {
  const char* given = std::getenv(variable);
  return given ? std::atoi(given) : otherwise;
}

}  // namespace harmony::testing
