#pragma once
#include "host/host.hpp"

namespace harmony::workloads {

/// Turns what a Score refers to into text with secrets in it; the topology knows all of its capabilities.
class Resolver {
 public:
  virtual ~Resolver() = default;
  /// @throws Error H0012 where no Score has provided it.
  virtual host::Content resolve(Scope&, const Setting&) = 0;
};

}  // namespace harmony::workloads
