#pragma once
/// What belongs to an object, among what was read with it: its pods, its events, its conditions.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

namespace harmony::k8s {

using Objects = std::vector<boost::json::value>;
using Selected = std::vector<const boost::json::value*>;

Selected of_kind(const Objects&, std::string_view group_kind);
/// Those that `owner` controls, by uid.
Selected owned_by(const Selected&, const boost::json::value& owner);
/// Whether a ReplicaSet is that of its Deployment's newest version.
bool is_newest_set(const boost::json::value& replica_set, const boost::json::value& deployment);
/// The pods that a workload has made, a Deployment by its ReplicaSets, whatever their version. Others may have pods of the
/// same labels.
Selected pods_made_by(const boost::json::value& workload, const Objects&);
/// The warnings about `object`, newest last as far as they say when.
Selected warnings_about(const Objects&, const boost::json::value& object);

/// A condition of an object's status.
struct Condition {
  bool holds = false, fails = false;  ///< neither: unknown
  std::string_view reason, message;
  std::optional<std::int64_t> generation = {};  ///< that it speaks of
};
Condition condition_in(const boost::json::array& conditions, std::string_view type);
Condition condition_of(const boost::json::value& object, std::string_view type);

bool is_ready_pod(const boost::json::value& pod);
bool is_going(const boost::json::value& object);
/// A workload that wants no pods: no Score asks for that, somebody or an autoscaler has put it to rest.
bool is_scaled_to_none(const boost::json::value& workload);
/// What holds an object that is to go, with commas between; empty where nothing does. Fit for a terminal.
std::string finalizers_of(const boost::json::value& object);
/// All labels of a selector are there; an empty selector selects nothing.
bool has_labels(const boost::json::value& object, const boost::json::object& selector);

}  // namespace harmony::k8s
