#pragma once
/// Is an object what it was asked to be, and working? By generations, never by times.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

#include "k8s/relations.hpp"

namespace harmony::k8s {

struct Readiness {
  enum class State {
    ready,
    in_progress,
    failed,       ///< its controller has given up
    terminating,
    assumed,      ///< nobody promises to say more: it is there, and that is all that is known
    not_found,
  };
  State state = State::in_progress;
  std::string reason = {};  ///< "1 of 3 pods available"; fit for a terminal
  bool mostly_told = false;  ///< assumed, though most controllers say more after a moment
  bool operator==(const Readiness&) const = default;
};
std::string_view to_string(Readiness::State);

/// What a custom resource's definition promises about its status.
struct StatusContract {
  bool subresource = false;  ///< status is written by a controller, and by nobody else
};
/// @param version "v1"; what the definition does not serve has no contract
StatusContract status_contract(const boost::json::value& definition, std::string_view version);

struct Expected {
  std::int64_t generation = 0;  ///< what our write returned; 0: whatever is live
  std::string uid = {};         ///< what our write returned; empty: any
  StatusContract contract = {};  ///< of a custom resource
};

/// Pure. `related` is what was read with it: of a Deployment its ReplicaSets and pods, of a StatefulSet its pods, as of a
/// Cluster of CloudNativePG, of a Service its EndpointSlices and the pods behind it, of a claim its events or its
/// StorageClass. Where nothing was read but the object, its own status decides; a Service without EndpointSlices has no endpoints.
/// @param live nothing: the server knows no such object
Readiness readiness_of(const boost::json::value* live, const Objects& related, const Expected& = {});

}  // namespace harmony::k8s
