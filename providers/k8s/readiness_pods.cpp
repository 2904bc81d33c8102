#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "host/printable.hpp"
#include "k8s/altered_pods.hpp"
#include "k8s/readiness_rules.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

using State = Readiness::State;

std::int64_t count(const json::value& object, std::string_view path) { return number_at(object, path).value_or(0); }
std::int64_t wanted_replicas(const json::value& object) { return number_at(object, "spec.replicas").value_or(1); }

/// The generation that a Deployment has seen is one thing, that its pods are of the newest ReplicaSet another: the
/// counts of its status say nothing of ReplicaSets that it is still to scale down.
std::optional<Readiness> old_replica_sets(const Seen& seen) {
  const Selected pods = of_kind(seen.related, "Pod");
  for (const json::value* set : owned_by(of_kind(seen.related, "apps/ReplicaSet"), seen.object)) {
    if (is_newest_set(*set, seen.object)) continue;
    const std::int64_t left = std::max(count(*set, "spec.replicas"), count(*set, "status.replicas"));
    const std::string name = host::printable(name_of(*set));
    if (left > 0) return waits(fmt::format("old ReplicaSet `{}` still has {} pod{}", name, left, left == 1 ? "" : "s"));
    for (const json::value* pod : owned_by(pods, *set))
      if (!is_going(*pod)) return waits(fmt::format("pod `{}` is of the old version", host::printable(name_of(*pod))));
  }
  return std::nullopt;
}

/// What it counts as its own runs something else.
std::optional<Readiness> altered(const json::value& pod, const json::value& workload) {
  const auto found = is_going(pod) ? std::nullopt : alteration_of(pod, workload);
  return found ? std::optional{waits(found->text())} : std::nullopt;
}

/// Of all its ReplicaSets, where pods were read: that no old one is left, its status says.
std::optional<Readiness> new_pods(const Seen& seen) {
  if (of_kind(seen.related, "Pod").empty()) return std::nullopt;
  std::int64_t all = 0;
  for (const json::value* pod : pods_made_by(seen.object, seen.related)) {
    if (auto not_yet = altered(*pod, seen.object)) return not_yet;
    all += is_ready_pod(*pod);
  }
  if (all >= wanted_replicas(seen.object)) return std::nullopt;
  return waits(share(all, wanted_replicas(seen.object), "ready"));
}

/// The number at the end of a StatefulSet's pod.
std::int64_t ordinal_of(const json::value& pod) {
  const std::string_view name = name_of(pod);
  const auto dash = name.rfind('-');
  std::int64_t ordinal = 0;
  if (dash != std::string_view::npos) std::from_chars(name.data() + dash + 1, name.data() + name.size(), ordinal);
  return ordinal;
}

std::optional<Readiness> old_stateful_pods(const Seen& seen, std::int64_t partition) {
  const std::string_view revision = text_at(seen.object, "status.updateRevision");
  for (const json::value* pod : owned_by(of_kind(seen.related, "Pod"), seen.object)) {
    const std::string name = host::printable(name_of(*pod));
    if (ordinal_of(*pod) >= partition && label_of(*pod, "controller-revision-hash") != revision)
      return waits(fmt::format("pod `{}` is of the old version", name));
    if (!is_ready_pod(*pod)) return waits(fmt::format("pod `{}` is not ready", name));
    if (auto not_yet = altered(*pod, seen.object)) return not_yet;
  }
  return std::nullopt;
}

/// The first container that waits for something, and for what.
std::string container_waits(const json::value& pod) {
  for (const char* list : {"status.initContainerStatuses", "status.containerStatuses"})
    for (const json::value& status : list_at(pod, list)) {
      const std::string_view reason = text_at(status, "state.waiting.reason");
      if (!reason.empty() && reason != "PodInitializing")
        return fmt::format("container `{}`: {}", host::printable(text_at(status, "name")), host::printable(reason));
    }
  return {};
}

}  // namespace

Readiness deployment_readiness(const Seen& seen) {
  if (auto not_yet = unobserved(seen)) return *not_yet;
  const json::value& object = seen.object;
  const Condition progress = condition_of(object, "Progressing");
  if (progress.reason == "ProgressDeadlineExceeded") return {State::failed, said(progress)};
  const std::int64_t wanted = wanted_replicas(object), updated = count(object, "status.updatedReplicas");
  const std::string paused = true_at(object, "spec.paused") ? "is paused: " : "";
  if (updated < wanted) {
    const Condition failure = condition_of(object, "ReplicaFailure");
    return waits(paused + (failure.holds ? said(failure) : share(updated, wanted, "of the new version")));
  }
  const std::int64_t old = count(object, "status.replicas") - updated;
  if (old > 0) return waits(fmt::format("{}{} old pod{} still there", paused, old, old == 1 ? " is" : "s are"));
  const std::int64_t available = count(object, "status.availableReplicas");
  if (available < wanted) return waits(share(available, wanted, "available"));
  if (auto not_yet = old_replica_sets(seen)) return *not_yet;
  if (auto not_yet = new_pods(seen)) return *not_yet;
  return ready(share(available, wanted, "available"));
}

