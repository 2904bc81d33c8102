#pragma once
/// Where a deployment is in a cluster, and what marks an object as its own.
#include <memory>
#include <string>

#include <boost/json/value.hpp>

#include "k8s/client.hpp"
#include "k8s/volume.hpp"

namespace harmony::k8s {

/// Our name in managedFields, for all deployments alike: labels say which one it is.
inline constexpr const char* field_manager = "harmony";

/// The label that says which.
inline constexpr const char* deployment_label = "harmony.dev/deployment";

struct Place {
  std::string deployment;
  std::string space;                         ///< its namespace
  bool create_space = false;                 ///< --create-namespace
  bool adopt = false;                        ///< --adopt: takes over objects that nobody has marked
  bool force_conflicts = false;              ///< --force-conflicts
  bool allow_replace = false;                ///< --allow-replace: what cannot be changed in place is made anew
  std::string pull_secret = {};  ///< --pull-secret: a Secret of the namespace, for the registry of its images
  VolumeDefaults volumes = {};  ///< --volume-size, --storage-class: of volumes whose Score leaves them open
  std::string cluster = {};  ///< what tells it from others: its address, and who vouches for it
  std::shared_ptr<Client> client = {};

  /// What every object of the deployment carries; the last is the ApplySet's, which kubectl can read (KEP-3659).
  boost::json::object labels() const;
  /// Of the Secret that is the ledger and the ApplySet's parent.
  std::string parent_name() const { return "harmony." + deployment; }
  std::string applyset_id() const;
  bool is_ours(const boost::json::value& live) const;
  /// The deployment that has marked it; empty where none has.
  static std::string marked_by(const boost::json::value& live);
  /// Ours, or nobody's where those are to be taken over.
  bool may_become_ours(const boost::json::value& live) const {
    return is_ours(live) || (adopt && marked_by(live).empty());
  }
  /// Whether what `live()` reads is there and may become ours.
  template <typename Live>
  bool has(Live live) const {
    try {
      const auto found = live();
      return found && may_become_ours(*found);
    } catch (const ApiError& error) {
      if (!error.out_of_sight()) throw;
      return false;
    }
  }
};

}  // namespace harmony::k8s
