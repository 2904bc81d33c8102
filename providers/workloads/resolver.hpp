#pragma once
#include "host/host.hpp"

namespace harmony::workloads {

/// Turns what a Score refers to into text with secrets in it; the topology knows all of its capabilities.
class Resolver {
 public:
  virtual ~Resolver() = default;
  /// @throws Error H0012 where no Score has provided it.
  virtual host::Content resolve(Scope&, const Setting&) = 0;
  /// Of the data that it leads to: another where that was made anew at the same address. Empty where there is none.
  virtual host::Content identity(Scope&, const Setting&) = 0;
};

}  // namespace harmony::workloads
