#pragma once
/// What a namespace holds of some kinds, kept up by watches for as long as it lives.
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <boost/json/value.hpp>

#include "harmony/background.hpp"
#include "k8s/place.hpp"
#include "k8s/relations.hpp"

namespace harmony::k8s {

/// Thread-safe. Ends its watches with its destructor, or when the scope is stopped.
class LiveView {
 public:
  LiveView(const Scope&, const Place&, std::vector<Resource>);
  ~LiveView();
  /// Every time that something has come, changed or gone; not before all kinds have been listed once.
  /// @returns false where nothing has moved since `seen` within a moment
  bool moved_since(std::uint64_t& seen);
  /// All of it. @throws what a watch ended with
  Objects objects() const;

 private:
  void watch(const Resource&);

  Background background_;                    ///< a watch that is begun again is no reason that anybody waits for
  std::stop_source stop_;
  std::optional<std::stop_callback<std::function<void()>>> with_the_run_;
  const Place& place_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::pair<std::string, std::string>, boost::json::value> objects_;  ///< by kind and name
  std::uint64_t revision_ = 0;
  std::size_t listed_ = 0, kinds_ = 0;
  std::optional<Error> failed_;
  std::vector<std::jthread> watchers_;       ///< last: they use all the others
};

}  // namespace harmony::k8s
