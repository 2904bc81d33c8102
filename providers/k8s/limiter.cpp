#include "k8s/limiter.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <system_error>
#include <thread>
#include <vector>

#include "harmony/error.hpp"

namespace harmony::k8s {

void AdaptiveLimit::answered(std::chrono::microseconds took, bool busy) {
  constexpr double slow = 4, drift = 1.01;  // times the quickest; per answer
  const auto us = std::max(1.0, static_cast<double>(took.count()));
  quickest_us_ = quickest_us_ == 0 ? us : std::min(us, quickest_us_ * drift);
  ++since_;
  if (us > slow * quickest_us_) {
    // Once for all that were under way together.
    if (static_cast<double>(since_) < limit_) return;
    limit_ = std::max(1.0, limit_ * 0.9);
    since_ = 0;
  } else if (busy) limit_ = std::min(most_, limit_ + 1 / limit_);
}

void AdaptiveLimit::turned_away() {
  if (since_ == 0) return;
  limit_ = std::max(1.0, limit_ / 2);
  since_ = 0;
}

Limiter::Permit::~Permit() {
  if (!of_) return;
  std::lock_guard hold{of_->mutex_};
  --of_->under_way_;
  of_->freed_.notify_all();
}

void Limiter::Permit::answered() {
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - since_);
  std::lock_guard hold{of_->mutex_};
  of_->limit_.answered(took, of_->under_way_ >= of_->limit_.now());
}

void Limiter::Permit::turned_away() {
  std::lock_guard hold{of_->mutex_};
  of_->limit_.turned_away();
}

Limiter::Permit Limiter::acquire(const Scope& at) {
  std::unique_lock hold{mutex_};
  if (!freed_.wait(hold, at.stop(), [&] { return under_way_ < limit_.now(); })) throw Stopped();
  ++under_way_;
  return Permit{this};
}

std::size_t Limiter::limit() const {
  std::lock_guard hold{mutex_};
  return limit_.now();
}

void side_by_side(const Limiter& limiter, std::size_t count, const std::function<void(std::size_t)>& each) {
  std::vector<std::exception_ptr> thrown(count);
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < count; i = next++) {
      try {
        each(i);
      } catch (...) {
        thrown[i] = std::current_exception();
      }
    }
  };
  {
    std::vector<std::jthread> helpers;
    try {
      for (std::size_t i = 1; i < std::min(count, limiter.most()); ++i) helpers.emplace_back(work);
    } catch (const std::system_error&) {  // no thread can be had: those that are there do all of it
    }
    work();
  }
  for (const auto& error : thrown)
    if (error) std::rethrow_exception(error);
}

}  // namespace harmony::k8s