Readiness replica_set_readiness(const Seen& seen) {
  if (auto not_yet = unobserved(seen)) return *not_yet;
  const std::int64_t wanted = wanted_replicas(seen.object);
  if (const Condition failure = condition_of(seen.object, "ReplicaFailure"); failure.holds) return waits(said(failure));
  const std::int64_t available = count(seen.object, "status.availableReplicas");
  if (available < wanted) return waits(share(available, wanted, "available"));
  const std::int64_t more = count(seen.object, "status.replicas") - wanted;
  if (more > 0) return waits(fmt::format("{} pod{} too many", more, more == 1 ? "" : "s"));
  return ready(share(available, wanted, "available"));
}

Readiness stateful_set_readiness(const Seen& seen) {
  if (auto not_yet = unobserved(seen)) return *not_yet;
  const json::value& object = seen.object;
  const std::int64_t wanted = wanted_replicas(object), ready_pods = count(object, "status.readyReplicas");
  if (ready_pods < wanted) return waits(share(ready_pods, wanted, "ready"));
  const std::int64_t more = count(object, "status.replicas") - wanted;
  if (more > 0) return waits(fmt::format("{} pod{} too many", more, more == 1 ? "" : "s"));
  const std::int64_t partition = count(object, "spec.updateStrategy.rollingUpdate.partition");
  const std::int64_t to_update = std::max<std::int64_t>(0, wanted - partition);
  const bool same = text_at(object, "status.currentRevision") == text_at(object, "status.updateRevision");
  const std::int64_t updated = same ? wanted : count(object, "status.updatedReplicas");
  if (text_at(object, "spec.updateStrategy.type") == "OnDelete") {
    if (updated >= wanted) return ready(share(ready_pods, wanted, "ready"));
    return assumed(share(updated, wanted, "of the new version") + ", the others when they are deleted");
  }
  if (updated < to_update) return waits(share(updated, to_update, "of the new version"));
  const std::int64_t available = number_at(object, "status.availableReplicas").value_or(ready_pods);
  if (available < wanted) return waits(share(available, wanted, "available"));
  if (auto not_yet = old_stateful_pods(seen, partition)) return *not_yet;
  return ready(share(ready_pods, wanted, "ready"));
}

Readiness daemon_set_readiness(const Seen& seen) {
  if (auto not_yet = unobserved(seen)) return *not_yet;
  const std::int64_t wanted = count(seen.object, "status.desiredNumberScheduled");
  const std::int64_t updated = count(seen.object, "status.updatedNumberScheduled");
  const std::int64_t available = count(seen.object, "status.numberAvailable");
  const bool on_delete = text_at(seen.object, "spec.updateStrategy.type") == "OnDelete";
  if (updated < wanted && !on_delete) return waits(share(updated, wanted, "of the new version"));
  if (available < wanted) return waits(share(available, wanted, "available"));
  if (updated < wanted)
    return assumed(share(updated, wanted, "of the new version") + ", the others when they are deleted");
  if (wanted == 0) return ready("no node wants it");
  return ready(share(available, wanted, "available"));
}

Readiness pod_readiness(const Seen& seen) {
  const std::string_view phase = text_at(seen.object, "status.phase");
  const auto told = [&](std::string_view standard) {
    const std::string text = host::printable(text_at(seen.object, "status.message"));
    return text.empty() ? std::string(standard) : text;
  };
  if (phase == "Succeeded") return ready("is done");
  if (phase == "Failed") return {State::failed, told("a container has failed")};
  const Condition condition = condition_of(seen.object, "Ready");
  if (condition.generation.value_or(seen.generation) < seen.generation)
    return waits("kubelet has not looked at it yet");
  if (condition.holds) return ready("is ready");
  if (const Condition scheduled = condition_of(seen.object, "PodScheduled"); scheduled.fails)
    return waits(said(scheduled));
  const std::string waiting = container_waits(seen.object);
  if (!waiting.empty()) return waits(waiting);
  return waits(condition.fails ? said(condition) : "is not started yet");
}

Readiness job_readiness(const Seen& seen) {
  const json::value& object = seen.object;
  if (const Condition done = condition_of(object, "Complete"); done.holds) return ready("is done");
  if (const Condition failed = condition_of(object, "Failed"); failed.holds) return {State::failed, said(failed)};
  if (const Condition failing = condition_of(object, "FailureTarget"); failing.holds) return waits(said(failing));
  if (true_at(object, "spec.suspend")) return assumed("is suspended: nothing runs");
  return waits(fmt::format("{} active, {} done, {} failed", count(object, "status.active"),
                           count(object, "status.succeeded"), count(object, "status.failed")));
}

Readiness cron_job_readiness(const Seen& seen) {
  if (true_at(seen.object, "spec.suspend")) return assumed("is suspended: nothing runs");
  return assumed("runs by its schedule, " + host::printable(text_at(seen.object, "spec.schedule")));
}

}  // namespace harmony::k8s
