#pragma once
/// A scope outside of any run: for what a ledger or a topology reads before one has begun. A write through it is our bug.
#include <memory>

#include "harmony/scope.hpp"

namespace harmony {

/// Thread-safe. Its scopes must not outlive it.
class Background {
 public:
  explicit Background(std::string deployment);
  ~Background();
  Scope scope() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace harmony
