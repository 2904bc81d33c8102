#pragma once
/// Which lists are maps in disguise: their items are told apart by some of their fields, not by their place.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

namespace harmony::k8s {

/// How the API server merges a list of a built-in kind.
struct ListShape {
  enum class Kind { atomic, keyed, set };
  Kind kind = Kind::atomic;
  std::vector<std::string_view> keys = {};
  bool whole_items = false;  ///< an item has one owner; else each of its fields has
};

/// Of the list at `field` ("containers") of a built-in kind ("apps/Deployment"). What is not known is atomic.
ListShape shape_of(std::string_view group_kind, std::string_view field, const boost::json::array& items);

/// What a key field is where the item does not say it: the schema's default. Empty: there is none.
std::string_view default_of_key(std::string_view key);

/// How to pair the items of two lists for people: by their keys, else by a name that all of them have and none twice.
/// Empty: by place.
std::vector<std::string_view> keys_to_show(std::string_view group_kind, std::string_view field,
                                           const boost::json::array& before, const boost::json::array& after);

/// The canonical key of an item: `{"containerPort":8080,"protocol":"TCP"}`. Nothing where a field is missing and has
/// no default.
std::optional<std::string> key_of(const boost::json::value& item, const std::vector<std::string_view>& keys);

}  // namespace harmony::k8s
