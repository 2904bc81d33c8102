#include "k8s/assessment.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/json.hpp>

#include "host/content.hpp"
#include "host/diff.hpp"
#include "host/printable.hpp"
#include "k8s/conflict.hpp"
#include "k8s/difference.hpp"
#include "k8s/explained.hpp"
#include "k8s/field_set.hpp"
#include "k8s/pod_admission.hpp"
#include "k8s/proof.hpp"
#include "k8s/quantity.hpp"
#include "k8s/restored.hpp"
#include "k8s/storage.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

Error somebody_elses(const Wanted& wanted, const json::value& live) {
  const std::string owner = host::printable(Place::marked_by(live));
  return Error({.code = "H0430",
                .category = Category::refused,
                .message = owner.empty() ? fmt::format("`{}` is there already, and no deployment has marked it",
                                                       wanted.subject.text())
                                         : fmt::format("`{}` belongs to deployment `{}`", wanted.subject.text(), owner),
                .subject = wanted.subject.text(),
                .facts = {{"namespace", wanted.reference.space}},
                .help = owner.empty() ? "choose another name or namespace; where it is to be taken over: --adopt"
                                      : "choose another name or namespace, or destroy that deployment first"});
}

struct Preview {
  json::value result;
  bool force = false;
  std::vector<Claim> drift = {};  ///< what `force` takes back
};

/// Where others own fields of ours, only those that moved since our last apply are taken back.
Preview preview(Scope& in, const Place& place, const Wanted& wanted, const json::value* live) {
  const Resource resource = place.client->resource(in, wanted.reference.what);
  const auto ask = [&](bool force) {
    Written written = place.client->apply(in, resource, wanted.object,
                                          {.manager = field_manager, .force = force, .storing = Storing::previewed});
    for (const std::string& warning : written.warnings) in.note("warning", wanted.subject.text() + ": " + warning);
    return std::move(written.object);
  };
  std::optional<Conflict> conflict;
  try {
    return {ask(place.force_conflicts), place.force_conflicts};
  } catch (const ApiError& error) {
    conflict = live && error.conflict() ? conflict_of(to_json(error.status()), owned_before(*live)) : std::nullopt;
    if (!conflict) throw_explained(error, wanted.subject);
    if (!conflict->only_drift()) throw Error(conflict_diagnostic(wanted.subject.text(), *conflict));
  }
  try {
    return {ask(true), true, std::move(conflict->drift)};
  } catch (const ApiError& error) {  // what an object may not be shows behind the conflict only
    throw_explained(error, wanted.subject);
  }
}

/// Another object, in a namespace that is there, under a name that nobody has: what is wrong with ours shows there, too.
struct StandIn {
  std::string space;
  std::string suffix;  ///< of its name
  std::vector<std::string_view> of_it = {};  ///< codes of refusals that may be of it, and not of what it stands for
};
/// A quota, a right, an admission rule: each may hold in one namespace and not in another.
StandIn in_a_space_that_is_there(const Place& place) {
  return {"default", "-of-" + place.space, {"H0458", "H0461", "H0463"}};
}
/// Quotas count both.
StandIn beside_what_is_there(const Place& place) { return {place.space, "-anew", {"H0458"}}; }
/// So may rules about what two objects share, the host of two routes; and a right may be to one name alone.
StandIn beside_what_goes(const Place& place) { return {place.space, "-anew", {"H0458", "H0461", "H0463"}}; }

/// @returns what the server would make of it; nothing where it gave no dry run, with the reason in `change`
std::optional<json::value> preview_in_stand_in(Scope& in, const Place& place, const Wanted& wanted,
                                               const StandIn& stand_in, Change& change) {
  constexpr std::size_t longest = 50, of_name = 10;  // a Cluster of CloudNativePG takes the shortest of all
  Wanted shadow = wanted;
  json::object& metadata = shadow.object.get_object()["metadata"].get_object();
  metadata["namespace"] = stand_in.space;
  const std::string end = stand_in.suffix.substr(0, longest - of_name);
  std::string name = wanted.reference.name.substr(0, longest - end.size()) + end;
  while (name.ends_with('-')) name.pop_back();
  metadata["name"] = name;
  try {
    auto seen = preview(in, place, shadow, nullptr);
    change.fidelity = Fidelity::shadow;
    return std::move(seen.result);
  } catch (const ApiError& error) {
    change.fidelity = Fidelity::schema;
    change.reason = fmt::format("the server gave no dry run: {}", error.data().message);
    return std::nullopt;
  } catch (const Error& error) {
    if (std::ranges::find(stand_in.of_it, error.data().code) == stand_in.of_it.end()) throw;
    change.fidelity = Fidelity::schema;
    change.reason = stand_in.space == place.space
                        ? fmt::format("it was tried beside the one that goes: {}", error.data().message)
                        : fmt::format("`{}`, where it was tried, may have rules of its own: {}", stand_in.space,
                                      error.data().message);
    return std::nullopt;
  }
}

