#pragma once
/// What the rules know of the operator CloudNativePG: the only kind from outside of Kubernetes that has rules of its own.
#include <string_view>

#include "k8s/object.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

inline const GroupVersionKind cloud_native_pg_cluster{"postgresql.cnpg.io", "v1", "Cluster"};
/// As group_kind() says it.
inline constexpr std::string_view cloud_native_pg_kind = "postgresql.cnpg.io/Cluster";
/// An annotation that puts a Cluster to rest, and the condition that says how far that is.
inline constexpr std::string_view hibernation = "cnpg.io/hibernation";

inline bool is_cloud_native_pg(const boost::json::value& object) { return group_kind(object) == cloud_native_pg_kind; }

/// Whether it is asked to rest.
inline bool hibernates(const boost::json::value& cluster) {
  const auto* asked = member(find(cluster, "metadata.annotations"), hibernation);
  return asked && asked->is_string() && asked->get_string() == "on";
}

}  // namespace harmony::k8s
