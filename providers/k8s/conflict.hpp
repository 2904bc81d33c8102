#pragma once
/// What a server says when an apply would take fields from another field manager (409).
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "harmony/error.hpp"
#include "k8s/field_set.hpp"

namespace harmony::k8s {

/// One field that another manager has set to something else.
struct Claim {
  std::string path;     ///< `.spec.replicas`
  std::string manager;  ///< "kubectl", fit for a terminal
  std::string detail = {};  ///< "subresource scale, apps/v1"
  bool operator==(const Claim&) const = default;
};

struct Conflict {
  std::vector<Claim> drift = {};     ///< was ours at our last apply: taken back, and named
  std::vector<Claim> conflicts = {};  ///< never was: not taken without a word from the user
  bool only_drift() const { return conflicts.empty(); }
};

/// @param status what the server answered
/// @param owned the field set of our last apply, as the object itself remembers it
/// @returns nothing where it is no conflict of field managers (an uid that does not match is a 409, too)
std::optional<Conflict> conflict_of(const boost::json::value& status, const FieldSet& owned);

/// Without asking the server: which fields of `owned` are somebody else's by now, and not among those that `manager` has
/// applied any more. What somebody has set to the same value again is among them; what he has taken away is not.
std::vector<Claim> taken_fields(const boost::json::value& live, const FieldSet& owned, std::string_view manager);

/// H0470, for an object of which somebody else's fields would have to be forced.
Diagnostic conflict_diagnostic(const std::string& subject, const Conflict&);

/// For a change that takes them back: "`kubectl-edit` has changed `spec.replicas` since the last deploy". Empty without.
std::string drift_text(const std::vector<Claim>& drift);

/// What others have set in the pods of a workload that `manager` has applied, and `manager` has not: an apply leaves it
/// there. Outermost paths, within the pod: `.containers[name="web"].env[name="PGOPTIONS"]`.
std::vector<Claim> added_to_pods(const boost::json::value& live, std::string_view manager);
/// "`kubectl-set` has set `containers[name="web"].env[name="PGOPTIONS"]`". Empty without.
std::string addition_text(const std::vector<Claim>& added);

}  // namespace harmony::k8s
