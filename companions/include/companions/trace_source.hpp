#pragma once
/// Where the command line gets a trace from.
#include <string>

namespace harmony {

/// Thread-safe: may be asked while a deploy runs; what has not ended then is marked so.
class TraceSource {
 public:
  virtual ~TraceSource() = default;
  /// Chrome's trace event format, one JSON object: opens in ui.perfetto.dev and chrome://tracing.
  virtual std::string json() const = 0;
};

}  // namespace harmony
