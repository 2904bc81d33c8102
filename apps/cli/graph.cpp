#include "graph.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "text.hpp"

namespace harmony::cli {
namespace {

std::string title(const GraphNode& node) {
  return node.label == node.name || node.name.empty() ? node.label : node.label + " " + node.name;
}

std::string clean(std::string_view text, const Redact& redact) {
  return printable_line(redact ? redact(text) : std::string(text));
}

GraphNode node_of(const std::vector<Span>& spans, const Span& score) {
  GraphNode node{.label = score.label, .name = score.name, .steps = {}, .children = {}};
  std::vector<const Span*> below;
  for (const Span& span : spans)
    if (span.parent == score.id && span.id != 0) below.push_back(&span);
  std::ranges::sort(below, {}, &Span::id);  // ids grow in program order, whatever started first
  for (const Span* span : below) {
    if (span->kind == Span::Kind::step) node.steps.push_back(span->label + " " + span->name);
    else node.children.push_back(node_of(spans, *span));
  }
  return node;
}

void text_below(const GraphNode& node, const std::string& indent, const Style& style, const Redact& redact,
                std::string& text) {
  for (std::size_t i = 0; i < node.steps.size(); ++i) {
    const bool last = i + 1 == node.steps.size() && node.children.empty();
    text += style.dim(fmt::format("{}{}{}", indent, last ? "└─ " : "├─ ", clean(node.steps[i], redact))) + "\n";
  }
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    const bool last = i + 1 == node.children.size();
    text += indent + (last ? "└─ " : "├─ ") + style.bold(clean(title(node.children[i]), redact)) + "\n";
    text_below(node.children[i], indent + (last ? "   " : "│  "), style, redact, text);
  }
}

std::string dot_string(std::string_view text) {
  std::string made = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') made += '\\';
    made += c;
  }
  return made + "\"";
}

int dot_below(const GraphNode& node, int& next, const Redact& redact, std::string& text) {
  const int self = next++;
  std::string label = clean(title(node), redact);
  std::string lines = dot_string(label);
  lines.pop_back();
  for (const std::string& step : node.steps) {
    const std::string quoted = dot_string(clean(step, redact));
    lines += "\\n" + quoted.substr(1, quoted.size() - 2);
  }
  text += fmt::format("  n{} [label={}\"];\n", self, lines);
  for (const GraphNode& child : node.children) {
    const int below = dot_below(child, next, redact, text);
    text += fmt::format("  n{} -> n{};\n", self, below);
  }
  return self;
}

// ---------------------------------------------------------------- drawing: the tree lies on its side

constexpr double letter = 7.2, line_height = 18, padding = 10, gap_x = 48, gap_y = 14;

struct Box {
  const GraphNode* node;
  double x = 0, y = 0, width = 0, height = 0;
  std::vector<Box> children;
};

Box measured(const GraphNode& node) {
  Box box{.node = &node, .children = {}};
  std::size_t columns = width_of(title(node));
  for (const std::string& step : node.steps) columns = std::max(columns, width_of(step));
  box.width = static_cast<double>(columns) * letter + 2 * padding;
  box.height = static_cast<double>(1 + node.steps.size()) * line_height + 2 * padding - 4;
  for (const GraphNode& child : node.children) box.children.push_back(measured(child));
  return box;
}

void widen(const Box& box, std::size_t depth, std::vector<double>& columns) {
  if (columns.size() <= depth) columns.push_back(0);
  columns[depth] = std::max(columns[depth], box.width);
  for (const Box& child : box.children) widen(child, depth + 1, columns);
}

void move_down(Box& box, double by) {
  box.y += by;
  for (Box& child : box.children) move_down(child, by);
}

/// Leaves stand below each other; a parent stands in the middle of its children. @returns where the next one may begin.
double place(Box& box, std::size_t depth, double top, const std::vector<double>& columns) {
  box.x = padding;
  for (std::size_t i = 0; i < depth; ++i) box.x += columns[i] + gap_x;
  if (box.children.empty()) {
    box.y = top;
    return top + box.height + gap_y;
  }
  double next = top;
  for (Box& child : box.children) next = place(child, depth + 1, next, columns);
  const Box &first = box.children.front(), &last = box.children.back();
  box.y = (first.y + last.y + last.height) / 2 - box.height / 2;
  if (box.y >= top) return std::max(next, box.y + box.height + gap_y);
  const double down = top - box.y;
  box.y = top;
  for (Box& child : box.children) move_down(child, down);
  return std::max(next + down, top + box.height + gap_y);
}

