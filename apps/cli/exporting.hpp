#pragma once
/// Wires what leaves a deploy or a destroy (export/) to the command line's options.
#include <memory>

#include "harmony/engine.hpp"

namespace harmony::cli {

class Exports;
class Session;

class Exporting {
 public:
  /// Starts to serve metrics, if asked to. @throws Error where what was asked for cannot be
  explicit Exporting(Session&);
  ~Exporting();
  /// What does not work here is told, and changes no result.
  void finish(const Report&);

 private:
  Session& session_;
  std::unique_ptr<Exports> exports_;
};

}  // namespace harmony::cli
