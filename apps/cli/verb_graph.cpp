#include <boost/json.hpp>

#include "graph.hpp"
#include "json_text.hpp"
#include "session.hpp"

namespace harmony::cli {

int graph_verb(Session& session) {
  const Plan plan = session.engine->rehearse();
  session.finish_progress();
  const GraphNode root = graph_of(session.timeline.spans());
  session.print_errors(plan.errors);
  const int code = session.exit_code(plan.errors);
  const std::string format = session.arguments.value("format", "text");
  if (session.json()) session.print_json({{"graph", graph_json(root)}, {"errors", to_json(plan.errors)}}, code);
  else if (root.label.empty()) return code;  // it came to no Score
  else if (format == "dot") session.print(graph_dot(root, session.redact()));
  else if (format == "svg") session.print(graph_svg(root, session.redact()));
  else session.print(graph_text(root, session.in.result_style(), session.redact()));
  return code;
}

}  // namespace harmony::cli
