#pragma once
/// What an apply changes, by field path, and what the cluster does about it.
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "harmony/change.hpp"
#include "harmony/secret.hpp"

namespace harmony::k8s {

/// The same path as FieldChange::path: {"data", "nats.conf"} is `data["nats.conf"]`.
std::string field_path(std::initializer_list<std::string_view> fields);

/// How `result` (what the server would store, or what is wanted) differs from `live`; nothing: there is none yet.
/// Items of lists are matched by their keys: `spec.template.spec.containers[name=web].image`. What the server alone
/// writes (status, generation, uid, …) is left out, and of a Secret only fingerprints are shown.
std::vector<FieldChange> field_changes(const boost::json::value* live, const boost::json::value& result,
                                       const Fingerprinter&);

/// "rolling restart of 3 pods", "scales 2 -> 3", "recreates it: spec.selector is immutable", "in place".
/// Empty where nothing changes.
std::string effect_of(const boost::json::value& live, const boost::json::value& result);

/// Fields that differ and that the server lets nobody change, as `spec.selector`.
std::vector<std::string> immutable_changes(const boost::json::value& live, const boost::json::value& result);

/// The same as a Change: create, update, or replace where a field is immutable.
Change object_change(Subject, const boost::json::value* live, const boost::json::value& result, const Fingerprinter&);

}  // namespace harmony::k8s
