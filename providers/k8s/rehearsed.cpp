#include "k8s/rehearsed.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <boost/json.hpp>

#include "k8s/assessment.hpp"
#include "k8s/explanation.hpp"
#include "k8s/levels.hpp"
#include "k8s/readiness.hpp"
#include "k8s/rest.hpp"
#include "k8s/space.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

const GroupVersionKind secrets{"", "v1", "Secret"}, claims{"", "v1", "PersistentVolumeClaim"};

std::string read_key(const Subject& subject) { return subject.kind + "/" + subject.name; }

/// "postgresql shop, shop.cpp:12"
std::string score_of(const Scope& in) {
  const auto trail = in.node().trail();
  if (trail.empty()) return {};
  return fmt::format("{}, {}:{}", trail.back().name, trail.back().at.file_name(), trail.back().at.line());
}

/// Once they are there. Whether they may be made, a deploy finds out before anything else.
std::vector<Right> rights_to_ledger_and_lock(const std::string& name) {
  std::vector<Right> rights;
  for (const char* verb : {"get", "update"}) {
    rights.push_back({verb, "", "secrets", {}, name});
    rights.push_back({verb, "coordination.k8s.io", "leases", {}, name});
  }
  return rights;
}

/// It is a GET; from 1.35 on the server asks for the right to create as well.
std::vector<Right> rights_to_forward(ServerVersion version) {
  std::vector<Right> rights{{"get", "", "pods", "portforward"}};
  if (version >= ServerVersion{1, 35}) rights.push_back({"create", "", "pods", "portforward"});
  return rights;
}

/// By an autoscaler, say: all of its pods are of one version, some are ready, and nothing is wrong with the others.
bool is_being_scaled(const json::value& live, const Readiness& readiness, const Objects& related) {
  const bool serves = number_at(live, "status.readyReplicas").value_or(0) > 0;
  const bool of_one = number_at(live, "status.updatedReplicas") == number_at(live, "status.replicas");
  return serves && of_one && readiness.state == Readiness::State::in_progress && explain(live, related).empty();
}

std::shared_ptr<ServerApi> server_api(std::shared_ptr<Api> real) {
  auto server = std::dynamic_pointer_cast<ServerApi>(std::move(real));
  if (!server) throw InternalError("the twin of a cluster is made from a real one");
  return server;
}

}  // namespace

RehearsedApi::RehearsedApi(std::shared_ptr<Api> real, Rehearsal& rehearsal)
    : real_(server_api(std::move(real))),
      rehearsal_(rehearsal),
      endpoints_(rehearsal.facts<host::PendingEndpoints>()),
      rights_(real_->place()) {}
RehearsedApi::~RehearsedApi() = default;

// ---------------------------------------------------------------- reads

bool RehearsedApi::space_is_there(Scope& in) {
  std::lock_guard hold{mutex_};
  if (space_there_) return *space_there_;
  const bool there = k8s::space_is_there(in, real_->place());
  if (!there && !real_->place().create_space) throw missing_space(real_->place());
  space_there_ = there;
  return there;
}

/// One list for each kind: most objects of a deployment are there, and unchanged.
std::optional<json::value> RehearsedApi::find(Scope& in, const ObjectReference& reference) {
  if (!space_is_there(in)) return std::nullopt;
  const auto& known = all(in, reference.what);
  const auto found = known.find(reference.name);
  auto live = found == known.end() ? std::nullopt : std::optional{found->second};
  rehearsal_.read("k8s", read_key(subject_of(reference)), fingerprint_of(live, in.fingerprinter()));
  return live;
}

const std::map<std::string, json::value>& RehearsedApi::all(Scope& in, const GroupVersionKind& what) {
  const std::string kind = subject_kind(what);
  std::lock_guard hold{mutex_};
  auto known = lists_.find(kind);
  if (known == lists_.end()) {
    const Place& place = real_->place();
    std::map<std::string, json::value> there;  // one that cannot be had is not an empty one
    for (json::value& object : place.client->list(in, place.client->resource(in, what), {.space = place.space}))
      there.emplace(std::string(name_of(object)), std::move(object));
    known = lists_.emplace(kind, std::move(there)).first;
  }
  return known->second;
}

bool RehearsedApi::is_pending(const Subject& subject) const {
  std::lock_guard hold{mutex_};
  return pending_.contains(subject);
}

Deferred<Secret<std::string>> RehearsedApi::value(Scope& in, const std::string& secret, const std::string& key) {
  const auto pending = [&] { return Deferred<Secret<std::string>>::pending(fmt::format("secret/{} is made", secret)); };
  if (!space_is_there(in)) return pending();
  if (auto kept = real_->kept_value(in, secret, key)) return std::move(*kept);  // whatever else of it changes
  return pending();
}

