#pragma once
/// What a wanted object would change: proven from what was read, or asked of the server by a dry run. Shared by the
/// primitive and its twin, so that both say the same.
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include <boost/json/value.hpp>

#include "harmony/change.hpp"
#include "harmony/scope.hpp"
#include "k8s/wanted.hpp"

namespace harmony::k8s {

struct Assessment {
  Change change;
  bool force = false;                        ///< fields that moved under us are taken back
  bool anew = false;                         ///< it has to go first
};

/// @param live nothing: it is not there. One that is going is as good as gone: it is made anew.
/// @param space_there false: the namespace is yet to be made, and a stand-in has to do for a dry run
/// @throws Error H0430 (somebody else's object), H0470 (a field of another owner), what the server refuses, explained
Assessment assess(Scope&, const Place&, const Wanted&, const std::optional<boost::json::value>& live, bool space_there);

/// The same of all of them side by side, `live` by index.
std::vector<Assessment> assess_all(Scope&, const Place&, const std::vector<Wanted>&,
                                   const std::vector<std::optional<boost::json::value>>& live, bool space_there);

/// @param live the Secret as it is. @param values what it holds, without empty ones. @param find_claim asks for what it
/// opens. @throws Error H0438 where a value would have to be made that does not open it: data of this deployment is there
/// already
void require_unused(const GeneratedSecret&, const Place&, const std::optional<boost::json::value>& live,
                    const std::map<std::string, std::string>& values,
                    const std::function<std::optional<boost::json::value>()>& find_claim);

Change removal(const Subject&, const std::optional<boost::json::value>& live, bool holds_data);

/// Of what a plan depends on: which object it is, what of it is ours, and its generation; what it says where it has none.
std::string fingerprint_of(const std::optional<boost::json::value>& live, const Fingerprinter&);

}  // namespace harmony::k8s