void mark_pending(Change& change, const Wanted& wanted) {
  for (FieldChange& field : change.fields) {
    const auto found = wanted.pending.find(field.path);
    if (found == wanted.pending.end()) continue;
    field.origin = wanted.pending_origin;
    field.after =
        wanted.pending_origin == harmony::Origin::generated ? "(generated)" : host::known_after(found->second);
  }
}

/// Whose an object is goes without saying where it is made; what it owns, where that changes with other fields.
/// A list of all fields tells nobody anything; which came or went does.
void shorten_owned_fields(FieldChange& field) {
  const FieldSet before = owned_fields(field.before), after = owned_fields(field.after);
  const auto listed = [](const FieldSet& paths) { return fmt::format("{}", fmt::join(paths.paths(), ", ")); };
  field.before = listed(before.without(after));
  field.after = listed(after.without(before));
}

void leave_out_marks(Change& change, const Place& place) {
  const bool made = change.action == Action::create;
  if (made)
    for (const auto& [label, value] : place.labels())
      std::erase_if(change.fields, [&, path = field_path({"metadata", "labels", label})](const FieldChange& field) {
        return field.path == path;
      });
  if (made || change.fields.size() > 1)
    for (const char* mark : {applied_annotation, restored_annotation})
      std::erase_if(change.fields, [path = field_path({"metadata", "annotations", mark})](const FieldChange& field) {
        return field.path == path;
      });
  for (FieldChange& field : change.fields)
    if (field.path == field_path({"metadata", "annotations", applied_annotation})) shorten_owned_fields(field);
}

bool is_restart_for_restored(const Change& change) {
  const std::string path = field_path({"spec", "template", "metadata", "annotations", restored_annotation});
  return std::ranges::any_of(change.fields,
                             [&](const FieldChange& field) { return field.path == path && !field.after.empty(); });
}

/// @param going one of its name that is being deleted: an apply would be tried as a change of that
Change creation(Scope& in, const Place& place, const Wanted& wanted, const json::value* going, bool space_there) {
  require_storage(in, place, wanted);
  Change change = object_change(wanted.subject, nullptr, wanted.object, in.fingerprinter());
  change.holds_data = wanted.holds_data;
  mark_pending(change, wanted);
  leave_out_marks(change, place);
  if (going) {
    if (const auto seen = preview_in_stand_in(in, place, wanted, beside_what_goes(place), change))
      require_admitted_pods(in, place, wanted.subject, *seen, going);
  } else if (space_there) {
    require_admitted_pods(in, place, wanted.subject, preview(in, place, wanted, nullptr).result);
    change.fidelity = Fidelity::server;
  } else {
    preview_in_stand_in(in, place, wanted, in_a_space_that_is_there(place), change);
  }
  return change;
}

/// @param refused by the server: a field of it cannot be changed in place
Assessment replacement(Scope& in, const Place& place, const Wanted& wanted, const json::value& live,
                       const Diagnostic& refused) {
  Change change;
  const auto anew = preview_in_stand_in(in, place, wanted, beside_what_is_there(place), change);
  if (anew) require_admitted_pods(in, place, wanted.subject, *anew, &live);
  Change made = object_change(wanted.subject, &live, anew.value_or(wanted.object), in.fingerprinter());
  if (!anew)  // what only the server had filled in is no change
    std::erase_if(made.fields, [](const FieldChange& field) { return field.after.empty(); });
  made.action = Action::replace;
  made.fidelity = change.fidelity;
  made.reason = refused.facts.empty() ? refused.message
                                      : fmt::format("`{}` cannot be changed in place", refused.facts.front().first);
  if (!change.reason.empty()) made.reason += "; " + change.reason;
  made.effect = "deletes it and makes it anew";
  mark_pending(made, wanted);
  leave_out_marks(made, place);
  return {.change = std::move(made), .anew = true};
}

