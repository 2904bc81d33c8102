#include <algorithm>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "host/printable.hpp"
#include "k8s/quantity.hpp"
#include "k8s/readiness_rules.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

using State = Readiness::State;

/// Its class binds it when the first pod that uses it is scheduled: nothing to wait for before.
bool waits_for_consumer(const Seen& seen) {
  const std::string_view wanted = text_at(seen.object, "spec.storageClassName");
  for (const json::value* one : of_kind(seen.related, "storage.k8s.io/StorageClass"))
    if (name_of(*one) == wanted) return text_at(*one, "volumeBindingMode") == "WaitForFirstConsumer";
  const Selected events = of_kind(seen.related, "Event");
  return std::ranges::any_of(events, [&](const json::value* event) {
    return text_at(*event, "reason") == "WaitForFirstConsumer" &&
           text_at(*event, "involvedObject.uid") == text_at(seen.object, "metadata.uid");
  });
}

/// What is told of an older generation is no news of this one.
bool outdated(const std::optional<std::int64_t>& told, const Seen& seen) { return told && *told < seen.generation; }

/// By the conventions that most controllers keep (kstatus): these two are only ever true while something is amiss.
std::optional<Readiness> amiss(const Seen& seen) {
  const Condition stalled = condition_of(seen.object, "Stalled"), working = condition_of(seen.object, "Reconciling");
  if (stalled.holds && !outdated(stalled.generation, seen)) return Readiness{State::failed, said(stalled)};
  if (working.holds && !outdated(working.generation, seen)) return waits(said(working));
  return std::nullopt;
}

}  // namespace

Readiness claim_readiness(const Seen& seen) {
  const std::string_view phase = text_at(seen.object, "status.phase");
  if (phase == "Lost") return {State::failed, "its volume is lost"};
  if (phase != "Bound") {
    if (waits_for_consumer(seen)) return assumed("waits for the first pod that uses it");
    return waits("is not bound to a volume");
  }
  if (condition_of(seen.object, "FileSystemResizePending").holds)
    return waits("its file system grows when a pod mounts it");
  const auto wanted = parse_quantity(text_at(seen.object, "spec.resources.requests.storage"));
  const auto given = parse_quantity(text_at(seen.object, "status.capacity.storage"));
  if (wanted && given && *given < *wanted) {  // whether or not anybody has said yet that he is at it
    for (const char* failure : {"ControllerResizeError", "NodeResizeError"})
      if (const Condition told = condition_of(seen.object, failure); told.holds)
        return waits("its volume does not grow: " + host::printable(told.message));
    return waits("its volume grows");
  }
  return ready("is bound");
}

Readiness namespace_readiness(const Seen& seen) {
  if (text_at(seen.object, "status.phase") == "Active") return ready("is active");
  return waits("is not active yet");
}

Readiness definition_readiness(const Seen& seen) {
  if (const Condition names = condition_of(seen.object, "NamesAccepted"); names.fails)
    return {State::failed, said(names)};
  const Condition established = condition_of(seen.object, "Established");
  if (established.holds) return ready("is established");
  return waits(established.fails ? said(established) : "is not established yet");
}

Readiness api_service_readiness(const Seen& seen) {
  const Condition available = condition_of(seen.object, "Available");
  if (available.holds) return ready("is available");
  return waits(available.fails ? said(available) : "is not available yet");
}

Readiness budget_readiness(const Seen& seen) {
  if (auto not_yet = unobserved(seen)) return *not_yet;
  const Condition allowed = condition_of(seen.object, "DisruptionAllowed");
  if (allowed.reason == "SyncFailed") return waits(said(allowed));
  return ready("is in force");
}

Readiness autoscaler_readiness(const Seen& seen) {
  for (const char* type : {"AbleToScale", "ScalingActive"}) {
    const Condition condition = condition_of(seen.object, type);
    if (condition.holds || condition.reason == "ScalingDisabled") continue;
    return waits(condition.fails ? said(condition) : "its controller has not looked at it yet");
  }
  // Not every version of Kubernetes counts its generations: what is told may be of the object as it was.
  const auto observed = number_at(seen.object, "status.observedGeneration");
  if (!observed || seen.generation == 0) return assumed("scales; of which version is not told");
  if (*observed < seen.generation) return *unobserved(seen);
  return ready("scales");
}

Readiness quota_readiness(const Seen& seen) {
  const json::object& given = object_at(seen.object, "status.hard");
  for (const auto& [name, value] : object_at(seen.object, "spec.hard")) {
    const json::value* counted = given.if_contains(name);
    if (!counted || !same_quantity(*counted, value)) return waits("is not counted yet");
  }
  return ready("is in force");
}

Readiness custom_readiness(const Seen& seen) {
  const json::object& status = object_at(seen.object, "status");
  if (!seen.contract.subresource) return assumed("its kind has no status that a controller would write");
  // Also where the controller is away: an object that nobody acts upon is not ready, and never will be.
  if (status.empty()) return waits("no controller has said anything about it");
  const auto observed = number_at(seen.object, "status.observedGeneration");
  const Condition condition = condition_of(seen.object, "Ready");
  for (const auto& told : {observed, condition.generation})
    if (outdated(told, seen))
      return waits(fmt::format("its controller has seen generation {} of {}", *told, seen.generation));
  if (auto wrong = amiss(seen)) return *wrong;
  if (condition.fails) return waits(said(condition));
  if (!observed && !condition.generation) return assumed("its status does not say which generation it is of");
  const bool unknown = !condition.holds && (!condition.reason.empty() || condition.generation);
  if (unknown) return waits("Ready is unknown: " + said(condition));
  return ready(condition.holds ? "is ready" : "its controller has acted on it");
}

}  // namespace harmony::k8s
