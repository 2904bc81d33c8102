#include "k8s/server_api.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <boost/json.hpp>

#include "host/random_text.hpp"
#include "k8s/assessment.hpp"
#include "k8s/base64.hpp"
#include "k8s/difference.hpp"
#include "k8s/explained.hpp"
#include "k8s/forwards.hpp"
#include "k8s/levels.hpp"
#include "k8s/overtaken.hpp"
#include "k8s/proof.hpp"
#include "k8s/rest.hpp"
#include "k8s/rights.hpp"
#include "k8s/space.hpp"
#include "k8s/sure_write.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

const GroupVersionKind secrets{"", "v1", "Secret"}, claims{"", "v1", "PersistentVolumeClaim"};
constexpr auto removal_limit = 120s, rest_limit = 120s;

/// Whoever holds an object back has put its name on it.
std::string still_ending(const Subject& subject, const json::value& object) {
  const std::string ends = "`" + subject.text() + "` still ends", held = finalizers_of(object);
  return held.empty() ? ends : ends + ", held by finalizer " + held;
}

}  // namespace

ServerApi::ServerApi(std::shared_ptr<const Place> place, std::shared_ptr<Lease> lease)
    : place_(std::move(place)), lease_(std::move(lease)), forwards_(std::make_unique<Forwards>(place_)) {}
ServerApi::~ServerApi() = default;

// ---------------------------------------------------------------- reads

std::optional<json::value> ServerApi::find(Scope& in, const ObjectReference& reference) const {
  return place_->client->get(in, place_->client->resource(in, reference.what), reference.space, reference.name);
}

/// A context of the same name may lead to another cluster tomorrow.
std::string ServerApi::cluster_mark(Scope& in) const { return in.fingerprinter().of(place_->cluster); }

std::optional<json::value> ServerApi::find(Scope& in, const Subject& subject) const {
  const auto resource = resource_of(in, *place_, subject.kind);
  if (!resource) return std::nullopt;
  return place_->client->get(in, *resource, resource->namespaced ? place_->space : "", subject.name);
}

std::map<std::string, std::string> ServerApi::values_in(const std::optional<json::value>& live) const {
  std::map<std::string, std::string> values;
  if (!live || !place_->may_become_ours(*live)) return values;
  for (const auto& [key, value] : object_at(*live, "data"))
    if (value.is_string())
      if (auto plain = from_base64(std::string_view(value.get_string().data(), value.get_string().size()));
          plain && !plain->empty())
        values.emplace(key, std::move(*plain));  // an empty one is none
  return values;
}

std::optional<Secret<std::string>> ServerApi::kept_value(Scope& in, const std::string& secret,
                                                         const std::string& key) const {
  const auto values = values_in(find(in, {secrets, place_->space, secret}));
  const auto found = values.find(key);
  if (found == values.end()) return std::nullopt;
  in.conceal(Secret<std::string>(found->second));
  return Secret<std::string>(found->second);
}

Deferred<Secret<std::string>> ServerApi::value(Scope& in, const std::string& secret, const std::string& key) {
  if (auto kept = kept_value(in, secret, key)) return std::move(*kept);
  throw InternalError(fmt::format("`{}` of secret/{} was asked for before it was made", key, secret));
}

bool ServerApi::serves(Scope& in, std::string_view group, std::string_view kind) {
  const auto catalogue = place_->client->catalogue(in);
  if (catalogue->find_preferred(group, kind)) return true;
  if (catalogue->is_broken(group))           // not to know is not to be without it
    (void)place_->client->resource(in, {std::string(group), "v1", std::string(kind)});
  return false;
}

bool ServerApi::can_linger(Scope& in) { return version(in) >= ServerVersion{1, 30}; }

ServerVersion ServerApi::version(Scope& in) {
  std::lock_guard hold{mutex_};
  if (!version_) {
    try {
      version_ = server_version(place_->client->raw(in, "/version"));
    } catch (const ApiError& error) {
      if (!error.out_of_sight()) throw;
      version_ = ServerVersion{};
    }
  }
  return *version_;
}

Others ServerApi::others(Scope& in, const OthersQuery& query) { return read_others(in, *place_, query); }

bool ServerApi::has(Scope& in, const GroupVersionKind& what, const std::string& name) {
  if (!serves(in, what.group, what.kind)) return false;
  return place_->has([&] { return find(in, {what, place_->space, name}); });
}

std::string ServerApi::read_again(Scope& in, std::string_view key) {
  if (key == cluster_key) return cluster_mark(in);
  if (key == space_key) return !made_space_ && space_is_there(in, *place_) ? "somebody made it" : "";
  if (const auto query = query_of(key)) return fingerprint_of(others(in, *query), in.fingerprinter());
  const auto slash = key.find('/');
  const Subject subject{"k8s", std::string(key.substr(0, slash)), std::string(key.substr(slash + 1))};
  std::optional<json::value> live;
  try {
    live = find(in, subject);
  } catch (const ApiError& error) {
    if (!error.not_found()) throw;           // its kind has gone since the plan, and it with it
  }
  return fingerprint_of(live, in.fingerprinter());
}

