#pragma once
/// Which kinds an API server has, and where. Pure: what was read becomes a catalogue.
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "k8s/object.hpp"

namespace harmony::k8s {

struct Resource {
  GroupVersionKind what;
  std::string plural;                        ///< "deployments"
  bool namespaced = true;
  std::set<std::string> verbs = {};          ///< "get", "list", "patch", …
  bool has_status = false;                   ///< a status subresource
};

/// "/apis/apps/v1/namespaces/shop/deployments/guestbook"; an empty name: the collection, an empty space: all of them.
/// @throws Error H0416 where a name could become another path
std::string path_of(const Resource&, std::string_view space, std::string_view name = {});

/// A group whose server does not answer: an aggregated one that is registered but down.
struct BrokenGroup {
  std::string group, version, why;
  std::string text() const;                  ///< "metrics.k8s.io/v1beta1"
};

class Catalogue {
 public:
  const Resource* find(const GroupVersionKind&) const;
  /// In the version that the server prefers.
  const Resource* find_preferred(std::string_view group, std::string_view kind) const;
  /// All, by group, version and kind.
  const std::map<GroupVersionKind, Resource>& all() const { return all_; }
  const std::vector<BrokenGroup>& broken() const { return broken_; }
  /// What it has is not known, then.
  bool is_broken(std::string_view group) const;

  /// An APIGroupDiscoveryList (apidiscovery.k8s.io/v2 or v2beta1). @returns false where it is something else
  bool add_aggregated(const boost::json::value&);
  /// An APIResourceList of a group and version.
  void add_resources(std::string_view group, std::string_view version, const boost::json::value&);
  void add_broken(BrokenGroup);
  /// The first version of a group that is added is preferred.
  void add(Resource);

 private:
  std::map<GroupVersionKind, Resource> all_;
  std::map<std::pair<std::string, std::string>, std::string, std::less<>> preferred_;
  std::vector<BrokenGroup> broken_;
};

struct GroupVersion {
  std::string group, version;
};
/// Of an APIGroupList, or of the core's APIVersions; the preferred version of a group first.
std::vector<GroupVersion> versions_of(const boost::json::value&);

}  // namespace harmony::k8s
