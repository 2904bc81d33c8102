#pragma once
/// Where Scores run. A topology is a compile-time type: class Local : public Topology, with one
/// `C& capability(C*)` for each capability C it offers, built on primitives.
#include <chrono>
#include <concepts>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/ledger.hpp"
#include "harmony/primitive.hpp"
#include "harmony/rehearsal.hpp"
#include "harmony/secret.hpp"

namespace harmony {

/// Before which changes `deploy` asks.
enum class AskBefore { destructive_changes, any_change };

class Topology {
 public:
  virtual ~Topology() = default;
  virtual std::string label() const = 0;                 ///< "local", "prod (k8s 1.34 at …)"
  virtual AskBefore asks() const = 0;
  virtual Ledger& ledger() = 0;
  virtual const Fingerprinter& fingerprinter() const = 0;
  virtual std::vector<Primitive*> primitives() = 0;
  /// The same type on rehearsed primitives.
  virtual std::shared_ptr<Topology> rehearsed(Rehearsal&) = 0;
  /// Facts for `status`: ("state", "/var/lib/harmony/guestbook"), ("since the reboot", "nothing runs").
  virtual std::vector<std::pair<std::string, std::string>> facts(Scope&) { return {}; }
  /// The first that every verb does: asks what all of it stands on (an API server), where that can be slow or away. What
  /// reads the ledger shows no wait, and no stop ends it. Reads only. @throws Error, Stopped
  virtual void reach(Scope&) {}
  /// Before verbs that have nothing but the ledger: tells the primitives what they would have learnt from the Scores
  /// (where the server of a database listens). Reads only.
  virtual void recall(Scope&) {}
  /// Before the Scores, in rehearsals and real runs alike: changes that all of them stand on (a namespace).
  virtual void ground(Scope&) {}
  /// Before the lock is asked for, and again where it had to be waited for: what no plan shows, and the lock lies in (a
  /// namespace).
  virtual void prepare(Scope&) {}
  /// Whether something is there of what prepare() makes, or taking the lock.
  virtual bool prepared() { return false; }
  /// After a primitive has looked at what the ledger holds: what it takes several of them to tell (a server that runs, and
  /// says that it is not ready). Reads only.
  virtual void look_closer(Scope&, Observation&) {}
  /// Before a destroy asks: half of one serves nobody. Reads only. @throws Error where these may not all be removed
  virtual void require_removable(Scope&, const std::vector<LedgerEntry>&) {}
  /// What is there of a deployment whose ledger is gone: names for people. Empty where there is nothing of the kind.
  virtual std::string unclaimed(Scope&) { return {}; }
  /// After a destroy that left nothing in the ledger: takes away what that made.
  virtual void clean_up(Scope&) {}
};

/// One option a topology adds to the command line ("state-dir"); its value reaches the constructor.
struct TopologyOption {
  std::string name;
  std::string value_name = {};  ///< "DIR"; empty: a flag
  std::string help;
  char letter = 0;  ///< "-n"
  bool chooses = false;  ///< who gives it means this topology, and need not say `--on`
  bool path = false;  ///< taken from the working folder, and kept whole
  bool shapes = false;  ///< what is deployed depends on it, so the ledger keeps it, as it keeps the settings
};
struct TopologySettings {
  std::string deployment;
  std::map<std::string, std::string> options = {};  ///< by TopologyOption::name, only those given; a flag's is empty
};

template <class T>
concept TopologyType =
    std::derived_from<T, Topology> && std::constructible_from<T, const TopologySettings&> && requires {
      { T::id } -> std::convertible_to<std::string_view>;  // "local": what --on names
      { T::options() } -> std::same_as<std::vector<TopologyOption>>;
    };

template <class T, class C>
concept Provides = requires(T& topology) {
  { topology.capability(static_cast<C*>(nullptr)) } -> std::convertible_to<C&>;
};

}  // namespace harmony
