#pragma once
/// How large volumes are. Pure.
#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

namespace harmony::k8s {

inline constexpr std::string_view default_volume_size = "1Gi";

/// @throws Error H0408 where it is no size of a volume
std::string checked_volume_size(const std::string& text);
/// Gives one that leaves it open the size; nothing to any other object.
void set_volume_size(boost::json::object& object, std::string_view size);
/// Volumes never shrink: where the one that is there is larger, by whatever hand, its size is the wanted one.
void keep_volume_size(boost::json::value& object, const boost::json::value& live);

}  // namespace harmony::k8s
