/// How objects are, for `status`; what their pods wrote, for `logs`; and whether what answers is what was deployed.
#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include <fmt/format.h>

#include <boost/json.hpp>

#include "host/printable.hpp"
#include "k8s/cloud_native_pg.hpp"
#include "k8s/conflict.hpp"
#include "k8s/explanation.hpp"
#include "k8s/forwards.hpp"
#include "k8s/pod_logs.hpp"
#include "k8s/server_api.hpp"
#include "k8s/values.hpp"
#include "k8s/volume.hpp"

namespace harmony::k8s {

using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

using Health = Observation::Health;

/// What the pods of a workload, or those behind a Service, carry; empty where it selects none.
std::string selector_text(const json::value& workload) {
  if (is_cloud_native_pg(workload)) return "cnpg.io/cluster=" + std::string(text_at(workload, "metadata.name"));
  std::string text;
  const bool is_service = group_kind(workload) == "Service";
  for (const auto& [name, value] : object_at(workload, is_service ? "spec.selector" : "spec.selector.matchLabels"))
    text += (text.empty() ? "" : ",") + std::string(name) + "=" + (value.is_string() ? value.get_string().c_str() : "");
  return text;
}

Health health_of(Readiness::State state) {
  switch (state) {
    case Readiness::State::ready: return Health::ok;
    case Readiness::State::assumed: return Health::ok;
    case Readiness::State::in_progress: return Health::starting;
    case Readiness::State::failed: return Health::degraded;
    case Readiness::State::terminating: return Health::down;
    case Readiness::State::not_found: return Health::missing;
  }
  return Health::unknown;
}

/// Each container the same image in every pod; one that only some have was injected by somebody else.
bool run_the_same_images(const Selected& pods) {
  std::map<std::string, std::set<std::string>> images;
  for (const json::value* pod : pods)
    for (const json::value& container : list_at(*pod, "status.containerStatuses"))
      images[std::string(text_at(container, "name"))].insert(std::string(text_at(container, "imageID")));
  return std::ranges::all_of(images, [](const auto& container) { return container.second.size() == 1; });
}

/// A volume that somebody has let grow keeps its size, a password that somebody has put there is taken over: no deploy takes
/// that back.
std::vector<Claim> drift_of(const json::value& live, bool holds_data) {
  std::vector<Claim> taken = taken_fields(live, owned_before(live), field_manager);
  const bool is_password = holds_data && group_kind(live) == "Secret";
  std::erase_if(taken, [&](const Claim& claim) {
    return is_volume_size(live, claim.path) || (is_password && claim.path.starts_with(".data."));
  });
  return taken;
}

}  // namespace

Objects ServerApi::related_to(Scope& in, const json::value& live) const {
  Objects all;
  const auto add = [&](const GroupVersionKind& what, const ListQuery& query) {
    for (json::value& object : place_->client->list(in, place_->client->resource(in, what), query))
      all.push_back(std::move(object));
  };
  const std::string pods = selector_text(live), kind = kind_of(live).kind;
  if (!pods.empty()) add({"", "v1", "Pod"}, {.space = place_->space, .labels = pods});
  if (kind == "Deployment") add({"apps", "v1", "ReplicaSet"}, {.space = place_->space, .labels = pods});
  if (kind == "Service")
    add({"discovery.k8s.io", "v1", "EndpointSlice"},
        {.space = place_->space,
         .labels = "kubernetes.io/service-name=" + std::string(text_at(live, "metadata.name"))});
  return all;
}

Observation ServerApi::observe(Scope& in, const LedgerEntry& entry) {
  Observation seen{.entry = entry};
  const auto live = find(in, entry.subject);
  const bool ours = live && (entry.shared || place_->is_ours(*live));
  const Objects related = ours ? related_to(in, *live) : Objects{};
  const Readiness readiness = readiness_of(ours ? &*live : nullptr, related);
  seen.health = health_of(readiness.state);
  seen.detail = live && !ours ? "somebody else's has its name" : readiness.reason;
  if (seen.health == Health::ok && is_scaled_to_none(*live)) seen.health = Health::down, seen.detail = "scaled to none";
  if (ours && !entry.shared && seen.health == Health::ok)
    if (const std::string drift = drift_text(drift_of(*live, entry.holds_data)); !drift.empty())
      seen.detail += (seen.detail.empty() ? "" : "; ") + drift;
  if (readiness.mostly_told) seen.detail = "assumed: " + seen.detail;
  if (seen.health == Health::starting)
    if (const auto causes = explain(*live, related); !causes.empty()) {
      seen.health = Health::degraded;
      seen.detail = causes.front().diagnostic.message;
    }
  return seen;
}

