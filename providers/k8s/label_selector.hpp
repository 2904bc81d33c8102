#pragma once
/// A LabelSelector as the API machinery reads it: labels that have to be as they are given, and expressions.
#include <boost/json/fwd.hpp>

namespace harmony::k8s {

/// Pure. An empty selector selects everything. An operator that nobody knows selects nothing.
bool selects(const boost::json::value& selector, const boost::json::object& labels);

}  // namespace harmony::k8s