// ---------------------------------------------------------------- writes

void ServerApi::make_space(Scope& in) { made_space_ = k8s::make_space(in, *place_) || made_space_; }

/// It is there already when the plan's own changes begin.
void ServerApi::ensure_space(Scope& in) {
  if (!place_->create_space) return;
  Scope step = in.step({.kind = "namespace", .name = place_->space});
  Change change = space_change(*place_);
  if (!made_space_) change.action = Action::unchanged;
  step.change(change, [] { return Settled{}; });
}

void ServerApi::ensure(Scope& in, const GeneratedSecret& secret) {
  const auto alone = in.hold({"k8s", "secret", secret.name});
  const auto live = find(in, {secrets, place_->space, secret.name});
  auto values = values_in(live);
  require_unused(secret, *place_, live, values, [&] { return find(in, {claims, place_->space, secret.opens}); });
  for (const std::string& key : secret.keys)
    if (!values.contains(key)) {
      values[key] = host::random_text();
      in.conceal(Secret<std::string>(values[key]));
    }
  Wanted wanted = k8s::wanted(secret, values, *place_);
  if (!live)                                 // as the plan said it
    for (const std::string& key : secret.keys) wanted.pending.emplace(field_path({"data", key}), "generated");
  else keep_what_stays(wanted, *live);
  settle(in, wanted, assess(in, *place_, wanted, live, true), live);
}

void ServerApi::ensure(Scope& in, const ObjectSet& set) {
  std::vector<std::string> restored;
  for (const std::vector<const Manifest*>& level : levels_of(set)) {
    std::vector<Wanted> all;
    for (const Manifest* manifest : level) all.push_back(wanted(in, *manifest, *place_, key()));
    const auto alone = hold_all(in, all);
    std::vector<std::optional<json::value>> live(all.size());
    side_by_side(place_->client->limiter(), all.size(), [&](std::size_t i) { live[i] = find(in, all[i].reference); });
    for (std::size_t i = 0; i < all.size(); ++i)
      if (live[i]) keep_what_stays(all[i], *live[i]);
    restart_for(all, restored);
    const auto assessed = assess_all(in, *place_, all, live, true);
    for (std::size_t i = 0; i < all.size(); ++i) settle(in, all[i], assessed[i], live[i]);
  }
}

void ServerApi::settle(Scope& in, const Wanted& wanted, const Assessment& assessed,
                       const std::optional<json::value>& live) {
  std::optional<Expected> written;
  in.change(assessed.change, [&] {
    if (assessed.anew) take_away(in, wanted.reference, *live);
    else if (live && is_going(*live)) until_gone(in, wanted.reference, std::string(text_at(*live, "metadata.uid")));
    written = write(in, wanted, assessed.force);
    return Settled{"uid " + written->uid};
  });
  remember(wanted, written, live);
}

void ServerApi::remember(const Wanted& wanted, const std::optional<Expected>& written,
                         const std::optional<json::value>& live) {
  std::lock_guard hold{mutex_};
  Ensured& ensured = ensured_[wanted.reference];
  ensured.wanted = wanted;
  if (written) {
    ensured.written = written;
    ensured.uid = written->uid;
    ensured.generation = written->generation;
  } else if (live) {
    ensured.uid = std::string(text_at(*live, "metadata.uid"));
    ensured.generation = number_at(*live, "metadata.generation").value_or(0);
  }
}

Expected ServerApi::expected(const ObjectReference& reference) const {
  std::lock_guard hold{mutex_};
  const auto known = ensured_.find(reference);
  return known == ensured_.end() ? Expected{} : known->second.written.value_or(Expected{});
}

bool ServerApi::was_ready(const ObjectReference& reference) const {
  std::lock_guard hold{mutex_};
  return ready_.contains(reference);
}

std::optional<Error> ServerApi::not_ours_any_more(Scope& in, const ObjectReference& reference,
                                                  const json::value& live) {
  const auto generation = number_at(live, "metadata.generation").value_or(0);
  Wanted wanted;
  {
    std::lock_guard hold{mutex_};
    const auto known = ensured_.find(reference);
    if (known == ensured_.end() || is_going(live)) return std::nullopt;
    wanted = known->second.wanted;
    const bool same = known->second.uid == text_at(live, "metadata.uid");
    // A Service has no generation, and no controller writes what it leads to.
    const bool has_moved = reference.what.kind == "Service"
                               ? !prove_unchanged(wanted.object, live, field_manager).holds()
                               : known->second.generation > 0 && generation > known->second.generation;
    if (same && !has_moved) return std::nullopt;
  }
  if (auto error = overtaken(in, *place_, wanted, live)) return error;
  std::lock_guard hold{mutex_};
  ensured_.at(reference).uid = std::string(text_at(live, "metadata.uid"));
  ensured_.at(reference).generation = generation;
  return std::nullopt;
}

