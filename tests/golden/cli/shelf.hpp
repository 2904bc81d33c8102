#pragma once
/// A world small enough to be read at once: shelves that hold items. One primitive, its twin, a topology on them.
/// All deployments of one process share it, so that a test can run several verbs one after the other.
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "harmony/reference.hpp"
#include "harmony/testing.hpp"

namespace shelves {

using namespace harmony;

struct Item {
  std::string name;
  std::string kind = "bread";          ///< another kind is a replacement
  std::string note = {};
  Setting label = {};
  bool holds_data = false;
  std::chrono::milliseconds takes{};   ///< how long it is not ready
  std::string fails = {};              ///< why it never will be
};

struct Stored {
  std::string kind, note, label;
  bool operator==(const Stored&) const = default;
};

class RehearsedShelf;

/// What touches the world, and what applications speak to: small worlds can afford it.
class Shelf : public Primitive {
 public:
  using twin = RehearsedShelf;
  static constexpr std::string_view capability_name = "Shelf";
  std::string_view primitive() const override { return "shelf"; }
  void put(Scope&, const Item&);

 protected:
  virtual std::optional<Stored> find(const std::string& name) const = 0;
  virtual void store(const std::string& name, const std::optional<Stored>&) = 0;
};

struct World {
  std::mutex mutex;
  std::map<std::string, Stored> items;
  std::shared_ptr<Ledger> ledger = testing::memory_ledger();
};
World& world();

class RealShelf final : public Shelf {
 public:
  void remove(Scope&, const LedgerEntry&) override;
  Observation observe(Scope&, const LedgerEntry&) override;
  void logs(Scope&, const LedgerEntry&, const LogQuery&, const LogSink&) override;
  std::string read_again(Scope&, std::string_view key) override;

 protected:
  std::optional<Stored> find(const std::string& name) const override;
  void store(const std::string& name, const std::optional<Stored>&) override;
};

class RehearsedShelf final : public Shelf {
 public:
  RehearsedShelf(std::shared_ptr<Shelf> real, Rehearsal& rehearsal) : real_(std::move(real)), rehearsal_(rehearsal) {}
  void remove(Scope&, const LedgerEntry&) override;
  Observation observe(Scope& at, const LedgerEntry& entry) override { return real_->observe(at, entry); }
  std::string read_again(Scope& at, std::string_view key) override { return real_->read_again(at, key); }

 protected:
  std::optional<Stored> find(const std::string& name) const override;
  void store(const std::string& name, const std::optional<Stored>& item) override { pending_[name] = item; }

 private:
  std::shared_ptr<Shelf> real_;
  Rehearsal& rehearsal_;
  std::map<std::string, std::optional<Stored>> pending_;
};

/// Asks before destructive changes, as a single machine does.
class Box : public Topology {
 public:
  static constexpr std::string_view id = "box";
  static std::vector<TopologyOption> options() {
    return {{.name = "lid", .value_name = "COLOUR", .help = "what to close the box with", .chooses = true}};
  }
  explicit Box(const TopologySettings&, std::shared_ptr<Shelf> shelf = std::make_shared<RealShelf>())
      : shelf_(std::move(shelf)) {}
  std::string label() const override { return "box"; }
  AskBefore asks() const override { return AskBefore::destructive_changes; }
  Ledger& ledger() override { return *world().ledger; }
  const Fingerprinter& fingerprinter() const override;
  std::vector<Primitive*> primitives() override { return {shelf_.get()}; }
  std::shared_ptr<Topology> rehearsed(Rehearsal&) override;
  std::vector<std::pair<std::string, std::string>> facts(Scope&) override { return {{"room", "the pantry"}}; }
  std::string fingerprint_key() const { return "c0ffee"; }
  void adopt_fingerprint_key(const std::string&) {}
  Shelf& capability(Shelf*) { return *shelf_; }

 private:
  std::shared_ptr<Shelf> shelf_;
};

/// The same box far away: asks before any change.
class FarBox final : public Box {
 public:
  static constexpr std::string_view id = "far";
  static std::vector<TopologyOption> options() { return {{"lane", "NAME", "how to get there"}}; }
  explicit FarBox(const TopologySettings& settings) : Box(settings) {}
  std::string label() const override { return "far (over the hills)"; }
  AskBefore asks() const override { return AskBefore::any_change; }
};

}  // namespace shelves
