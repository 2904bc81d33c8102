#pragma once
/// What a watch has told, so that it can go on after it was interrupted: nothing is told twice, nothing is left out. Pure.
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/value.hpp>

#include "k8s/client.hpp"

namespace harmony::k8s {

class Watched {
 public:
  explicit Watched(GroupVersionKind what) : what_(std::move(what)) {}

  /// After a list. @returns what is new, what has changed, and what has gone while nobody looked.
  std::vector<WatchEvent> listed(std::vector<boost::json::value> objects, std::string resource_version);
  struct Told {
    std::optional<WatchEvent> event = {};
    std::optional<Status> failed = {};  ///< the stream is of no more use; 410: list again
  };
  /// One line of the stream. @throws Malformed
  Told line(std::string_view);
  /// From where the next stream goes on; empty: list first.
  const std::string& version() const { return version_; }
  void forget_version() { version_.clear(); }

 private:
  struct Known {
    std::string uid, version;
  };
  using Key = std::pair<std::string, std::string>;  ///< namespace and name
  std::optional<WatchEvent> changed(boost::json::value object);
  std::optional<WatchEvent> removed(boost::json::value object);
  WatchEvent gone(const Key&, const Known&) const;

  GroupVersionKind what_;
  std::string version_;
  std::map<Key, Known> known_;
};

}  // namespace harmony::k8s
