#pragma once
/// A primitive of things in memory, its twin, a capability on it and a topology that hands that out: enough to prove
/// the engine without any server. What a test wants to go wrong, it makes go wrong in `Store::before`.
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "harmony/context.hpp"
#include "harmony/primitive.hpp"
#include "harmony/program.hpp"
#include "harmony/testing.hpp"

namespace harmony::testing {

using Fields = std::map<std::string, std::string>;

/// What a Score wants of one thing.
struct Thing {
  std::string name;
  Fields fields = {};
  std::vector<std::string> generated = {};  ///< fields whose value is made in the deploy
  bool holds_data = false;
  bool shared = false;
  bool unknown = false;                     ///< its twin cannot tell what will be
  bool replaces = false;                    ///< a change of fields is a replacement
};

/// The real world. Thread-safe.
class Store {
 public:
  /// Asked before each "read", "write", "remove" of a name; may throw, wait, or change the store.
  std::function<void(const std::string& what, const std::string& name)> before;

  std::optional<Fields> read(const std::string& name) const {
    ask("read", name);
    return peek(name);
  }
  void write(const std::string& name, Fields fields) {
    ask("write", name);
    std::lock_guard hold{mutex_};
    things_[name] = std::move(fields);
    history_.push_back("write " + name);
  }
  void remove(const std::string& name) {
    ask("remove", name);
    std::lock_guard hold{mutex_};
    things_.erase(name);
    history_.push_back("remove " + name);
  }

  // For the test itself: seen and done by nobody of ours.
  std::optional<Fields> peek(const std::string& name) const {
    std::lock_guard hold{mutex_};
    const auto found = things_.find(name);
    return found == things_.end() ? std::nullopt : std::optional{found->second};
  }
  void put(const std::string& name, Fields fields) {
    std::lock_guard hold{mutex_};
    things_[name] = std::move(fields);
  }
  void erase(const std::string& name) {
    std::lock_guard hold{mutex_};
    things_.erase(name);
  }
  std::map<std::string, Fields> all() const {
    std::lock_guard hold{mutex_};
    return things_;
  }
  /// Writes and removals, in their order.
  std::vector<std::string> history() const {
    std::lock_guard hold{mutex_};
    return history_;
  }

 private:
  void ask(const std::string& what, const std::string& name) const {
    if (before) before(what, name);
  }
  mutable std::mutex mutex_;
  std::map<std::string, Fields> things_;
  std::vector<std::string> history_;
};

/// The pure part, the same for the primitive and its twin.
Change difference(const std::optional<Fields>& now, const Thing& wanted);

class RehearsedWorld;

class World : public Primitive {
 public:
  using twin = RehearsedWorld;
  std::string_view primitive() const override { return "world"; }
  virtual void ensure(Scope&, const Thing&) = 0;
  virtual Deferred<std::string> field(Scope&, const std::string& thing, const std::string& path) = 0;
  virtual std::optional<Fields> look(const std::string& thing) const = 0;
  /// @returns false where a rehearsal found it not so yet.
  bool until(Scope&, const std::string& thing, const std::string& path, std::chrono::milliseconds limit);

 protected:
  static Subject subject_of(const std::string& name) { return {"world", "thing", name}; }
};

class RealWorld final : public World {
 public:
  explicit RealWorld(std::shared_ptr<Store> store) : store_(std::move(store)) {}
  void ensure(Scope&, const Thing&) override;
  Deferred<std::string> field(Scope&, const std::string& thing, const std::string& path) override;
  std::optional<Fields> look(const std::string& thing) const override { return store_->read(thing); }
  void remove(Scope&, const LedgerEntry&) override;
  void rest(Scope&, const LedgerEntry&) override;  ///< a thing that is "running" no longer is
  Observation observe(Scope&, const LedgerEntry&) override;
  void logs(Scope&, const LedgerEntry&, const LogQuery&, const LogSink&) override;
  std::string read_again(Scope&, std::string_view key) override;

 private:
  std::shared_ptr<Store> store_;
};

class RehearsedWorld final : public World {
 public:
  RehearsedWorld(std::shared_ptr<World> real, Rehearsal& rehearsal) : real_(std::move(real)), rehearsal_(rehearsal) {}
  void ensure(Scope&, const Thing&) override;
  Deferred<std::string> field(Scope&, const std::string& thing, const std::string& path) override;
  std::optional<Fields> look(const std::string& thing) const override;
  void remove(Scope&, const LedgerEntry&) override;
  void rest(Scope&, const LedgerEntry&) override;  ///< a thing that is "running" no longer is
  Observation observe(Scope& at, const LedgerEntry& entry) override { return real_->observe(at, entry); }
  std::string read_again(Scope& at, std::string_view key) override { return real_->read_again(at, key); }

 private:
  struct Pending {
    std::mutex mutex;
    std::map<std::string, std::optional<Fields>> things;
  };
  std::shared_ptr<World> real_;
  Rehearsal& rehearsal_;
};

/// A capability: a step for each thing, with two parts where `beside` names another one.
class Things {
 public:
  virtual ~Things() = default;
  virtual void ensure(Scope&, const Thing&) = 0;
  /// A step of its own for several things, decided by the first.
  virtual void ensure_together(Scope&, Step, const std::vector<Thing>&) = 0;
  /// Waits until the thing has the field.
  virtual bool until(Scope&, const std::string& thing, const std::string& path, std::chrono::milliseconds limit) = 0;
  virtual Deferred<std::string> field(Scope&, const std::string& thing, const std::string& path) = 0;
};

/// Something else, for tests of needs.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::string now(Scope&) = 0;
};

