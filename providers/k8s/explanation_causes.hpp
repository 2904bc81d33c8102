#pragma once
/// The causes that a pod, a claim or a route can show, one function each.
#include <optional>
#include <string>

#include <boost/json/fwd.hpp>

#include "k8s/explanation.hpp"

namespace harmony::k8s {

/// A pod that holds something back.
struct PodCase {
  const boost::json::value& pod;
  Selected warnings;    ///< about the pod, newest last
  std::string subject;  ///< of what is explained: "deployment/guestbook"
  Tolerance tolerance;
};

/// The newest warning of the pod that has this reason and, where it names a container, this one.
const boost::json::value* warning_of(const PodCase&, std::string_view reason, std::string_view container = {},
                                     std::string_view part = {});
/// How often a warning was seen.
std::int64_t sightings_of(const boost::json::value* event);

/// @param status of one container
std::optional<Explanation> image_cause(const PodCase&, const boost::json::value& status);
std::optional<Explanation> start_cause(const PodCase&, const boost::json::value& status);
std::optional<Explanation> crash_cause(const PodCase&, const boost::json::value& status);
std::optional<Explanation> probe_cause(const PodCase&, const boost::json::value& status);

std::optional<Explanation> scheduling_cause(const PodCase&, const Objects& related);
/// Volumes and the network of a pod, before any container.
std::optional<Explanation> setup_cause(const PodCase&);
/// Of a claim that no volume is found for.
std::optional<Explanation> claim_cause(const std::string& subject, const boost::json::value& claim,
                                       const Objects& related, const Tolerance&);
/// Of a route that those have refused who are to carry it.
std::optional<Explanation> route_cause(const std::string& subject, const boost::json::value& route);
/// Of the image that the first start of a Cluster of CloudNativePG cannot get: no correction reaches that start.
void judge_first_start(Explanation&, const boost::json::value& cluster, const Objects& related);
/// `configmap "settings" not found`, `couldn't find key password in Secret shop/db`: something that a pod names.
std::optional<Explanation> missing_cause(const std::string& subject, std::string_view message, std::int64_t sightings,
                                         const Tolerance&);

}  // namespace harmony::k8s
