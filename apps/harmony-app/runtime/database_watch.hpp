#pragma once

#include <string>
#include <thread>

#include "backoff.hpp"
#include "health.hpp"

namespace guestbook {

/// Migrates the schema, then asks the database every second whether it answers, and tells Health. Whenever the database
/// comes back it starts over, since it may come back empty. Runs a thread of its own until it is destroyed.
class DatabaseWatch {
 public:
  DatabaseWatch(std::string url, Health& health);

 private:
  void run(const std::stop_token& stop);
  void watch_once(const std::stop_token& stop);

  std::string url_;
  Health& health_;
  std::string doing_;  ///< what a failure is the failure of
  bool answered_ = false;  ///< over the present connection
  Backoff backoff_;
  std::jthread thread_;
};

}  // namespace guestbook