bool RehearsedApi::serves(Scope& in, std::string_view group, std::string_view kind) {
  return real_->serves(in, group, kind);
}
bool RehearsedApi::can_linger(Scope& in) { return real_->can_linger(in); }
Others RehearsedApi::others(Scope& in, const OthersQuery& query) {
  Others found = real_->others(in, query);
  // One that the deploy makes before anything else is there when the read set is read again.
  if (query.what.kind == "Namespace" && found.objects.empty()) return found;
  rehearsal_.read("k8s", read_key(query), fingerprint_of(found, in.fingerprinter()));
  return found;
}
bool RehearsedApi::has(Scope& in, const GroupVersionKind& what, const std::string& name) {
  if (!serves(in, what.group, what.kind)) return false;
  return real_->place().has([&] { return find(in, {what, real_->place().space, name}); });
}
const std::string& RehearsedApi::space() const { return real_->space(); }

/// Where nothing is ready to be spoken to, an address that nobody has: others learn of it from PendingEndpoints.
host::Endpoint RehearsedApi::forward(Scope& in, const ForwardTarget& target) {
  const Subject workload = subject_of({target.what(), "", target.name});
  const Subject claim{"k8s", "persistentvolumeclaim", target.name + "-data"};
  require(in, rights_to_forward(real_->version(in)));
  bool there = false;
  if (space_is_there(in)) there = real_->ready_pod(in, target).has_value();
  if (there && !is_pending(workload)) return real_->forward(in, target);
  std::lock_guard hold{mutex_};
  host::Endpoint nowhere{.address = workload.text(), .port = target.port};
  const auto change = pending_.find(workload);
  const bool made = change != pending_.end() && change->second.action == Action::create;
  host::PendingEndpoints::State state{.because = workload.text() + (made    ? " is made"
                                                                    : there ? " is changed"
                                                                            : " has no pod that is ready")};
  if (there) state.now = real_->forward(in, target);
  const auto data = pending_.find(claim);
  state.fresh =
      (data != pending_.end() && data->second.action == Action::create) || (made && change->second.holds_data);
  endpoints_.put(nowhere, state);
  return nowhere;
}

void RehearsedApi::require_reachable(const host::Endpoint& endpoint) const { real_->require_reachable(endpoint); }

std::optional<Unproven> RehearsedApi::not_proven(Scope& in, const ForwardTarget& target, const std::string& service) {
  std::optional<Unproven> first;
  for (const ObjectReference& reference : not_working()) {  // in the order of their making: a server before its clients
    auto why = real_->not_as_wanted(in, reference);
    if (!why) continue;
    why->subject = subject_of(reference).text();
    if (!why->may_heal) return why;
    if (!first) first = std::move(why);
  }
  auto why = real_->not_proven(in, target, service);
  return first && (!why || why->may_heal) ? first : why;
}

std::vector<ObjectReference> RehearsedApi::not_working() const {
  std::lock_guard hold{mutex_};
  return not_working_;
}

std::string RehearsedApi::read_again(Scope& in, std::string_view key) { return real_->read_again(in, key); }
Observation RehearsedApi::observe(Scope& in, const LedgerEntry& entry) { return real_->observe(in, entry); }

// ---------------------------------------------------------------- writes

void RehearsedApi::ensure_space(Scope& in) {
  rehearsal_.read("k8s", std::string(ServerApi::cluster_key), real_->cluster_mark(in), "the cluster");
  const bool there = space_is_there(in);
  require(in, rights_to_ledger_and_lock(real_->place().parent_name()));
  if (!real_->place().create_space) return;
  // In one that somebody else has made meanwhile there may be anything, and rules of its own.
  if (!there) rehearsal_.read("k8s", std::string(ServerApi::space_key), "");
  Scope step = in.step({.kind = "namespace", .name = real_->place().space});
  Change change = space_change(real_->place());
  if (there) change.action = Action::unchanged;
  else
    for (const std::string& warning : preview_space(step, real_->place()))
      step.note("warning", change.subject.text() + ": " + warning);
  step.change(change, [] { return Settled{}; });
}

void RehearsedApi::ensure(Scope& in, const GeneratedSecret& secret) {
  const auto live = find(in, {secrets, real_->place().space, secret.name});
  const auto values = real_->values_in(live);
  require_unused(secret, real_->place(), live, values,
                 [&] { return find(in, {claims, real_->place().space, secret.opens}); });
  std::vector<std::string> restored;
  ensure(in, std::vector{wanted(secret, values, real_->place())}, restored);
}

void RehearsedApi::ensure(Scope& in, const ObjectSet& set) {
  std::vector<std::string> restored;
  for (const std::vector<const Manifest*>& level : levels_of(set)) {
    std::vector<Wanted> all;
    for (const Manifest* manifest : level) all.push_back(wanted(in, *manifest, real_->place(), key()));
    ensure(in, std::move(all), restored);
  }
}

/// Two of one name would be written in turn, by every deploy anew.
bool RehearsedApi::is_described(const Scope& in, const Wanted& wanted) {
  const std::string by = score_of(in);
  std::lock_guard hold{mutex_};
  const auto [first, fresh] = described_.try_emplace(wanted.subject, Described{wanted.object, by});
  if (fresh) return false;
  if (first->second.object == wanted.object) return true;
  throw Error(
      {.code = "H0473",
       .category = Category::usage,
       .message =
           fmt::format("two parts of this deployment want `{}` to be something else each", wanted.subject.text()),
       .subject = wanted.subject.text(),
       .facts = {{"first", first->second.by}, {"second", by}},
       .help = "give one of them another instance name: in a cluster it names objects, of whatever kind of Score"});
}

