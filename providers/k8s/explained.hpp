#pragma once
/// What a server refused, by its cause where that is known: the right that is missing, the quota, the rule.
#include <optional>

#include "harmony/change.hpp"
#include "k8s/explanation.hpp"
#include "k8s/status.hpp"

namespace harmony::k8s {

std::optional<Explanation> explained(const ApiError&, const Subject&);
[[noreturn]] void throw_explained(const ApiError&, const Subject&);

}  // namespace harmony::k8s
