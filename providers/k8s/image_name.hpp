#pragma once
/// Whether a container runtime can read a name of an image. Pure.
#include <string_view>

namespace harmony::k8s {

/// "registry.example:5000/shop/web:1.4@sha256:…", by the grammar that kubelet and registries share. Of what it names
/// nothing is known: only the kubelet pulls it.
bool is_image_name(std::string_view);

}  // namespace harmony::k8s
