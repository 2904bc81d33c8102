#pragma once
/// What others have put into a cluster, read for a choice that a plan rests on: classes of Ingress, Gateways.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "harmony/scope.hpp"
#include "k8s/object.hpp"

namespace harmony::k8s {

struct Place;

struct OthersQuery {
  GroupVersionKind what;
  std::string space = {};                    ///< empty: all of them, or the kind has none
  std::string name = {};                     ///< empty: all
  auto operator<=>(const OthersQuery&) const = default;
};

/// As far as the user may see it.
struct Others {
  bool served = false;                       ///< the cluster has that kind
  bool allowed = false;                      ///< the user may read it
  std::vector<boost::json::value> objects = {};  ///< by namespace and name
};

/// @throws NoSuchKind where the server of that group does not answer: what it has is not known
Others read_others(Scope&, const Place&, const OthersQuery&);

/// For a read set: what a choice may rest on. Not what changes while nothing is chosen anew, as who is attached.
std::string fingerprint_of(const Others&, const Fingerprinter&);
std::string read_key(const OthersQuery&);
/// Nothing where the key is one of another read.
std::optional<OthersQuery> query_of(std::string_view key);

}  // namespace harmony::k8s
