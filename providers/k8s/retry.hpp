#pragma once
/// When a request is sent again, and what its failure means for a write. Pure.
#include <algorithm>
#include <chrono>
#include <optional>

#include "k8s/transport.hpp"

namespace harmony::k8s {

struct Status;

/// What a Retry-After header asks for: seconds; a date is taken by the reply's own Date. Nothing where there is none.
std::optional<std::chrono::seconds> retry_after_of(const Reply&);

enum class Verb {
  read,
  write,
};

/// After a reply that is no success, or no reply.
enum class Outcome {
  again,     ///< it did not happen, and may be sent again
  failed,    ///< it did not happen, and sending it again would not help
  unknown,   ///< it may have happened
};

Outcome outcome_of(const Status&, Verb);
Outcome outcome_of(const ConnectionError&, Verb);

/// How long, and how often, a request is tried. Not thread-safe: one for each request.
class Patience {
 public:
  using Clock = std::chrono::steady_clock;
  /// @param random from 0 to 1: clients that were turned away together come back apart
  Patience(Clock::time_point now, double random) : end_(now + limit), random_(random) {}
  /// Where nobody has answered since then, whatever was asked, this request gets no time of its own on top.
  void nobody_answers_since(Clock::time_point since) { end_ = std::min(end_, since + limit); }
  /// How long to wait before the next try; nothing where it was tried often enough, or for long enough. The last try is
  /// at the end of the time, unless a server asked for more.
  std::optional<std::chrono::milliseconds> next(Clock::time_point now, std::optional<std::chrono::seconds> asked_for,
                                                int most = most_tries);
  int tries() const { return tries_; }

  static constexpr int most_tries = 12;
  static constexpr int most_connects =
      4;  ///< where nobody is there: some seconds, for a server that is just restarting
  static constexpr std::chrono::seconds limit{60};

 private:
  Clock::time_point end_;
  double random_;
  int tries_ = 1;
};

}  // namespace harmony::k8s
