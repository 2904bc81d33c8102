#pragma once
/// Objects of the Kubernetes API as JSON, and how they are named. No generated models: a kind is data.
#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace harmony::k8s {

struct GroupVersionKind {
  std::string group;                   ///< empty: the core group
  std::string version;                 ///< "v1"
  std::string kind;                    ///< "Deployment"
  auto operator<=>(const GroupVersionKind&) const = default;
  std::string api_version() const;     ///< "apps/v1"; "v1" in the core group
  std::string text() const;            ///< "Deployment (apps/v1)"
};

struct ObjectReference {
  GroupVersionKind what;
  std::string space = {};              ///< its namespace; empty where the kind has none
  std::string name;
  auto operator<=>(const ObjectReference&) const = default;
  std::string text() const;            ///< "deployment/shop/guestbook"
};

/// "apps/v1" and "Deployment"
GroupVersionKind kind_of(std::string_view api_version, std::string_view kind);
/// What an object says of itself; empty parts where it says nothing.
GroupVersionKind kind_of(const boost::json::value& object);
ObjectReference reference_of(const boost::json::value& object);

/// Objects nest deeper than Boost.JSON allows by itself (CustomResourceDefinitions: 37 levels), but not without end.
constexpr std::size_t deepest_json = 128;
/// @param why gets the reason where it is no JSON.
std::optional<boost::json::value> parse_json(std::string_view, std::string* why = nullptr);

}  // namespace harmony::k8s
