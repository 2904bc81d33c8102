#include "k8s/space.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/json.hpp>

#include "k8s/cloud_native_pg.hpp"
#include "k8s/explained.hpp"
#include "k8s/manifest.hpp"
#include "k8s/refusal.hpp"
#include "k8s/relations.hpp"
#include "k8s/sure_write.hpp"
#include "k8s/wanted.hpp"

namespace harmony::k8s {

namespace {

const GroupVersionKind namespaces{"", "v1", "Namespace"};

boost::json::object space_object(const Place& place) {
  boost::json::object object = named("v1", "Namespace", place.space);
  object.at("metadata").as_object()["labels"] = {{"app.kubernetes.io/managed-by", field_manager}};
  return object;
}

}  // namespace

Space look_at_space(Scope& in, const Place& place) {
  try {
    const auto live = place.client->get(in, place.client->resource(in, namespaces), "", place.space);
    return !live ? Space::missing : is_going(*live) ? Space::going : Space::there;
  } catch (const ApiError& error) {
    if (error.status().code == 403) return Space::there;
    throw;
  }
}

bool space_is_there(Scope& in, const Place& place) { return look_at_space(in, place) != Space::missing; }

Error space_is_going(const std::string& name) {
  return Error(diagnostic_of_namespace_going("namespace/" + name, name));
}

Error missing_space(const Place& place) {
  return Error({.code = "H0433",
                .category = Category::refused,
                .message = fmt::format("there is no namespace `{}`", place.space),
                .subject = "namespace/" + place.space,
                .help = "name another with -n NAMESPACE, or have it made: --create-namespace"});
}

Change space_change(const Place& place) {
  Change change{.subject = {"k8s", "namespace", place.space}, .action = Action::create, .shared = true};
  change.fidelity = Fidelity::server;
  return change;
}

std::vector<std::string> preview_space(Scope& in, const Place& place) {
  try {
    return place.client
        ->create(in, place.client->resource(in, namespaces), space_object(place),
                 {.manager = field_manager, .storing = Storing::previewed})
        .warnings;
  } catch (const ApiError& error) {
    if (!error.conflict()) throw_explained(error, space_change(place).subject);
    return {};                               // somebody else was quicker
  }
}

bool make_space(Scope& in, const Place& place) {
  if (space_is_there(in, place)) return false;
  if (!place.create_space) throw missing_space(place);
  const Resource resource = place.client->resource(in, namespaces);
  const auto create = [&] {
    place.client->create(in, resource, space_object(place), {.manager = field_manager});
    return true;
  };
  try {
    return write_surely(in, create, [&] { return space_is_there(in, place) ? std::optional(true) : std::nullopt; });
  } catch (const ApiError& error) {
    if (!error.conflict()) throw_explained(error, space_change(place).subject);
    return false;                            // another deploy was quicker
  }
}

namespace {

Objects marked(Scope& in, const Place& place, const GroupVersionKind& kind) {
  return place.client->list(in, place.client->resource(in, kind),
                            {.space = place.space, .labels = fmt::format("{}={}", deployment_label, place.deployment)});
}

/// Where their kind is known, and they may be seen.
Objects marked_if_known(Scope& in, const Place& place, const GroupVersionKind& kind) {
  if (!place.client->catalogue(in)->find(kind)) return {};
  try {
    return marked(in, place, kind);
  } catch (const ApiError& error) {
    if (!error.out_of_sight()) throw;
    return {};
  }
}

}  // namespace

std::string marked_objects(Scope& in, const Place& place) {
  constexpr std::size_t enough = 8;
  Objects all = marked_if_known(in, place, cloud_native_pg_cluster);
  for (const GroupVersionKind& kind : {GroupVersionKind{"apps", "v1", "StatefulSet"},
                                       {"apps", "v1", "Deployment"},
                                       {"", "v1", "PersistentVolumeClaim"}})
    std::ranges::move(marked(in, place, kind), std::back_inserter(all));
  for (const GroupVersionKind& kind : {GroupVersionKind{"networking.k8s.io", "v1", "Ingress"},
                                       {"gateway.networking.k8s.io", "v1", "HTTPRoute"},
                                       {"route.openshift.io", "v1", "Route"}})
    std::ranges::move(marked_if_known(in, place, kind), std::back_inserter(all));
  std::vector<std::string> names;
  for (const boost::json::value& one : all)
    if (names.size() < enough) names.push_back(subject_of(reference_of(one)).text());
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace harmony::k8s