/// Those who have set fields by updates, which an apply leaves where they are.
std::string who_else_has_set(const json::value& live) {
  std::set<std::string> names;
  for (const Owner& owner : owners_of(live))
    if (!owner.applied && owner.subresource.empty() && owner.manager != "kube-controller-manager")
      names.insert(host::printable(owner.manager));
  return fmt::format("{}", fmt::join(names, ", "));
}

/// An object that is refused though the Score alone would not be.
Diagnostic not_together(const Wanted& wanted, const json::value& live, const Diagnostic& refused) {
  Diagnostic said{
      .code = "H0475",
      .category = Category::refused,
      .message = fmt::format("what others have set on `{}` does not go with its Score", wanted.subject.text()),
      .subject = wanted.subject.text(),
      .facts = refused.facts,
      .help =
          "take away what they have set (kubectl edit), or deploy with --allow-replace: it is deleted and "
          "made anew"};
  if (const std::string names = who_else_has_set(live); !names.empty()) said.facts.emplace_back("others", names);
  return said;
}

/// Why an object that is there is refused: by what it has been all along, by what others have made of it, or by the Score.
Diagnostic refusal_of(Scope& in, const Place& place, const Wanted& wanted, const json::value& live,
                      const Diagnostic& refused) {
  if (refused.code != "H0466") return refused;
  Change unused;
  if (!preview_in_stand_in(in, place, wanted, beside_what_is_there(place), unused)) return refused;
  return not_together(wanted, live, refused);
}

Error put_to_rest(const Wanted& wanted, const std::string& how, std::string help) {
  return Error({.code = "H0476",
                .category = Category::refused,
                .message = fmt::format("`{}` is {}", wanted.subject.text(), how),
                .subject = wanted.subject.text(),
                .help = std::move(help)});
}

/// It would go on with none, or with what it has, and no deploy would end.
void require_awake(const Wanted& wanted, const json::value& live, const Place& place) {
  const std::string named = fmt::format("{}/{} -n {}", wanted.subject.kind, wanted.subject.name, place.space);
  if (is_scaled_to_none(live) && !number_at(wanted.object, "spec.replicas"))
    throw put_to_rest(
        wanted, "scaled to none, and its Score leaves open to how many",
        fmt::format("scale it up (kubectl scale {} --replicas=1), or set `replicas` in its Score", named));
  if (true_at(live, "spec.paused") && !find(wanted.object, "spec.paused"))
    throw put_to_rest(wanted, "paused by somebody: no version of it is rolled out",
                      fmt::format("let it go on, and deploy again: kubectl rollout resume {}", named));
}

/// Once it leads to pods by their own addresses it stays so, and an apply that names no address leaves it.
bool has_lost_its_address(const Wanted& wanted, const json::value& live) {
  constexpr const char* path = "spec.clusterIP";
  return group_kind(live) == "Service" && text_at(live, path) == "None" && text_at(wanted.object, path) != "None";
}
Error without_address(const Wanted& wanted) {
  return Error({.code = "H0462",
                .category = Category::refused,
                .message = fmt::format("a field of `{}` cannot be changed in place", wanted.subject.text()),
                .subject = wanted.subject.text(),
                .facts = {{"spec.clusterIP", "is None: somebody has made it anew without an address of its own"}},
                .help = "have it deleted and made anew: --allow-replace"});
}

/// What the server says of an object itself; all else (a right, a stop, a connection) no replacement heals.
bool is_of_the_object(std::string_view code) { return code == "H0462" || code == "H0466"; }

/// Throws it where it is not to be replaced.
void require_replaceable(const Place& place, const Wanted& wanted, const Diagnostic& refused) {
  if ((refused.code != "H0462" && refused.code != "H0475") || !place.allow_replace) throw Error(refused);
  if (!wanted.holds_data) return;
  Diagnostic said = refused;
  said.help =
      "keep the field as it is: to replace the object would delete its data, which `--allow-replace` never does";
  throw Error(std::move(said));
}

/// Of what a volume is: another one of its name has other data.
std::string identity_of(const Wanted& wanted, const json::value& live) {
  return has_volume(wanted.object) ? "uid " + std::string(text_at(live, "metadata.uid")) : "";
}

}  // namespace

