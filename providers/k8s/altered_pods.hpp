#pragma once
/// Pods whose image somebody has set by hand, behind the back of the workload that has made them. What an admission webhook
/// makes of an image (a mirror of a registry) is the maker's own: the server keeps who has set which field. Pure.
#include <optional>
#include <string>

#include <boost/json/fwd.hpp>

namespace harmony::k8s {

struct Alteration {
  std::string pod, container, image, manager;  ///< fit for a terminal
  std::string text() const;  ///< "pod `web-1` runs `web:2`, which `kubectl-set` has set"
};

/// @param workload with the template that the pod was made from
std::optional<Alteration> alteration_of(const boost::json::value& pod, const boost::json::value& workload);

}  // namespace harmony::k8s
