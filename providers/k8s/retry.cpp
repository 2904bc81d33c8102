#include "k8s/retry.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

#include "k8s/status.hpp"

namespace harmony::k8s {

using namespace std::chrono_literals;

namespace {

bool says(const std::string& text, std::string_view words) { return text.find(words) != std::string::npos; }

/// The server's storage did not answer it; what it was asked to store may be stored.
bool storage_silent(const std::string& message) {
  if (says(message, "failed calling webhook")) return false;  // asked before anything is stored
  return says(message, "etcdserver") || says(message, "rpc error") || says(message, "context deadline exceeded") ||
         says(message, "context canceled") || says(message, "leader changed");
}

Outcome outcome_of_server_error(const Status& status, Verb verb) {
  if (status.code == 503 && status.retry_after) return Outcome::again;  // turned away before any work
  if (status.code == 500) {
    // Most are refusals: a field that a schema does not know, a webhook that says no. Asking again changes nothing.
    if (!storage_silent(status.message)) return Outcome::failed;
    return verb == Verb::read ? Outcome::again : Outcome::unknown;
  }
  if (!may_come_back(status.code)) return Outcome::failed;
  return verb == Verb::read ? Outcome::again : Outcome::unknown;
}

}  // namespace

std::optional<std::chrono::seconds> retry_after_of(const Reply& reply) {
  const std::string text = reply.header("retry-after");
  if (text.empty()) return std::nullopt;
  long long seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc::result_out_of_range) return std::chrono::seconds(text.starts_with('-') ? 0 : 1'000'000);
  if (error == std::errc{} && end == text.data() + text.size())
    return std::chrono::seconds(std::clamp(seconds, 0ll, 1'000'000ll));
  const auto then = curl_getdate(text.c_str(), nullptr);
  const auto now = curl_getdate(reply.header("date").c_str(), nullptr);
  if (then < 0 || now < 0) return std::nullopt;
  return std::chrono::seconds(std::max<long long>(0, then - now));
}

Outcome outcome_of(const Status& status, Verb verb) {
  if (status.code == 429) return Outcome::again;  // turned away before any work
  if (status.code >= 500) return outcome_of_server_error(status, verb);
  return Outcome::failed;
}

Outcome outcome_of(const ConnectionError& error, Verb verb) {
  switch (error.trouble()) {
    case Trouble::no_tls:
    case Trouble::certificate:
    case Trouble::client_certificate: return Outcome::failed;
    case Trouble::malformed: return error.sent() && verb == Verb::write ? Outcome::unknown : Outcome::failed;
    case Trouble::slow:
      // A read that took its whole time once will take it again.
      if (error.sent()) return verb == Verb::write ? Outcome::unknown : Outcome::failed;
      return Outcome::again;
    case Trouble::name_unknown:
    case Trouble::refused:
    case Trouble::proxy:
    case Trouble::closed: break;
  }
  return error.sent() && verb == Verb::write ? Outcome::unknown : Outcome::again;
}

std::optional<std::chrono::milliseconds> Patience::next(Clock::time_point now,
                                                        std::optional<std::chrono::seconds> asked_for, int most) {
  if (tries_ >= most) return std::nullopt;
  const auto step = std::min<std::chrono::milliseconds>(200ms * (1 << std::min(tries_ - 1, 6)), 8s);
  ++tries_;
  const auto apart = std::chrono::milliseconds(static_cast<long long>(random_ * static_cast<double>(step.count()) / 2));
  const std::chrono::milliseconds wait = (asked_for ? std::chrono::milliseconds(*asked_for) : step) + apart;
  if (now + wait <= end_) return wait;
  const auto left = std::chrono::floor<std::chrono::milliseconds>(end_ - now);
  if (asked_for || left <= 0ms) return std::nullopt;
  return left;
}

}  // namespace harmony::k8s