/// A write that had to be tried again for long may have outlived the lock: each try makes sure of it.
StillWanted ServerApi::while_locked() const {
  return [lease = lease_](Scope& in) { lease->require_held(in); };
}

Expected ServerApi::write(Scope& in, const Wanted& wanted, bool force) {
  const Resource resource = place_->client->resource(in, wanted.reference.what);
  const auto apply = [&] {
    return place_->client
        ->apply(in, resource, wanted.object, {.manager = field_manager, .force = force, .still_wanted = while_locked()})
        .object;
  };
  json::value stored;
  try {
    stored = write_surely(in, apply);
  } catch (const ApiError& error) {          // a quota that others have used up since the plan
    throw_explained(error, wanted.subject);
  }
  in.point("object applied");
  return {.generation = number_at(stored, "metadata.generation").value_or(0),
          .uid = std::string(text_at(stored, "metadata.uid"))};
}

void ServerApi::until_gone(Scope& in, const ObjectReference& reference, const std::string& uid) const {
  const Subject subject = subject_of(reference);
  std::string held;
  try {
    in.until({.limit = removal_limit, .what = "`" + subject.text() + "` is gone", .subject = subject.text()},
             [&]() -> std::optional<std::string> {
               const auto now = find(in, reference);
               if (!now || std::string(text_at(*now, "metadata.uid")) != uid) return std::nullopt;
               held = finalizers_of(*now);
               in.pause(100ms);
               return still_ending(subject, *now);
             });
  } catch (TimedOut& late) {
    if (!held.empty())
      late.data().help = fmt::format(
          "whoever has put the finalizer there takes it away; where nobody is left to: kubectl edit {}/{} -n {}",
          subject.kind, subject.name, place_->space);
    throw;
  }
}

/// That very object; one that somebody has made under its name meanwhile stays.
void ServerApi::take_away(Scope& in, const ObjectReference& reference, const json::value& live) {
  const std::string uid{text_at(live, "metadata.uid")};
  place_->client->remove(in, place_->client->resource(in, reference.what), reference.space, reference.name,
                         {.uid = uid, .propagation = Propagation::foreground, .still_wanted = while_locked()});
  in.point("object told to go");
  until_gone(in, reference, uid);
}

void ServerApi::remove(Scope& in, const LedgerEntry& entry) {
  const auto alone = in.hold(entry.subject);
  auto live = find(in, entry.subject);
  if (live && !place_->is_ours(*live)) live.reset();  // ours is gone, and somebody else's has its name
  in.change(removal(entry.subject, live, entry.holds_data), [&] {
    const auto resource = resource_of(in, *place_, entry.subject.kind);
    take_away(in, {resource->what, resource->namespaced ? place_->space : "", entry.subject.name}, *live);
    return Settled{};
  });
}

void ServerApi::require_removable(Scope& in, const std::vector<LedgerEntry>& entries) const {
  std::vector<Right> rights;
  for (const LedgerEntry& entry : entries) {
    if (entry.subject.primitive != primitive()) continue;
    const auto live = find(in, entry.subject);
    if (!live || is_going(*live) || !place_->is_ours(*live)) continue;
    const Resource resource = place_->client->resource(in, kind_of(*live));
    rights.push_back({"delete", resource.what.group, resource.plural, {}, entry.subject.name});
  }
  Rights{*place_}.require(in, rights);
}

void ServerApi::rest(Scope& in, const LedgerEntry& entry) {
  const auto alone = in.hold(entry.subject);
  const auto live = find(in, entry.subject);
  if (!live || is_going(*live) || !place_->is_ours(*live) || at_rest(*live).empty()) return;
  in.change(resting(in, entry.subject, *live), [&] {
    const json::value resting = resting_object(*live);
    const Resource resource = place_->client->resource(in, kind_of(*live));
    const ApplyOptions options{.manager = rest_manager, .force = true, .still_wanted = while_locked()};
    write_surely(in, [&] { return place_->client->apply(in, resource, resting, options); });
    return Settled{"uid " + std::string(text_at(*live, "metadata.uid"))};
  });
  until_at_rest(in, entry.subject);
}

void ServerApi::until_at_rest(Scope& in, const Subject& subject) const {
  std::optional<std::string> why;
  try {
    in.until({.limit = rest_limit, .what = "it is at rest", .subject = subject.text()}, [&] {
      why.reset();
      const auto now = find(in, subject);
      const Readiness readiness = readiness_of(now ? &*now : nullptr, {});
      if (now && readiness.state != Readiness::State::ready) {
        why = readiness.reason;
        in.pause(200ms);
      }
      return why;
    });
  } catch (const TimedOut&) {
    throw Error(
        {.code = "H0442",
         .category = Category::timed_out,
         .message = fmt::format("`{}` does not come to rest: {}", subject.text(), why.value_or("it still works")),
         .subject = subject.text(),
         .notes = {"its data is where it was"},
         .help = "mend it and destroy again, or give its data up: destroy --delete-data"});
  }
}

}  // namespace harmony::k8s
