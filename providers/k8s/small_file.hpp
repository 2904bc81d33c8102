#pragma once
/// Files that a kubeconfig leads to: read whole, and never a device, a pipe or something endless.
#include <filesystem>
#include <optional>
#include <string>

#include "harmony/error.hpp"
#include "k8s/kubeconfig.hpp"

namespace harmony::k8s {

enum class Guard { none, not_writable_by_all };

/// Nothing where there is no such file. @param origin what led to it. @throws Error H0400
std::optional<std::string> read_small_file(const std::filesystem::path&, std::size_t largest, const Origin&, Guard);
/// H0400
Error missing_file(const std::filesystem::path&, const Origin&);

}  // namespace harmony::k8s
