#include "k8s/explanation.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "host/printable.hpp"
#include "k8s/altered_pods.hpp"
#include "k8s/explanation_causes.hpp"
#include "k8s/foreign_endpoint.hpp"
#include "k8s/refusal.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

std::string subject_of(const json::value& object) {
  std::string kind(text_at(object, "kind"));
  std::ranges::transform(kind, kind.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return host::printable(kind) + "/" + host::printable(name_of(object));
}

/// Its controller has yet to look at what was written last: its pods, and what it says, are of the version before.
bool is_outdated(const json::value& object) {
  const auto observed = number_at(object, "status.observedGeneration");
  return observed && *observed < number_at(object, "metadata.generation").value_or(0);
}

/// The Jobs by which the controller of a custom resource prepares it.
Selected jobs_of(const json::value& object, const Objects& related) {
  return built_in(object) ? Selected{} : owned_by(of_kind(related, "batch/Job"), object);
}

/// What makes the pods of this version: the object itself, the newest ReplicaSet of a Deployment, Jobs.
Selected makers(const json::value& object, const Objects& related) {
  Selected found{&object};
  std::ranges::copy(jobs_of(object, related), std::back_inserter(found));
  for (const json::value* set : owned_by(of_kind(related, "apps/ReplicaSet"), object))
    if (is_newest_set(*set, object)) found.push_back(set);
  return found;
}

/// A StatefulSet replaces its pods under their old names: which is which, their labels say.
bool is_of_older_revision(const json::value& pod, const json::value& object) {
  if (group_kind(object) != "apps/StatefulSet") return false;
  const json::value* is = member(find(pod, "metadata.labels"), "controller-revision-hash");
  const json::value* newest = find(object, "status.updateRevision");
  return is && newest && *is != *newest;
}

Selected pods_of(const json::value& object, const Objects& related) {
  if (group_kind(object) == "Pod") return {&object};
  Selected found;
  for (const json::value* maker : makers(object, related))
    std::ranges::copy(owned_by(of_kind(related, "Pod"), *maker), std::back_inserter(found));
  std::erase_if(found, [&](const json::value* pod) { return is_of_older_revision(*pod, object); });
  return found;
}

/// A pod that is gone, done or ready holds nothing back.
bool holds_back(const json::value& pod) {
  return !is_going(pod) && !is_ready_pod(pod) && text_at(pod, "status.phase") != "Succeeded";
}

std::optional<Explanation> container_cause(const PodCase& one, const json::value& status) {
  if (true_at(status, "ready")) return std::nullopt;
  if (auto cause = image_cause(one, status)) return cause;
  if (auto cause = start_cause(one, status)) return cause;
  // One that runs again is judged by what it does now, as long as it says so.
  if (auto cause = probe_cause(one, status)) return cause;
  return crash_cause(one, status);
}

/// The first that stops the others: a pod that has no node has no containers, and one init container comes before all.
std::optional<Explanation> pod_cause(const PodCase& one, const Objects& related) {
  if (auto cause = scheduling_cause(one, related)) return cause;
  for (const char* list : {"status.initContainerStatuses", "status.containerStatuses"})
    for (const json::value& status : list_at(one.pod, list))
      if (auto cause = container_cause(one, status)) return cause;
  return setup_cause(one);
}

/// The refusals of pods that a maker could not make, as events tell them.
Selected refused_pods(const json::value& maker, const Objects& related, const Tolerance& tolerance) {
  Selected events = warnings_about(related, maker);
  std::erase_if(events, [&](const json::value* one) {
    const auto before = tolerance.before.find(std::string(text_at(*one, "metadata.uid")));
    return text_at(*one, "reason") != "FailedCreate" ||
           (before != tolerance.before.end() && before->second == sightings_of(one));
  });
  return events;
}

/// Only a StatefulSet, a DaemonSet and a Job have no condition for it; elsewhere an event without one is old news.
std::string_view refusal_of(const json::value& maker, const Selected& events) {
  const Condition failure = condition_of(maker, "ReplicaFailure");
  if (failure.holds) return failure.message;
  const std::string kind = group_kind(maker);
  const bool says_by_condition = kind == "apps/Deployment" || kind == "apps/ReplicaSet";
  return says_by_condition || events.empty() ? std::string_view{} : text_at(*events.back(), "message");
}

/// Pods that could not even be made.
std::optional<Explanation> creation_cause(const json::value& object, const Objects& related,
                                          const Tolerance& tolerance) {
  std::optional<Explanation> cause;
  std::int64_t seen = 0;
  for (const json::value* maker : makers(object, related)) {
    const Selected events = refused_pods(*maker, related, tolerance);
    for (const json::value* event : events) seen += sightings_of(event);
    if (!cause) cause = explain_failed_create(subject_of(object), refusal_of(*maker, events));
  }
  constexpr auto are_given_up = std::to_array<std::string_view>({"H0459", "H0463", "H0466"});
  if (cause && seen >= tolerance.sightings &&
      std::ranges::find(are_given_up, cause->diagnostic.code) != are_given_up.end()) {
    cause->prospect = Prospect::hopeless;
    cause->rule = cause->diagnostic.code == "H0459" ? fmt::format("it was missing {} times", seen)
                                                    : fmt::format("it was refused {} times", seen);
  }
  return cause;
}

/// Its controller does not see it, and would leave it there.
std::optional<Explanation> altered_cause(const json::value& pod, const json::value& object) {
  const auto found = is_going(pod) ? std::nullopt : alteration_of(pod, object);
  if (!found) return std::nullopt;
  return Explanation{
      .diagnostic = {.code = "H0477",
                     .message = found->text(),
                     .subject = subject_of(object),
                     .facts = {{"container", found->container}},
                     .help = fmt::format(
                         "delete the pod (kubectl delete pod {} -n {}): it is made anew, as it was deployed",
                         found->pod, host::printable(text_at(pod, "metadata.namespace")))},
      .prospect = Prospect::hopeless,
      .is_current = true};
}

/// A pod without a workload may be about to get one, a slice about to go.
std::optional<Explanation> foreign_endpoint_cause(const json::value& object, const Objects& related) {
  const auto found = foreign_endpoint_of(object, related);
  if (!found) return std::nullopt;
  return Explanation{.diagnostic = {.code = "H0478",
                                    .message = fmt::format("`{}` {}", subject_of(object), found->text),
                                    .subject = subject_of(object),
                                    .help = found->help},
                     .prospect = Prospect::hopeless,
                     .is_current = true,
                     .may_pass = true};
}

/// What its controller itself has given up.
std::optional<Explanation> controller_cause(const json::value& object) {
  const std::string subject = subject_of(object);
  const Condition progress = condition_of(object, "Progressing"), failed = condition_of(object, "Failed");
  const bool late = group_kind(object) == "apps/Deployment" && progress.reason == "ProgressDeadlineExceeded";
  const bool job = group_kind(object) == "batch/Job" && failed.holds;
  if (!late && !job) return std::nullopt;
  const Condition& told = late ? progress : failed;
  Explanation found{
      .diagnostic = {.code = late ? "H0467" : "H0468",
                     .category = late ? Category::timed_out : Category::failed,
                     .message = late ? fmt::format("the rollout of `{}` made no progress within its deadline", subject)
                                     : fmt::format("`{}` has failed", subject),
                     .subject = subject,
                     .facts = {{"told", host::printable(told.reason) + ": " + host::printable(told.message)}}},
      .prospect = Prospect::hopeless,
      .rule = "its controller has given up"};
  found.diagnostic.help = late ? "see what its pods wait for; raise progressDeadlineSeconds where they only need longer"
                               : "its log says why; a Job that failed is replaced by the next deploy";
  return found;
}

bool same_cause(const Explanation& one, const Explanation& other) {
  const auto container = [](const Explanation& of) { return of.log ? of.log->container : std::string{}; };
  return one.diagnostic.code == other.diagnostic.code && one.diagnostic.message == other.diagnostic.message &&
         container(one) == container(other);
}

void add(std::vector<Explanation>& all, std::vector<std::size_t>& more, std::optional<Explanation> cause) {
  if (!cause) return;
  const auto same = std::ranges::find_if(all, [&](const Explanation& one) { return same_cause(one, *cause); });
  if (same == all.end()) {
    all.push_back(std::move(*cause));
    more.push_back(0);
    return;
  }
  ++more[static_cast<std::size_t>(same - all.begin())];
  // The pod with which there is no hope speaks for all of them.
  if (cause->prospect == Prospect::hopeless && same->prospect != Prospect::hopeless) *same = std::move(*cause);
}

/// Calms whoever reads: a rollout that does not succeed leaves the old pods alone.
std::string still_serving(const json::value& object, const Objects& related) {
  std::int64_t ready_pods = 0, all = 0;
  for (const json::value* set : owned_by(of_kind(related, "apps/ReplicaSet"), object)) {
    if (is_newest_set(*set, object)) continue;
    for (const json::value* pod : owned_by(of_kind(related, "Pod"), *set)) {
      ready_pods += is_ready_pod(*pod);
      all += !is_going(*pod);
    }
  }
  return ready_pods == 0 ? "" : fmt::format("the old version is still serving ({} of {} pods)", ready_pods, all);
}

}  // namespace

