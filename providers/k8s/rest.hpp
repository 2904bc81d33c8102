#pragma once
/// An object that holds data and runs something upon it is kept without what runs: how, stands on the object itself, since
/// whoever takes a deployment down has nothing but its ledger.
#include <map>
#include <string>

#include <boost/json/value.hpp>

#include "harmony/change.hpp"
#include "harmony/scope.hpp"

namespace harmony::k8s {

/// Manifest::at_rest, as a JSON object.
inline constexpr const char* rest_annotation = "harmony.dev/at-rest";
/// Who brings objects to rest. Not the field manager of applies: an apply of these few fields would give up all others.
inline constexpr const char* rest_manager = "harmony-at-rest";

std::string rest_text(const std::map<std::string, std::string>& annotations);
/// Empty where it does not say how.
std::map<std::string, std::string> at_rest(const boost::json::value& live);
/// What has to be applied to bring it to rest.
boost::json::value resting_object(const boost::json::value& live);
/// Unchanged where it is at rest, or on its way.
Change resting(const Scope&, const Subject&, const boost::json::value& live);

}  // namespace harmony::k8s
