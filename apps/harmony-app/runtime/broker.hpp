#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "configuration.hpp"
#include "health.hpp"

namespace guestbook {

/// NATS refused, went away or did not acknowledge. The text is one line that begins with `broker: `.
class BrokerError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Publishes to a JetStream subject over one connection, which a thread of its own keeps up and reports to Health.
class Broker {
 public:
  Broker(BrokerAddress address, std::string subject, Health& health);
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  /// Begins to connect. Call once.
  void start();

  /// Returns when a stream has stored the message; else throws BrokerError, at once when not connected. Thread-safe.
  void publish(std::string_view payload, std::chrono::steady_clock::time_point deadline);

 private:
  class Link;

  void run(const std::stop_token& stop);
  void use(std::shared_ptr<Link> link);
  void wait_until_closed(const Link& link, const std::stop_token& stop);
  void wake();

  BrokerAddress address_;
  std::string subject_;
  Health& health_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::shared_ptr<Link> link_;
  std::jthread thread_;
};

}  // namespace guestbook