std::vector<Explanation> explain(const json::value& object, const Objects& related, const Tolerance& tolerance) {
  if (is_outdated(object)) return {};
  std::vector<Explanation> all;
  std::vector<std::size_t> more;
  const std::string subject = subject_of(object);
  add(all, more, controller_cause(object));
  for (const json::value* job : jobs_of(object, related)) add(all, more, controller_cause(*job));
  const bool given_up = !all.empty();
  if (group_kind(object) == "PersistentVolumeClaim") add(all, more, claim_cause(subject, object, related, tolerance));
  add(all, more, route_cause(subject, object));
  add(all, more, foreign_endpoint_cause(object, related));
  add(all, more, creation_cause(object, related, tolerance));
  for (const json::value* pod : pods_of(object, related))
    if (auto cause = altered_cause(*pod, object)) add(all, more, std::move(cause));
    else if (holds_back(*pod))
      add(all, more, pod_cause({*pod, warnings_about(related, *pod), subject, tolerance}, related));
  for (std::size_t i = 0; i < all.size(); ++i)
    if (more[i] > 0)
      all[i].diagnostic.facts.emplace_back("also", fmt::format("{} more pod{}", more[i], more[i] == 1 ? "" : "s"));
  // Its controller only says that it is over; what a pod shows says why, and over it is.
  if (given_up && all.size() > 1) {
    for (Explanation& one : all) one.prospect = Prospect::hopeless;
    for (std::size_t i = 1; i < all.size(); ++i) all[i].rule = all[0].rule;
    all[1].diagnostic.notes.push_back(all[0].diagnostic.message);
    all[1].diagnostic.category = all[0].diagnostic.category;
    std::rotate(all.begin(), all.begin() + 1, all.end());
  }
  std::ranges::stable_sort(all, {}, &Explanation::prospect);
  if (!all.empty()) judge_first_start(all.front(), object, related);
  const std::string serving = still_serving(object, related);
  if (!all.empty() && !serving.empty()) all.front().diagnostic.notes.push_back(serving);
  return all;
}

std::map<std::string, std::int64_t> sightings_by_uid(const Objects& events) {
  std::map<std::string, std::int64_t> seen;
  for (const json::value* event : of_kind(events, "Event"))
    seen.emplace(text_at(*event, "metadata.uid"), sightings_of(event));
  return seen;
}

void add_log(Explanation& explanation, const std::vector<std::string>& lines) {
  constexpr std::size_t shown = 20;
  const std::size_t first = lines.size() > shown ? lines.size() - shown : 0;
  for (std::size_t i = first; i < lines.size(); ++i) explanation.diagnostic.log.push_back(host::printable(lines[i]));
}

}  // namespace harmony::k8s
