#pragma once
/// Is a live object provably what a Score wants it to be? Then it needs no request of its own.
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

namespace harmony::k8s {

/// Why something could not be proven. It may be unchanged all the same: a server's dry run says.
struct Doubt {
  enum class Why {
    never_applied,  ///< our field manager has not applied it, or through another version of its API
    not_owned,      ///< wanted, and not ours
    differs,        ///< wanted and ours, and another value
    given_up,       ///< ours, and no longer wanted
    order,          ///< the same items in another order
    unreadable,     ///< nothing that a proof could be built on
  };
  std::string path;  ///< `.spec.replicas`; empty: the object
  Why why = Why::differs;
  bool operator==(const Doubt&) const = default;
};
std::string_view to_string(Doubt::Why);

struct Proof {
  std::vector<Doubt> doubts = {};
  bool holds() const { return doubts.empty(); }
};

/// Proven where every leaf of `desired` is owned by the applies of `manager` and equal to `live`, and nothing else is
/// owned by them: then an apply of it changes nothing. Never proven wrongly; not everything that is unchanged is proven.
/// @pre `live` is what a server sent, with its managedFields
Proof prove_unchanged(const boost::json::value& desired, const boost::json::value& live, std::string_view manager);

}  // namespace harmony::k8s
