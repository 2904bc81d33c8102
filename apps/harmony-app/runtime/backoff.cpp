#include "backoff.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace guestbook {

std::chrono::milliseconds Backoff::next() {
  std::uniform_int_distribution<long> duration(limit_.count() / 2, limit_.count());
  limit_ = std::min(limit_ * 2, longest);
  return std::chrono::milliseconds(duration(chance_));
}

void Backoff::reset() { limit_ = shortest; }

void pause_unless_stopped(const std::stop_token& stop, std::chrono::milliseconds duration) {
  std::mutex mutex;
  std::condition_variable_any asked_to_stop;
  std::unique_lock lock(mutex);
  asked_to_stop.wait_for(lock, stop, duration, [] { return false; });
}

}  // namespace guestbook
