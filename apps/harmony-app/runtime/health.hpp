#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <string>

namespace guestbook {

/// What the service needs from outside.
enum class Dependency : std::size_t { database, broker };

/// What is known of the dependencies, and whether the process is going away. Those that watch a dependency report here,
/// the HTTP side asks; changes are logged. Thread-safe.
class Health {
 public:
  void report_up(Dependency dependency);

  /// `reason` is one line that names the dependency, such as `database: connection refused`.
  void report_down(Dependency dependency, const std::string& reason);

  void report_shutting_down();

  /// Why this dependency cannot be used now; empty when it can.
  std::string trouble_with(Dependency dependency) const;

  /// Why the service is not ready, on one line; empty when it is.
  std::string trouble() const;

 private:
  mutable std::mutex mutex_;
  std::array<std::string, 2> reasons_{"database: not connected yet", "broker: not connected yet"};
  bool shutting_down_ = false;
};

}  // namespace guestbook
