#pragma once
/// Reading JSON that a server sent: what is not there, or is of another type than expected, is nothing.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

namespace harmony::k8s {

/// By field names with dots between: "status.observedGeneration". Not for names that have dots themselves.
/// @returns nothing where a step is missing.
const boost::json::value* find(const boost::json::value&, std::string_view path);
/// By one name, dots and all: a label's, an annotation's.
const boost::json::value* member(const boost::json::value&, std::string_view name);
const boost::json::value* member(const boost::json::value*, std::string_view name);

/// Empty where it is no text.
std::string_view text_at(const boost::json::value&, std::string_view path);
std::optional<std::int64_t> number_at(const boost::json::value&, std::string_view path);
bool true_at(const boost::json::value&, std::string_view path);
/// Empty where it is no list.
const boost::json::array& list_at(const boost::json::value&, std::string_view path);
const boost::json::object& object_at(const boost::json::value&, std::string_view path);

/// For writing: the object under this name, made where there is none.
boost::json::object& child(boost::json::object& of, std::string_view name);

std::string_view name_of(const boost::json::value& object);
/// Empty where it has none of that name.
std::string_view label_of(const boost::json::value& object, std::string_view label);
std::string_view annotation_of(const boost::json::value& object, std::string_view annotation);
/// "apps" of apps/v1, nothing of v1.
std::string_view group_of(const boost::json::value& object);
/// "apps/Deployment", "Service": what rules are kept by.
std::string group_kind(const boost::json::value& object);
/// True for a kind that is compiled into the API server: its schema is known, and the server drops empty values.
bool built_in(const boost::json::value& object);

}  // namespace harmony::k8s
