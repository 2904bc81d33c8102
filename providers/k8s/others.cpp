#include "k8s/others.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <boost/json.hpp>

#include "k8s/place.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

constexpr std::string_view key_start = "others:";

/// Status moves all the time; which conditions hold decides.
json::array conditions_of(const json::value& object) {
  json::array made;
  for (const json::value& one : list_at(object, "status.conditions"))
    made.push_back({{"type", text_at(one, "type")}, {"status", text_at(one, "status")}});
  return made;
}

json::value decisive(const json::value& object) {
  const auto copy = [&](std::string_view path) {
    const json::value* found = find(object, path);
    return found ? *found : json::value{};
  };
  return {copy("metadata.namespace"),   copy("metadata.name"), copy("metadata.labels"),
          copy("metadata.annotations"), copy("spec"),          conditions_of(object)};
}

}  // namespace

Others read_others(Scope& in, const Place& place, const OthersQuery& query) {
  const auto catalogue = place.client->catalogue(in);
  if (!catalogue->find(query.what)) {
    if (catalogue->is_broken(query.what.group)) (void)place.client->resource(in, query.what);
    return {};
  }
  const Resource resource = place.client->resource(in, query.what);
  Others found{.served = true, .allowed = true};
  try {
    if (query.name.empty()) found.objects = place.client->list(in, resource, {.space = query.space});
    else if (auto one = place.client->get(in, resource, query.space, query.name)) found.objects = {std::move(*one)};
  } catch (const ApiError& error) {
    if (error.not_found()) return {};        // its kind has just gone
    if (error.status().code != 403) throw;
    found.allowed = false;
  }
  std::ranges::sort(found.objects, {}, [](const json::value& one) {
    return std::pair{text_at(one, "metadata.namespace"), text_at(one, "metadata.name")};
  });
  return found;
}

std::string fingerprint_of(const Others& others, const Fingerprinter& fingerprinter) {
  std::string text = fmt::format("{} {}", others.served, others.allowed);
  for (const json::value& object : others.objects) text += "\n" + json::serialize(decisive(object));
  return fingerprinter.of(text);
}

std::string read_key(const OthersQuery& query) {
  return fmt::format("{}{}:{}:{}:{}:{}", key_start, query.what.group, query.what.version, query.what.kind, query.space,
                     query.name);
}

std::optional<OthersQuery> query_of(std::string_view key) {
  if (!key.starts_with(key_start)) return std::nullopt;
  key.remove_prefix(key_start.size());
  std::vector<std::string> parts;
  for (auto colon = key.find(':'); colon != key.npos; colon = key.find(':')) {
    parts.emplace_back(key.substr(0, colon));
    key.remove_prefix(colon + 1);
  }
  if (parts.size() != 4) return std::nullopt;
  return OthersQuery{{parts[0], parts[1], parts[2]}, parts[3], std::string(key)};
}

}  // namespace harmony::k8s