/// Counts what a deploy does to its ledger, and lets a test interfere.
class SpyLedger final : public Ledger {
 public:
  std::function<void(const std::string& what)> before;   ///< "lock", "begin", "intend", "settle", "forget", "finish"
  std::function<void(const std::string& what)> after;
  bool waited = false;                                   ///< what the next lock says
  bool damaged = false;                                  ///< it cannot be read
  LedgerState read() const override {
    if (damaged) throw Error({.code = "H0999", .message = "the ledger is damaged"});
    return inner_->read();
  }
  std::unique_ptr<Lock> lock(Scope&, std::chrono::milliseconds limit) override;
  void begin(const RunRecord& run, const std::vector<LedgerEntry>& lined_up) override {
    note("begin", [&] { inner_->begin(run, lined_up); });
  }
  void intend(const LedgerEntry& entry) override {
    note("intend", [&] { inner_->intend(entry); });
  }
  void settle(const LedgerEntry& entry) override {
    note("settle", [&] { inner_->settle(entry); });
  }
  void forget(const Subject& subject) override {
    note("forget", [&] { inner_->forget(subject); });
  }
  void finish(const RunRecord& run) override {
    note("finish", [&] { inner_->finish(run); });
  }
  void tell(std::function<void(std::string_view reason)> waits) override { told = std::move(waits); }
  std::function<void(std::string_view reason)> told;     ///< whoever mutates is to be told by this what it waits for
  std::vector<std::string> calls() const {
    std::lock_guard hold{mutex_};
    return calls_;
  }
  bool held() const { return held_; }

 private:
  void note(const std::string& what, const std::function<void()>& act);
  std::shared_ptr<Ledger> inner_ = memory_ledger();
  mutable std::mutex mutex_;
  std::vector<std::string> calls_;
  std::atomic<bool> held_{false};
};

/// Keyed enough for tests: equal values look equal, and the value does not show.
class HashFingerprinter final : public Fingerprinter {
 public:
  explicit HashFingerprinter(const std::string& key) : key_(key) {}
  std::string of(std::string_view value) const override;

 private:
  const std::string& key_;
};

class Memory final : public Topology {
 public:
  static constexpr std::string_view id = "memory";
  static std::vector<TopologyOption> options() { return {}; }
  explicit Memory(const TopologySettings& = {});
  Memory(std::shared_ptr<Store>, std::shared_ptr<SpyLedger>, std::shared_ptr<World>);

  std::string label() const override { return "memory"; }
  AskBefore asks() const override { return AskBefore::destructive_changes; }
  Ledger& ledger() override { return *ledger_; }
  const Fingerprinter& fingerprinter() const override;
  std::vector<Primitive*> primitives() override { return {world_.get()}; }
  std::shared_ptr<Topology> rehearsed(Rehearsal&) override;
  std::vector<std::pair<std::string, std::string>> facts(Scope&) override {
    return {{"things", std::to_string(store_->all().size())}};
  }
  void prepare(Scope&) override {
    ++prepares;
    place = true;
  }
  bool prepared() override { return place; }
  void clean_up(Scope&) override {
    ++cleaned;
    place = false;
  }

  Things& capability(Things*) { return *things_; }
  Clock& capability(Clock*) { return *clock_; }

  Store& store() { return *store_; }
  SpyLedger& spy() { return *ledger_; }
  int prepares = 0, cleaned = 0;
  bool place = false;    ///< made by prepare(), taken away by clean_up()
  std::string key = {};  ///< of fingerprints

 private:
  std::shared_ptr<Store> store_;
  std::shared_ptr<SpyLedger> ledger_;
  std::shared_ptr<World> world_;
  std::shared_ptr<Things> things_;
  std::shared_ptr<Clock> clock_;
  HashFingerprinter fingerprinter_{key};
};

/// A Score that does what the test says.
struct Part {
  using needs = Needs<Things>;
  std::string label;
  std::function<void(Context<needs>&)> body;
  std::source_location declared = std::source_location::current();

  static constexpr std::string_view kind() { return "part"; }
  std::string_view name() const { return label; }
  void interpret(Context<needs>& in) const { body(in); }
};
using PartContext = Context<Part::needs>;

/// A Part of things alone.
Part part_of(std::string name, std::vector<Thing> things);

/// A smoke test that does what the test says.
struct Probe {
  using needs = Part::needs;
  std::string label;
  std::function<void(PartContext&, Checks&)> body;
  std::string_view name() const { return label; }
  void test(PartContext& in, Checks& checks) const { body(in, checks); }
};

/// One deployment of Scores in one world.
class Deployment {
 public:
  std::shared_ptr<Memory> topology = std::make_shared<Memory>();
  EngineOptions options = {.deployment = "test", .who = "tester@here"};
  std::stop_source stop{};
  RecordingObserver observer{};
  std::function<Approval(const Plan&)> approve = [](const Plan&) { return Approval::yes; };

  Store& store() { return topology->store(); }
  SpyLedger& ledger() { return topology->spy(); }
  Plan rehearse(const Part& root);
  Report deploy(const Part& root, const Plan* saved = nullptr);
  Report smoke_test(const Part& root);
  Report destroy(bool delete_data = false);
  /// For verbs and members that have no short form here. The Score must outlive it.
  std::unique_ptr<Engine> engine(Part& root);
};

/// "owned thing/a", "kept thing/b" …: the entries of a ledger, in order of making.
std::vector<std::string> entries_of(Ledger&);
/// The codes of errors, in their order.
std::vector<std::string> codes_of(const std::vector<Diagnostic>&);
/// @returns the size of a loop: $`variable`, or `otherwise`.
int size_from(const char* variable, int otherwise);

}  // namespace harmony::testing
