#pragma once
/// What the user of a context may do, asked of the server beforehand: rights that a deploy needs, and no dry run tries.
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "harmony/scope.hpp"
#include "k8s/place.hpp"

namespace harmony::k8s {

struct Right {
  std::string verb, group, resource, subresource = {};
  std::string name = {};  ///< of the one object that it is asked of; empty: of all
  auto operator<=>(const Right&) const = default;
  std::string text() const;  ///< "pods/log"
};

/// What a SelfSubjectRulesReview says of it. Pure.
bool allows(const boost::json::value& rules, const Right&);

/// Those of one user in the deployment's namespace, which have to outlive it. Thread-safe.
class Rights {
 public:
  explicit Rights(const Place& place) : place_(place) {}
  /// Asks once for each, by reviews, which no server keeps; where they may not be asked for, nothing is known, and nothing is
  /// said. @throws Error H0461 with the rules that are missing
  void require(Scope&, const std::vector<Right>&);

 private:
  /// Those that no rule allows.
  std::vector<Right> doubtful(Scope&, const std::vector<Right>&);

  const Place& place_;
  std::mutex mutex_;
  std::optional<boost::json::value> rules_;  ///< null: they may not be asked for
  std::set<Right> known_;  ///< to be allowed
};

}  // namespace harmony::k8s
