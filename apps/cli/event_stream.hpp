#pragma once
/// What happens, as JSON lines: docs/events.md.
#include <mutex>
#include <string>

#include <boost/json/fwd.hpp>

#include "diagnostic.hpp"
#include "harmony/event.hpp"
#include "output.hpp"

namespace harmony::cli {

struct StreamHeader {
  std::string program, verb, deployment, topology;
};

/// First a `version` message, at the end `run_finished`, always. Thread-safe.
class EventStream final : public Observer {
 public:
  EventStream(Output&, Redact);
  void begin(const StreamHeader&);
  void on(const Event&) noexcept override;
  /// One more message; `type` and `time` are put before its other keys.
  void message(std::string_view type, boost::json::object);
  void end(int exit_code, std::chrono::nanoseconds took);

 private:
  Output& output_;
  Redact redact_;
};

}  // namespace harmony::cli