void draw(const Box& box, const Redact& redact, std::string& edges, std::string& boxes, double& right) {
  right = std::max(right, box.x + box.width);
  boxes += fmt::format("<rect x=\"{:.0f}\" y=\"{:.0f}\" width=\"{:.0f}\" height=\"{:.0f}\" rx=\"6\"/>\n", box.x, box.y,
                       box.width, box.height);
  double y = box.y + padding + 11;
  boxes += fmt::format("<text class=\"t\" x=\"{:.0f}\" y=\"{:.0f}\">{}</text>\n", box.x + padding, y,
                       escaped(clean(title(*box.node), redact)));
  for (const std::string& step : box.node->steps)
    boxes += fmt::format("<text class=\"s\" x=\"{:.0f}\" y=\"{:.0f}\">{}</text>\n", box.x + padding, y += line_height,
                         escaped(clean(step, redact)));
  for (const Box& child : box.children) {
    const double x1 = box.x + box.width, y1 = box.y + box.height / 2, x2 = child.x, y2 = child.y + child.height / 2,
                 middle = (x1 + x2) / 2;
    edges += fmt::format("<path d=\"M{:.0f} {:.0f}C{:.0f} {:.0f} {:.0f} {:.0f} {:.0f} {:.0f}\"/>\n", x1, y1, middle, y1,
                         middle, y2, x2, y2);
    draw(child, redact, edges, boxes, right);
  }
}

}  // namespace

GraphNode graph_of(const std::vector<Span>& spans) {
  const auto root = std::find_if(spans.rbegin(), spans.rend(), [](const Span& span) {
    return span.kind == Span::Kind::score && span.parent == 0 && span.rehearsed;
  });
  return root == spans.rend() ? GraphNode{} : node_of(spans, *root);
}

std::string graph_text(const GraphNode& root, Style style, const Redact& redact) {
  std::string text = style.bold(clean(title(root), redact)) + "\n";
  text_below(root, "", style, redact, text);
  return text;
}

std::string graph_dot(const GraphNode& root, const Redact& redact) {
  std::string text = "digraph scores {\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n";
  int next = 0;
  dot_below(root, next, redact, text);
  return text + "}\n";
}

std::string graph_svg(const GraphNode& root, const Redact& redact) {
  Box box = measured(root);
  std::vector<double> columns;
  widen(box, 0, columns);
  const double bottom = place(box, 0, padding, columns);
  std::string edges, boxes;
  double right = 0;
  draw(box, redact, edges, boxes, right);
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} "
      "{1:.0f}\">\n"
      "<title>{2}</title>\n"
      "<style>rect{{fill:#f6f8fa;stroke:#57606a}}path{{fill:none;stroke:#8c959f;stroke-width:1.5}}text{{font:12px "
      "ui-monospace,Menlo,Consolas,monospace;fill:#57606a}}"
      ".t{{font-weight:bold;fill:#1f2328}}@media "
      "(prefers-color-scheme:dark){{rect{{fill:#161b22;stroke:#8b949e}}path{{stroke:#6e7681}}text{{fill:#9198a1}}.t{{"
      "fill:#f0f6fc}}}}</style>\n"
      "{3}{4}</svg>\n",
      right + padding, bottom - gap_y + padding, escaped(clean(title(root), redact)), edges, boxes);
}

boost::json::object graph_json(const GraphNode& node) {
  boost::json::object made{{"kind", node.label}, {"name", node.name}};
  auto& steps = made["steps"].emplace_array();
  for (const std::string& step : node.steps) steps.emplace_back(step);
  auto& children = made["children"].emplace_array();
  for (const GraphNode& child : node.children) children.push_back(graph_json(child));
  return made;
}

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : printable(text)) {
    switch (c) {
      case '&': safe += "&amp;"; break;
      case '<': safe += "&lt;"; break;
      case '>': safe += "&gt;"; break;
      case '"': safe += "&quot;"; break;
      case '\'': safe += "&#39;"; break;
      default: safe += c;
    }
  }
  return safe;
}

}  // namespace harmony::cli
