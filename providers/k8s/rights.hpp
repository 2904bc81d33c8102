#pragma once
/// What the user of a context may do, asked of the server beforehand: rights that a deploy needs, and no dry run tries.
#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

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

/// In the deployment's namespace. Asks by reviews, which no server keeps; where they may not be asked for, nothing is known,
/// and nothing is said.
/// @throws Error H0461 with the rules that are missing
void require_rights(Scope&, const Place&, const std::vector<Right>&);

}  // namespace harmony::k8s