Assessment assess(Scope& in, const Place& place, const Wanted& wanted, const std::optional<json::value>& live,
                  bool space_there) {
  const bool going = live && is_going(*live);
  if (going && wanted.reference.what.kind == "PersistentVolumeClaim") require_unheld(in, place, wanted);
  if (!live || going) return {creation(in, place, wanted, going ? &*live : nullptr, space_there)};
  if (!place.may_become_ours(*live)) throw somebody_elses(wanted, *live);
  require_awake(wanted, *live, place);
  const bool has_address = !has_lost_its_address(wanted, *live);
  if (has_address && wanted.pending.empty() && prove_unchanged(wanted.object, *live, field_manager).holds())
    return {{.subject = wanted.subject, .identity = identity_of(wanted, *live), .holds_data = wanted.holds_data}};
  Preview seen;
  try {
    if (!has_address) throw without_address(wanted);
    seen = preview(in, place, wanted, &*live);
  } catch (const Error& error) {
    if (!is_of_the_object(error.data().code)) throw;
    const Diagnostic refused = refusal_of(in, place, wanted, *live, error.data());
    require_replaceable(place, wanted, refused);
    return replacement(in, place, wanted, *live, refused);
  }
  require_admitted_pods(in, place, wanted.subject, seen.result, &*live);
  Assessment made{object_change(wanted.subject, &*live, seen.result, in.fingerprinter()), seen.force};
  made.change.identity = identity_of(wanted, *live);
  made.change.holds_data = wanted.holds_data;
  made.change.fidelity = Fidelity::server;
  if (made.change.reason.empty()) made.change.reason = drift_text(seen.drift);
  if (made.change.reason.empty() && is_restart_for_restored(made.change))
    made.change.reason = "its pods may have been started with what others had set";
  mark_pending(made.change, wanted);
  leave_out_marks(made.change, place);
  return made;
}

std::vector<Assessment> assess_all(Scope& in, const Place& place, const std::vector<Wanted>& wanted,
                                   const std::vector<std::optional<json::value>>& live, bool space_there) {
  std::vector<Assessment> all(wanted.size());
  side_by_side(place.client->limiter(), wanted.size(),
               [&](std::size_t i) { all[i] = assess(in, place, wanted[i], live[i], space_there); });
  return all;
}

void require_unused(const GeneratedSecret& secret, const Place& place, const std::optional<json::value>& live,
                    const std::map<std::string, std::string>& values,
                    const std::function<std::optional<json::value>()>& find_claim) {
  const bool whole = std::ranges::all_of(secret.keys, [&](const std::string& key) { return values.contains(key); });
  const bool strange = live && !place.may_become_ours(*live);  // which is told in its place
  if (whole || strange || secret.opens.empty()) return;
  const auto claim = find_claim();
  if (!claim || is_going(*claim) || !place.is_ours(*claim)) return;
  throw host::secret_is_gone(
      secret.name, "persistentvolumeclaim/" + secret.opens,
      fmt::format("put it back, with the label {} or --adopt: kubectl create secret generic {} -n {} "
                  "--from-literal={}=…; without its value, give up the data of the whole deployment: destroy "
                  "--delete-data",
                  deployment_label, secret.name, place.space, secret.keys.front()));
}

Change removal(const Subject& subject, const std::optional<json::value>& live, bool holds_data) {
  Change change{.subject = subject, .holds_data = holds_data};
  if (!live) return change;
  change.action = Action::remove;
  change.identity = "uid " + std::string(text_at(*live, "metadata.uid"));
  change.loses_data = holds_data;
  if (holds_data) change.effect = "deletes all data";
  return change;
}

std::string fingerprint_of(const std::optional<json::value>& live, const Fingerprinter& fingerprinter) {
  if (!live || is_going(*live)) return {};
  std::string text = std::string(text_at(*live, "metadata.uid"));
  for (const std::string& path : applied_by(*live, field_manager).paths()) text += "\n" + path;
  if (const auto* generation = find(*live, "metadata.generation"))
    return fingerprinter.of(text + "\n" + json::serialize(*generation));
  json::object rest = live->get_object();
  for (const char* other : {"apiVersion", "kind", "metadata", "status"})
    rest.erase(other);  // an item of a list lacks the first two
  return fingerprinter.of(text + "\n" + json::serialize(rest));
}

}  // namespace harmony::k8s
