#pragma once
/// A topology without servers: a shelf of named values in memory, with a ledger beside it. It has what every topology
/// has (a read, a diff, the one door for writes, a twin), so that engine, companions and command line run on it whole.
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "harmony/testing.hpp"

namespace harmony::testing {

/// The capability: keeps values under names.
class Shelf {
 public:
  virtual ~Shelf() = default;
  virtual void put(const Scope&, const std::string& name, const std::string& value) = 0;
  virtual std::optional<std::string> get(const std::string& name) const = 0;
};

/// What lies there; shared by a topology and whoever looks at it afterwards. Thread-safe.
class ShelfWorld {
 public:
  std::optional<std::string> find(const std::string& name) const {
    std::lock_guard hold{mutex_};
    const auto found = values_.find(name);
    return found == values_.end() ? std::nullopt : found->second;
  }
  /// @param value nothing: a twin remembers that it took the name away.
  void set(const std::string& name, std::optional<std::string> value) {
    std::lock_guard hold{mutex_};
    values_[name] = std::move(value);
  }
  bool knows(const std::string& name) const {
    std::lock_guard hold{mutex_};
    return values_.contains(name);
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::optional<std::string>> values_;
};

class RehearsedShelf;

/// The primitive; its twin differs in where it reads and writes alone.
class MemoryShelf : public Primitive, public Shelf {
 public:
  using twin = RehearsedShelf;
  std::string_view primitive() const override { return "shelf"; }

  void put(const Scope& in, const std::string& name, const std::string& value) override {
    const Subject subject{"shelf", "value", name};
    const auto hold = in.hold(subject);
    const auto before = read(name);
    Change change{.subject = subject, .before = before.value_or(""), .after = value};
    change.action = !before ? Action::create : *before == value ? Action::unchanged : Action::update;
    if (change.action != Action::unchanged)
      change.fields = {{.path = "value", .before = before.value_or(""), .after = value}};
    in.change(std::move(change), [&] { return written_.set(name, value), Settled{.identity = name}; });
  }
  std::optional<std::string> get(const std::string& name) const override { return found(name); }

  void remove(Scope& in, const LedgerEntry& entry) override {
    const std::string& name = entry.subject.name;
    const auto before = read(name);
    const Action action = before ? Action::remove : Action::unchanged;
    in.change({.subject = entry.subject, .action = action, .before = before.value_or("")},
              [&] { return written_.set(name, std::nullopt), Settled{}; });
  }
  Observation observe(Scope&, const LedgerEntry& entry) override {
    return {.entry = entry,
            .health = found(entry.subject.name) ? Observation::Health::ok : Observation::Health::missing};
  }
  std::string read_again(Scope&, std::string_view key) override { return found(std::string(key)).value_or(""); }

 protected:
  virtual std::optional<std::string> found(const std::string& name) const { return written_.find(name); }
  virtual std::optional<std::string> read(const std::string& name) { return found(name); }
  ShelfWorld written_;
};

class RehearsedShelf final : public MemoryShelf {
 public:
  RehearsedShelf(std::shared_ptr<MemoryShelf> real, Rehearsal& rehearsal)
      : real_(std::move(real)), rehearsal_(rehearsal) {}

 protected:
  std::optional<std::string> found(const std::string& name) const override {
    return written_.knows(name) ? written_.find(name) : real_->get(name);
  }
  std::optional<std::string> read(const std::string& name) override {
    if (!written_.knows(name)) rehearsal_.read("shelf", name, real_->get(name).value_or(""));
    return found(name);
  }

 private:
  std::shared_ptr<MemoryShelf> real_;
  Rehearsal& rehearsal_;
};

class PlainFingerprinter final : public Fingerprinter {
 public:
  std::string of(std::string_view value) const override { return "fingerprint-of-" + std::to_string(value.size()); }
};

class MemoryTopology : public Topology {
 public:
  static constexpr std::string_view id = "memory";
  static std::vector<TopologyOption> options() { return {}; }
  explicit MemoryTopology(const TopologySettings& = {})
      : MemoryTopology(std::make_shared<MemoryShelf>(), memory_ledger()) {}
  std::string label() const override { return "memory"; }
  AskBefore asks() const override { return AskBefore::destructive_changes; }
  Ledger& ledger() override { return *ledger_; }
  const Fingerprinter& fingerprinter() const override { return fingerprinter_; }
  std::vector<Primitive*> primitives() override { return {shelf_.get()}; }
  std::shared_ptr<Topology> rehearsed(Rehearsal& rehearsal) override {
    return std::shared_ptr<MemoryTopology>(new MemoryTopology(twin_of(shelf_, rehearsal), ledger_));
  }
  Shelf& capability(Shelf*) { return *shelf_; }

 private:
  MemoryTopology(std::shared_ptr<MemoryShelf> shelf, std::shared_ptr<Ledger> ledger)
      : shelf_(std::move(shelf)), ledger_(std::move(ledger)) {}
  std::shared_ptr<MemoryShelf> shelf_;
  std::shared_ptr<Ledger> ledger_;
  PlainFingerprinter fingerprinter_;
};

}  // namespace harmony::testing
