#include "k8s/object.hpp"

#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <boost/json/parse_options.hpp>

#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

std::string lower(std::string_view text) {
  std::string made{text};
  for (char& c : made)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return made;
}

/// Where the library can, numbers are read exactly; Boost before 1.82 may miss the last bit of a fraction.
template <class Options>
Options strict() {
  Options options;
  options.max_depth = deepest_json;
  if constexpr (requires { options.numbers; })
    options.numbers = static_cast<decltype(options.numbers)>(1);  // number_precision::precise
  return options;
}

}  // namespace

std::string GroupVersionKind::api_version() const { return group.empty() ? version : group + "/" + version; }
std::string GroupVersionKind::text() const { return fmt::format("{} ({})", kind, api_version()); }

std::string ObjectReference::text() const {
  return space.empty() ? fmt::format("{}/{}", lower(what.kind), name)
                       : fmt::format("{}/{}/{}", lower(what.kind), space, name);
}

GroupVersionKind kind_of(std::string_view api_version, std::string_view kind) {
  const auto slash = api_version.find('/');
  if (slash == std::string_view::npos) return {"", std::string(api_version), std::string(kind)};
  return {std::string(api_version.substr(0, slash)), std::string(api_version.substr(slash + 1)), std::string(kind)};
}

GroupVersionKind kind_of(const json::value& object) {
  return kind_of(text_at(object, "apiVersion"), text_at(object, "kind"));
}

ObjectReference reference_of(const json::value& object) {
  return {kind_of(object), std::string(text_at(object, "metadata.namespace")), std::string(name_of(object))};
}

std::optional<json::value> parse_json(std::string_view text, std::string* why) {
  boost::system::error_code error;
  json::value value = json::parse(text, error, {}, strict<json::parse_options>());
  if (!error) return value;
  if (why) *why = error.message();
  return std::nullopt;
}

}  // namespace harmony::k8s
