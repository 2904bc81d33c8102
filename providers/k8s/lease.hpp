#pragma once
/// The lock of a deployment: a Lease with holder, host and since. One that is not renewed for its duration, by our own
/// clock, is taken over: a lock is no fence, so every write asks whether it is still held.
#include <chrono>
#include <memory>
#include <string>

#include "harmony/ledger.hpp"
#include "k8s/place.hpp"

namespace harmony::k8s {

/// Thread-safe. What is shared by the ledger, which takes the lock, and the primitive, which asks for it before writes.
class Lease {
 public:
  explicit Lease(std::shared_ptr<const Place>);
  ~Lease();
  /// @throws Error H0201 naming the holder when `limit` is over
  std::unique_ptr<Lock> lock(Scope&, std::chrono::milliseconds limit);
  /// Before each write. One that could not be renewed in time is renewed now: nobody has had it where that is not refused.
  /// @throws Error H0434 where somebody has taken it over; what the API server, or its absence, is told as where it
  /// cannot be renewed
  void require_held(Scope&) const;
  /// Whether another process renews it at this time. Takes some seconds where it was not renewed of late.
  bool held_elsewhere(Scope&) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace harmony::k8s
