#pragma once
/// A manifest as it is sent: with its namespace, its labels and the values of its secrets, as far as they are known.
#include <map>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "harmony/change.hpp"
#include "harmony/scope.hpp"
#include "k8s/api.hpp"
#include "k8s/field_set.hpp"
#include "k8s/object.hpp"
#include "k8s/place.hpp"

namespace harmony::k8s {

/// The fields that our last apply owned, as fieldsV1.
inline constexpr const char* applied_annotation = "harmony.dev/applied";

struct Wanted {
  boost::json::value object;
  ObjectReference reference;
  Subject subject;
  bool holds_data = false;
  /// Fields that are only known later, as FieldChange::path, and why. They stand in `object` as a filler.
  std::map<std::string, std::string> pending = {};
  harmony::Origin pending_origin = harmony::Origin::deferred;
};

/// As an object remembers what our last apply owned; none where it cannot be read.
FieldSet owned_fields(std::string_view annotation);
/// What our last apply owned. It stands on the object itself: who took a field from us takes it out of managedFields.
FieldSet owned_before(const boost::json::value& live);

/// "deployment.apps", "service": as kubectl writes it.
std::string subject_kind(const GroupVersionKind&);
Subject subject_of(const ObjectReference&);
/// Kinds by their subject's text. Nothing where the server has no such kind.
std::optional<Resource> resource_of(Scope&, const Place&, const std::string& subject_kind);

/// What cannot be otherwise, since it is there: how large its volume is, and of which class; and what is marked as restored
/// (restored.hpp).
void keep_what_stays(Wanted&, const boost::json::value& live);
/// Workloads get the marks of what was restored; those of the others are added.
void restart_for(std::vector<Wanted>&, std::vector<std::string>& marks);

/// What is there and will not be as was asked for, or not soon: a volume's size and class, what holds back an object that is
/// being deleted. A sentence for each.
std::vector<std::string> what_stays(const Wanted&, const boost::json::value& live, const VolumeDefaults& asked);

/// Conceals every secret on the way.
Wanted wanted(const Scope&, const Manifest&, const Place&, PrimitiveKey);
/// @param values of its keys; those that are missing are pending.
Wanted wanted(const GeneratedSecret&, const std::map<std::string, std::string>& values, const Place&);

}  // namespace harmony::k8s
