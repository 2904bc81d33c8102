#pragma once
/// What volumes are: how large, and of which class. Pure.
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

namespace harmony::k8s {

inline constexpr std::string_view default_volume_size = "1Gi";

struct VolumeDefaults {
  std::optional<std::string> size = {};      ///< nothing: default_volume_size
  std::string storage_class = {};  ///< empty: the cluster's default
};

/// @throws Error H0408 where it is no size of a volume
std::string checked_volume_size(const std::string& text);
/// Gives a claim, or a Cluster of CloudNativePG, what it leaves open; nothing to any other object.
void set_volume(boost::json::object& object, const VolumeDefaults&);
/// Whether it is one of those.
bool has_volume(const boost::json::value& object);
/// Whether `path` (".spec.storage.size") is where this object says how large its volume is.
bool is_volume_size(const boost::json::value& object, std::string_view path);
/// Volumes never shrink, and never change their class: where the one that is there is larger, by whatever hand, its size is
/// the wanted one; its class is wanted as far as `manager` has named it, and is nobody's word otherwise.
void keep_volume(boost::json::value& object, const boost::json::value& live, std::string_view manager);
/// Where the volume that is there is larger than the wanted one: how large, in the words of `live`.
std::optional<std::string> larger_size(const boost::json::value& object, const boost::json::value& live);
/// The class that it names; nothing where it names none, or has no volume.
std::optional<std::string> storage_class_of(const boost::json::value& object);

}  // namespace harmony::k8s
