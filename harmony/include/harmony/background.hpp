#pragma once
/// A scope outside of any run: for what a ledger or a topology reads before one has begun. A write through it is our bug.
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "harmony/scope.hpp"

namespace harmony {

/// Thread-safe. Its scopes must not outlive it.
class Background {
 public:
  /// @param waits is told what its scopes wait for, and what they try again; from any thread
  explicit Background(std::string deployment, std::function<void(std::string_view reason)> waits = {});
  ~Background();
  Scope scope() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace harmony
