#include "k8s/discovery.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <boost/json/array.hpp>

#include "harmony/error.hpp"
#include "host/printable.hpp"
#include "host/text.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

std::set<std::string> texts_at(const json::value& value, std::string_view name) {
  std::set<std::string> texts;
  for (const json::value& text : list_at(value, name))
    if (const auto* found = text.if_string()) texts.emplace(*found);
  return texts;
}

/// A part of a path. An empty one is none; nor is one that leads elsewhere, whatever a proxy makes of `%2F`.
std::string segment(std::string_view part) {
  if (part.empty() || part == "." || part == ".." || part.find_first_of("/%") != std::string_view::npos)
    throw Error({.code = "H0416",
                 .category = Category::usage,
                 .message = fmt::format("`{}` is no name that an API server takes", host::printable(part)),
                 .help = "a name is made of small letters, digits, `-` and `.`"});
  return "/" + host::url_part(part);
}

Resource aggregated(const json::value& resource, const std::string& group, const std::string& version) {
  Resource made{.what = {group, version, std::string(text_at(resource, "responseKind.kind"))},
                .plural = std::string(text_at(resource, "resource")),
                .namespaced = text_at(resource, "scope") == "Namespaced",
                .verbs = texts_at(resource, "verbs")};
  for (const json::value& part : list_at(resource, "subresources"))
    if (text_at(part, "subresource") == "status") made.has_status = true;
  return made;
}

}  // namespace

std::string path_of(const Resource& resource, std::string_view space, std::string_view name) {
  std::string path = resource.what.group.empty() ? "/api" : "/apis" + segment(resource.what.group);
  path += segment(resource.what.version);
  if (resource.namespaced && !space.empty()) path += "/namespaces" + segment(space);
  path += segment(resource.plural);
  if (!name.empty()) path += segment(name);
  return path;
}

std::string BrokenGroup::text() const { return group.empty() ? version : group + "/" + version; }

const Resource* Catalogue::find(const GroupVersionKind& what) const {
  const auto found = all_.find(what);
  return found == all_.end() ? nullptr : &found->second;
}

bool Catalogue::is_broken(std::string_view group) const {
  return std::ranges::any_of(broken_, [&](const BrokenGroup& one) { return one.group == group; });
}

const Resource* Catalogue::find_preferred(std::string_view group, std::string_view kind) const {
  const auto version = preferred_.find(std::pair{std::string(group), std::string(kind)});
  return version == preferred_.end() ? nullptr : find({std::string(group), version->second, std::string(kind)});
}

void Catalogue::add(Resource resource) {
  if (resource.plural.empty() || resource.what.kind.empty()) return;
  preferred_.try_emplace({resource.what.group, resource.what.kind}, resource.what.version);
  const GroupVersionKind key = resource.what;
  all_.try_emplace(key, std::move(resource));
}

void Catalogue::add_broken(BrokenGroup broken) { broken_.push_back(std::move(broken)); }

bool Catalogue::add_aggregated(const json::value& answer) {
  if (text_at(answer, "kind") != "APIGroupDiscoveryList") return false;
  for (const json::value& group : list_at(answer, "items")) {
    const std::string name{text_at(group, "metadata.name")};
    for (const json::value& version : list_at(group, "versions")) {
      const std::string which{text_at(version, "version")};
      if (text_at(version, "freshness") == "Stale") add_broken({name, which, "its server does not answer"});
      for (const json::value& resource : list_at(version, "resources")) add(aggregated(resource, name, which));
    }
  }
  return true;
}

void Catalogue::add_resources(std::string_view group, std::string_view version, const json::value& answer) {
  std::set<std::string> with_status;
  for (const json::value& resource : list_at(answer, "resources"))
    if (const std::string name{text_at(resource, "name")}; name.ends_with("/status"))
      with_status.insert(name.substr(0, name.find('/')));
  for (const json::value& resource : list_at(answer, "resources")) {
    const std::string name{text_at(resource, "name")};
    if (name.find('/') != std::string::npos) continue;
    add({.what = {std::string(group), std::string(version), std::string(text_at(resource, "kind"))},
         .plural = name,
         .namespaced = true_at(resource, "namespaced"),
         .verbs = texts_at(resource, "verbs"),
         .has_status = with_status.contains(name)});
  }
}

std::vector<GroupVersion> versions_of(const json::value& answer) {
  std::vector<GroupVersion> all;
  if (text_at(answer, "kind") == "APIVersions")
    for (const json::value& version : list_at(answer, "versions"))
      if (const auto* text = version.if_string()) all.push_back({"", std::string(*text)});
  for (const json::value& group : list_at(answer, "groups")) {
    const std::string name{text_at(group, "name")}, preferred{text_at(group, "preferredVersion.version")};
    if (!preferred.empty()) all.push_back({name, preferred});
    for (const json::value& version : list_at(group, "versions"))
      if (const std::string which{text_at(version, "version")}; which != preferred) all.push_back({name, which});
  }
  return all;
}

}  // namespace harmony::k8s
