#pragma once
/// The parts that manifests of capabilities are put together from.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "harmony/capabilities/resources.hpp"

namespace harmony::k8s {

/// Of pod templates: what their pods read at their start.
inline constexpr const char* configuration_annotation = "harmony.dev/configuration";
inline constexpr const char* environment_annotation = "harmony.dev/environment";

boost::json::object named(std::string_view api_version, std::string_view kind, const std::string& name);
/// The labels by which a Service and a workload find their pods; the deployment's is added where they are sent.
boost::json::object selector_of(const std::string& instance);
boost::json::object container_port(std::string_view name, int port);
/// A ClusterIP Service; its ports lead to the container's of the same name.
boost::json::object service(const std::string& name, const std::string& instance,
                            const std::vector<std::pair<std::string, int>>& ports);
/// A StatefulSet of one pod, behind a Service of its name. @param pod its spec: containers, volumes
boost::json::object single_pod(const std::string& instance, boost::json::object pod);
/// A PersistentVolumeClaim that one node writes to. It leaves its size open: --volume-size.
boost::json::object claim(const std::string& name);
/// Whose rights the processes of a pod have, and whose its volumes are: `securityContext` of a pod.
boost::json::object pod_user(int user);
/// What a server needs no more than: `securityContext` of a container, as the policy `restricted` asks for.
boost::json::object confined();
/// Requests, and of memory the limit, into a container or what has `resources` as one; nothing where nothing is said.
void give(boost::json::object& container, const Resources&);
/// An environment variable whose value is that of a Secret.
boost::json::object secret_variable(const std::string& variable, const std::string& secret, const std::string& key);

}  // namespace harmony::k8s