void RehearsedApi::ensure(Scope& in, std::vector<Wanted> all, std::vector<std::string>& restored) {
  const auto alone = hold_all(in, all);
  std::erase_if(all, [&](const Wanted& one) { return is_described(in, one); });
  std::vector<std::optional<json::value>> live;
  for (Wanted& one : all) {
    live.push_back(find(in, one.reference));
    if (!live.back()) continue;
    for (std::string& kept : what_stays(one, *live.back(), real_->place().volumes)) in.note("warning", std::move(kept));
    keep_what_stays(one, *live.back());
  }
  restart_for(all, restored);
  const auto assessed = assess_all(in, real_->place(), all, live, space_is_there(in));
  for (std::size_t i = 0; i < all.size(); ++i) {
    // A smoke test of a deploy that changes nothing rests on what was found here.
    if (assessed[i].change.action == Action::unchanged && all[i].pending.empty())
      real_->remember(all[i], std::nullopt, live[i]);
    in.change(assessed[i].change, [&] {
      note(assessed[i].change);
      return Settled{};
    });
  }
}

void RehearsedApi::note(const Change& change) {
  std::lock_guard hold{mutex_};
  pending_.insert_or_assign(change.subject, change);
}

/// What is only asked for while one waits would be found missing with half of the deploy done.
void RehearsedApi::until_ready(Scope& in, const ObjectSet& set, std::chrono::milliseconds) {
  std::vector<Right> rights;
  for (const Resource& resource : real_->watched_for(in, set))
    for (const char* verb : {"list", "watch"}) rights.push_back({verb, resource.what.group, resource.plural});
  for (const Manifest& manifest : set) {
    const Resource resource = real_->place().client->resource(in, kind_of(manifest.object));
    rights.push_back({"get", resource.what.group, resource.plural, {}, std::string(name_of(manifest.object))});
  }
  require(in, rights);
  warn_of_what_does_not_work(in, set);
}

/// Its spec is as it is wanted, so that no line of the plan tells of it.
void RehearsedApi::warn_of_what_does_not_work(Scope& in, const ObjectSet& set) {
  if (!space_is_there(in) || changes_a_workload()) return;
  const Objects& related = what_works(in);
  for (const Manifest& manifest : set) {
    ObjectReference reference = reference_of(manifest.object);
    reference.space = real_->place().space;
    if (is_pending(subject_of(reference))) continue;
    const auto live = find(in, reference);
    if (!live || (reference.what.group != "apps" && reference.what.kind != "Service")) continue;
    const Readiness readiness = readiness_of(&*live, related);
    if (readiness.state != Readiness::State::in_progress && readiness.state != Readiness::State::failed) continue;
    in.note("warning", subject_of(reference).text() + ": " + readiness.reason);
    if (is_being_scaled(*live, readiness, related)) continue;
    std::lock_guard hold{mutex_};
    not_working_.push_back(std::move(reference));
  }
}

/// What readiness is read from, of the whole namespace: once.
const Objects& RehearsedApi::what_works(Scope& in) {
  std::call_once(works_once_, [&] {
    for (const GroupVersionKind& what :
         {GroupVersionKind{"", "v1", "Pod"}, {"apps", "v1", "ReplicaSet"}, {"discovery.k8s.io", "v1", "EndpointSlice"}})
      for (const auto& [name, object] : all(in, what)) works_.push_back(object);
  });
  return works_;
}

/// Then others will become ready, or not, with it.
bool RehearsedApi::changes_a_workload() const {
  std::lock_guard hold{mutex_};
  return std::ranges::any_of(pending_, [](const auto& one) { return one.first.kind.ends_with(".apps"); });
}

void RehearsedApi::require(Scope& in, const std::vector<Right>& rights) {
  if (space_is_there(in)) rights_.require(in, rights);
}

void RehearsedApi::remove(Scope& in, const LedgerEntry& entry) {
  const auto alone = in.hold(entry.subject);
  const auto resource = resource_of(in, real_->place(), entry.subject.kind);
  std::optional<json::value> live;
  if (resource) live = find(in, {resource->what, real_->place().space, entry.subject.name});
  if (live && !real_->place().is_ours(*live)) live.reset();
  if (live) require(in, {{"delete", resource->what.group, resource->plural, {}, entry.subject.name}});
  const Change change = removal(entry.subject, live, entry.holds_data);
  in.change(change, [&] {
    note(change);
    return Settled{};
  });
}

void RehearsedApi::rest(Scope& in, const LedgerEntry& entry) {
  const auto alone = in.hold(entry.subject);
  const auto resource = resource_of(in, real_->place(), entry.subject.kind);
  if (!resource) return;
  const auto live = find(in, {resource->what, real_->place().space, entry.subject.name});
  if (!live || is_going(*live) || !real_->place().is_ours(*live) || at_rest(*live).empty()) return;
  const Change change = resting(in, entry.subject, *live);
  in.change(change, [&] {
    note(change);
    return Settled{};
  });
}

}  // namespace harmony::k8s