void ServerApi::logs(Scope& in, const LedgerEntry& entry, const LogQuery& query, const LogSink& sink) {
  const auto live = find(in, entry.subject);
  if (!live || !(entry.shared || place_->is_ours(*live))) return;  // another has its name
  if (selector_text(*live).empty() || (kind_of(*live).group != "apps" && !is_cloud_native_pg(*live))) return;
  if (query.follow) follow_logs(in, *place_, selector_text(*live), query, sink);
  else read_logs(in, *place_, selector_text(*live), query, sink);
}

/// Who may read logs and no Secrets reads what the pods have written, as with kubectl.
void ServerApi::conceal(Scope& in, const LedgerEntry& entry) {
  if (entry.subject.kind != "secret") return;
  try {
    for (auto& [key, value] : values_in(find(in, entry.subject)))
      if (key != "username") in.conceal(Secret<std::string>(std::move(value)));
  } catch (const ApiError&) {
  }
}

std::optional<std::string> ServerApi::ready_pod(Scope& in, const ForwardTarget& target) const {
  const auto live = find(in, {target.what(), place_->space, target.name});
  if (!live) return std::nullopt;
  const Objects related = related_to(in, *live);
  const Selected own = pods_made_by(*live, related);
  const json::value* newest = nullptr;
  const std::string_view primary = is_cloud_native_pg(*live) ? text_at(*live, "status.currentPrimary") : "";
  for (const json::value* pod : own)
    if ((primary.empty() || name_of(*pod) == primary) && is_ready_pod(*pod) && !is_going(*pod) &&
        (!newest || std::string(text_at(*pod, "metadata.creationTimestamp")) >
                        std::string(text_at(*newest, "metadata.creationTimestamp"))))
      newest = pod;
  if (!newest) return std::nullopt;
  return std::string(text_at(*newest, "metadata.name"));
}

/// What this run has waited for may lose its readiness for a moment, and gets it back.
std::optional<std::string> ServerApi::ready_pod_soon(Scope& in, const ForwardTarget& target) {
  auto pod = ready_pod(in, target);
  if (pod || !was_ready({target.what(), place_->space, target.name})) return pod;
  try {
    in.until({.limit = 20s, .what = "a pod of `" + target.name + "` is ready again"},
             [&]() -> std::optional<std::string> {
               pod = ready_pod(in, target);
               if (pod) return std::nullopt;
               in.pause(200ms);
               return "no pod of `" + target.name + "` is ready";
             });
  } catch (const TimedOut&) {  // the caller says more
  }
  return pod;
}

host::Endpoint ServerApi::forward(Scope& in, const ForwardTarget& target) {
  if (const auto pod = ready_pod_soon(in, target)) return forwards_->to(*pod, target.port);
  throw Error({.code = "H0440",
               .category = Category::unreachable,
               .message = fmt::format("no pod of `{}` is ready to be spoken to", target.name),
               .subject = subject_of({target.what(), "", target.name}).text(),
               .help = "look at `status` and `logs`; deploy first where it is not there yet"});
}

void ServerApi::require_reachable(const host::Endpoint& endpoint) const { forwards_->require_allowed(endpoint); }

std::optional<Unproven> ServerApi::not_as_wanted(Scope& in, const ObjectReference& reference, const json::value& live,
                                                 const Objects& related) {
  if (const auto error = not_ours_any_more(in, reference, live))
    return Unproven{.reason = error->data().message, .help = error->data().help};
  const Readiness readiness = readiness_of(&live, related, expected(reference));
  if (readiness.state == Readiness::State::ready) return std::nullopt;
  const auto causes = explain(live, related);
  const bool hopeless = !causes.empty() && causes.front().prospect == Prospect::hopeless;
  return Unproven{.reason = subject_of(reference).text() + ": " + readiness.reason,
                  .may_heal = readiness.state == Readiness::State::in_progress && !hopeless,
                  .help = causes.empty() ? "" : causes.front().diagnostic.help,
                  .others = addition_text(added_to_pods(live, field_manager))};
}

std::optional<Unproven> ServerApi::not_as_wanted(Scope& in, const ObjectReference& reference) {
  const auto live = find(in, reference);
  if (!live) return Unproven{fmt::format("there is no {}", subject_of(reference).text())};
  const Objects related = related_to(in, *live);
  if (auto why = not_as_wanted(in, reference, *live, related)) return why;
  Selected pods = pods_made_by(*live, related);  // by a Service none
  std::erase_if(pods, [](const json::value* pod) { return is_going(*pod) || !is_ready_pod(*pod); });
  if (!run_the_same_images(pods)) return Unproven{"its pods run different images"};
  return std::nullopt;
}

std::optional<Unproven> ServerApi::not_proven(Scope& in, const ForwardTarget& target, const std::string& service) {
  if (auto why = not_as_wanted(in, {target.what(), place_->space, target.name})) return why;
  return not_as_wanted(in, {{"", "v1", "Service"}, place_->space, service});
}

}  // namespace harmony::k8s
