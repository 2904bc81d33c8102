#pragma once
/// What pods read at their start, and others have changed meanwhile: to put it back is not enough, since pods that were
/// started with it go on with it. A mark on what was put back says so for good, and their template repeats it, so that they
/// are made anew, whenever a deploy comes to that. Pure.
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

namespace harmony::k8s {

/// Of ConfigMaps and Secrets, and of pod templates.
inline constexpr const char* restored_annotation = "harmony.dev/restored";

/// Gives a ConfigMap or Secret the mark that `live` has, or a new one where others have set what our last apply wrote to
/// something else. Nothing to any other object.
/// @param is_known whether a key of its data has its value already
/// @returns whether it has one now
bool mark_restored(boost::json::value& object, const boost::json::value& live, std::string_view manager,
                   const std::function<bool(std::string_view key)>& is_known);
/// Empty where it has none.
std::string_view restored_mark(const boost::json::value& object);
/// Gives the pods of a workload these marks; nothing to what has no pods, or where there are none.
/// @returns whether it has them now
bool restart_for(boost::json::value& object, const std::vector<std::string>& marks);

}  // namespace harmony::k8s
