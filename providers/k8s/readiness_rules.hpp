#pragma once
/// One rule per kind. Each is asked only about an object that is there, is not going, and is no older than our write.
#include <cstdint>
#include <optional>
#include <string>

#include <boost/json/fwd.hpp>

#include "k8s/readiness.hpp"

namespace harmony::k8s {

struct Seen {
  const boost::json::value& object;
  const Objects& related;
  std::int64_t generation;  ///< that has to be reached
  StatusContract contract = {};
};

Readiness ready(std::string reason = {});
Readiness waits(std::string reason);
Readiness assumed(std::string reason);
/// Says so while `status.observedGeneration` has not reached what was written.
std::optional<Readiness> unobserved(const Seen&);
/// Nothing where the condition holds, for the generation that was written.
std::optional<Readiness> lacks(const boost::json::array& conditions, std::string_view type, const Seen&);
/// "NotReady: the reason, and what was said", fit for a terminal.
std::string said(const Condition&);
/// "1 of 3 pods ready".
std::string share(std::int64_t done, std::int64_t all, std::string_view what);

using Rule = Readiness (*)(const Seen&);
/// Nothing: no rule for this kind.
Rule rule_of(std::string_view group_kind);

// readiness_pods.cpp
Readiness deployment_readiness(const Seen&);
Readiness replica_set_readiness(const Seen&);
Readiness stateful_set_readiness(const Seen&);
Readiness daemon_set_readiness(const Seen&);
Readiness pod_readiness(const Seen&);
Readiness job_readiness(const Seen&);
Readiness cron_job_readiness(const Seen&);

// readiness_network.cpp
Readiness service_readiness(const Seen&);
Readiness ingress_readiness(const Seen&);
Readiness gateway_readiness(const Seen&);

// readiness_routes.cpp
Readiness gateway_route_readiness(const Seen&);
Readiness openshift_route_readiness(const Seen&);

// readiness_others.cpp
Readiness claim_readiness(const Seen&);
Readiness namespace_readiness(const Seen&);
Readiness definition_readiness(const Seen&);
Readiness api_service_readiness(const Seen&);
Readiness budget_readiness(const Seen&);
Readiness autoscaler_readiness(const Seen&);
Readiness quota_readiness(const Seen&);
Readiness custom_readiness(const Seen&);

// readiness_postgresql.cpp
Readiness postgresql_readiness(const Seen&);

}  // namespace harmony::k8s
