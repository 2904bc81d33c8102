#pragma once
/// What touches the world. Few: read + pure diff + write. Each has one rehearsed twin over the same read and diff.
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harmony/deferred.hpp"
#include "harmony/ledger.hpp"
#include "harmony/rehearsal.hpp"
#include "harmony/scope.hpp"

namespace harmony {

/// How something that the ledger holds is now.
struct Observation {
  enum class Health { ok, starting, degraded, down, missing, unknown };
  LedgerEntry entry;
  Health health = Health::unknown;
  std::string detail = {};  ///< "pid 4711, up 2 h, restarted once"
};
std::string_view to_string(Observation::Health);

struct LogQuery {
  std::size_t lines = 100;   ///< last so many
  bool follow = false;       ///< until the scope is stopped
};
using LogSink = std::function<void(std::string_view source, std::string_view line)>;

/// Base of every primitive. Thread-safe; every operation honours the scope's stop token.
class Primitive {
 public:
  virtual ~Primitive() = default;
  virtual std::string_view primitive() const = 0;  ///< the first part of its subjects: "host"

  // What the core verbs ask, with nothing but the ledger in hand.
  /// Takes away what the entry names, through scope.change with Action::remove; unchanged where it is gone already.
  virtual void remove(Scope&, const LedgerEntry&) = 0;
  /// What the entry names holds data and stays, while its Score or its deployment goes: brings to rest what works on it,
  /// through scope.change. By default nothing does.
  virtual void rest(Scope&, const LedgerEntry&) {}
  virtual Observation observe(Scope&, const LedgerEntry&) = 0;
  virtual void logs(Scope&, const LedgerEntry&, const LogQuery&, const LogSink&) {}
  /// Scope::conceal of every secret that the entry names, before what may repeat it is shown: logs. Where it cannot be
  /// read there is nothing to conceal.
  virtual void conceal(Scope&, const LedgerEntry&) {}
  /// The fingerprint of what `key` (ReadRecord::key) is now.
  virtual std::string read_again(Scope&, std::string_view key) = 0;

 protected:
  static PrimitiveKey key() { return {}; }
};

/// The twin of a primitive for one rehearsal. Every primitive interface says `using twin = …;`, a class that is built
/// from the real one and the Rehearsal, reads through to the real world, sees pending writes first, and writes nothing.
template <class P>
std::shared_ptr<P> twin_of(std::shared_ptr<P> real, Rehearsal& rehearsal) {
  constexpr bool has_twin = requires { typename P::twin; };
  static_assert(
      has_twin,
      "harmony: primitive P has no rehearsed twin; give it `using twin = ...;`, or its writes could not be planned");
  if constexpr (has_twin) return std::make_shared<typename P::twin>(std::move(real), rehearsal);
  else return real;
}

}  // namespace harmony
