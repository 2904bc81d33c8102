#pragma once

#include <chrono>
#include <random>
#include <stop_token>

namespace guestbook {

/// How long to wait before the next attempt: from 100 ms doubling to 2 s, each less up to a half by chance, so that
/// several instances do not come back at the same moment. For one thread.
class Backoff {
 public:
  std::chrono::milliseconds next();
  void reset();

 private:
  static constexpr std::chrono::milliseconds shortest{100};
  static constexpr std::chrono::milliseconds longest{2000};

  std::chrono::milliseconds limit_ = shortest;
  std::minstd_rand chance_{std::random_device()()};
};

/// Waits, or returns at once when the thread is asked to stop.
void pause_unless_stopped(const std::stop_token& stop, std::chrono::milliseconds duration);

}  // namespace guestbook
