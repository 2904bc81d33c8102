#pragma once
/// Why something does not become ready, from what the cluster says of it: status, events, refusals.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "harmony/error.hpp"
#include "k8s/relations.hpp"

namespace harmony::k8s {

/// Whose log shows why.
struct LogPlace {
  std::string pod, container;
  bool previous = false;  ///< of the run before this one. Where that one's is gone, ask for the other
  bool operator==(const LogPlace&) const = default;
};

enum class Prospect {
  hopeless,  ///< nothing but another deploy heals it: fail now
  may_heal,  ///< wait for it, as long as the deploy waits; a failure only then
};

struct Explanation {
  Diagnostic diagnostic;  ///< code, message, facts, help; the caller adds the log
  Prospect prospect = Prospect::may_heal;
  std::string rule = {};  ///< why it is given up, or until when it is waited for
  std::optional<LogPlace> log = {};
  bool is_current = false;  ///< it shows in what is wanted now: whatever was wrong before
  bool may_pass = false;  ///< a controller may be about to put it right: it gets a moment, then there is no hope
};

/// How often something has to go wrong before it is given up. Counts, never times: a slow cluster is no failure.
struct Tolerance {
  int restarts = 2;   ///< of one container: its third failed run in a row is the last
  int sightings = 3;  ///< of the same refusal, by the events' count
  /// Events by uid, and how often each was seen before what is to be explained was written: where no more came of them,
  /// they tell of the version before.
  std::map<std::string, std::int64_t> before = {};
};
/// For Tolerance::before.
std::map<std::string, std::int64_t> sightings_by_uid(const Objects& events);

/// Pure. What holds `object` back, hopeless causes first, equal causes of several pods once. Empty where nothing is
/// known to be wrong: it may just take its time.
/// @param related its ReplicaSets, Jobs, pods, claims and the events about all of them
std::vector<Explanation> explain(const boost::json::value& object, const Objects& related, const Tolerance& = {});

/// Adds the end of a log: the last twenty lines, fit for a terminal.
void add_log(Explanation&, const std::vector<std::string>& lines);

}  // namespace harmony::k8s
