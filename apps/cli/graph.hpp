#pragma once
/// The tree of Scores as text, for Graphviz, or drawn.
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "diagnostic.hpp"
#include "timeline.hpp"

namespace harmony::cli {

struct GraphNode {
  std::string label, name;           ///< of the Score
  std::vector<std::string> steps;    ///< "database server guestbook-db"
  std::vector<GraphNode> children;
};

/// The tree of the last rehearsal in `spans`.
GraphNode graph_of(const std::vector<Span>& spans);

std::string graph_text(const GraphNode&, Style, const Redact&);
std::string graph_dot(const GraphNode&, const Redact&);
std::string graph_svg(const GraphNode&, const Redact&);
boost::json::object graph_json(const GraphNode&);

/// Text for HTML, SVG: & < > " ' escaped, nothing harmful in it.
std::string escaped(std::string_view);

}  // namespace harmony::cli
