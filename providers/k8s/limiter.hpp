#pragma once
/// How many requests are under way at once: more while answers are quick, fewer when the server says so or gets slow.
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <stop_token>

#include "harmony/scope.hpp"

namespace harmony::k8s {

/// The number itself. Pure, not thread-safe.
class AdaptiveLimit {
 public:
  AdaptiveLimit(std::size_t start, std::size_t most)
      : limit_(static_cast<double>(start)), most_(static_cast<double>(most)) {}
  std::size_t now() const { return static_cast<std::size_t>(limit_); }
  /// @param busy as many were under way as are allowed: else their time says nothing about more of them
  void answered(std::chrono::microseconds took, bool busy);
  /// 429, or 503 with Retry-After.
  void turned_away();

 private:
  double limit_, most_;
  double quickest_us_ = 0;   ///< recent, drifting upwards: what a server takes that has nothing else to do
  std::size_t since_ = 0;    ///< answers since it was lowered
};

/// Thread-safe.
class Limiter {
 public:
  explicit Limiter(std::size_t start = 8, std::size_t most = 32) : limit_(start, most), most_(most) {}
  std::size_t most() const { return most_; }

  /// The right to have one request under way.
  class Permit {
   public:
    Permit(Permit&& other) noexcept : of_(std::exchange(other.of_, nullptr)), since_(other.since_) {}
    Permit& operator=(Permit&&) = delete;
    ~Permit();
    void answered();
    void turned_away();

   private:
    friend class Limiter;
    explicit Permit(Limiter* of) : of_(of) {}
    Limiter* of_;
    std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
  };
  /// @throws Stopped
  Permit acquire(const Scope&);
  std::size_t limit() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable_any freed_;
  AdaptiveLimit limit_;
  std::size_t most_, under_way_ = 0;
};

/// Runs `each(0)` to `each(count - 1)`, side by side as far as the limiter's most; all of them, whatever one throws.
/// @throws what the lowest index threw, when all have ended
void side_by_side(const Limiter&, std::size_t count, const std::function<void(std::size_t)>& each);

}  // namespace harmony::k8s
