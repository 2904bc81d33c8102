#pragma once
/// Others change objects while a deploy is at work: what is ready then may be something else than what was written.
#include <optional>

#include <boost/json/value.hpp>

#include "harmony/error.hpp"
#include "harmony/scope.hpp"
#include "k8s/place.hpp"
#include "k8s/wanted.hpp"

namespace harmony::k8s {

/// Asks the server by a dry run what would have to be changed back. How many pods there are is left to whoever scales them,
/// as long as there are any.
/// @param live the object as it is now, of another generation than this run has left it in
/// @returns H0474, or what `assess` has against it; nothing where it still is what the Score says
std::optional<Error> overtaken(Scope&, const Place&, const Wanted&, const boost::json::value& live);

}  // namespace harmony::k8s
