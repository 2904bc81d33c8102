#include "diagnostic.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "explain.hpp"
#include "source_place.hpp"
#include "text.hpp"

namespace harmony::cli {
namespace {

bool same(const Diagnostic& one, const Diagnostic& other) {
  const auto line = [](const Diagnostic& error) { return error.trail.empty() ? 0U : error.trail.back().at.line(); };
  return one.code == other.code && one.message == other.message && one.subject == other.subject &&
         line(one) == line(other);
}

class Renderer {
 public:
  explicit Renderer(const DiagnosticStyle& how) : style_(how.style), how_(how) {}

  std::string error(const Diagnostic& error) {
    text_ = style_.bold_red(fmt::format("error[{}]", error.code)) + style_.bold(": " + line(error.message)) + "\n";
    if (!error.trail.empty() && error.trail.back().at.line() != 0) source(error);
    if (!error.trail.empty()) fact("in", in(error.trail));
    for (const auto& [key, value] : error.facts) fact(line(key), value);
    if (!error.subject.empty() && error.message.find(error.subject) == std::string::npos && error.facts.empty())
      fact("subject", error.subject);
    for (const std::string& log : error.log) fact("log", log);
    for (const std::string& note : error.notes) text_ += style_.bold("note") + ": " + line(note) + "\n";
    if (!error.help.empty()) text_ += style_.bold(style_.cyan("help")) + ": " + line(error.help) + "\n";
    return std::move(text_);
  }

 private:
  std::string line(std::string_view text) const {
    return printable_line(how_.redact ? how_.redact(text) : std::string(text));
  }

  static std::string in(const std::vector<Frame>& trail) {
    std::vector<std::string> names;
    for (const Frame& frame : trail) names.push_back(frame.name);
    return fmt::format("{}", fmt::join(names, " > "));
  }

  void fact(std::string_view key, std::string_view value) {
    text_ += fmt::format("{}{} {}: {}\n", gutter(), style_.blue("="), key, line(value));
  }

  std::string gutter() const { return std::string(digits_ + 1, ' '); }

  void source(const Diagnostic& error) {
    const SourcePlace at = place_of(error.trail.back().at);
    const std::string number = std::to_string(at.line);
    digits_ = std::max<std::size_t>(2, number.size());
    text_ += fmt::format("{}{} {}:{}:{}\n", std::string(digits_, ' '), style_.blue("-->"), at.file, at.line, at.column);
    if (!at.code) return;
    // The column counts bytes; what stands before it may be wide, or a tab that is shown as two spaces.
    const std::size_t before = at.column > 0 ? std::min<std::size_t>(at.column - 1, at.code->size()) : 0;
    const std::size_t columns = width_of(printable_line(std::string_view(*at.code).substr(0, before)));
    const std::string label = error.label.empty() ? "run here" : line(error.label);
    text_ += fmt::format("{}{}\n", gutter(), style_.blue("|"));
    text_ += fmt::format("{} {} {}\n", style_.blue(fmt::format("{:>{}}", number, digits_)), style_.blue("|"),
                         printable_line(*at.code));
    text_ += fmt::format("{}{} {}{}\n", gutter(), style_.blue("|"), std::string(columns, ' '),
                         style_.bold_red("^ " + label));
  }

  const Style style_;
  const DiagnosticStyle& how_;
  std::size_t digits_ = 2;
  std::string text_;
};

}  // namespace

Diagnostic redacted(Diagnostic error, const Redact& redact) {
  const auto clean = [&](std::string& text) { text = redact(text); };
  for (std::string* text : {&error.message, &error.subject, &error.label, &error.help}) clean(*text);
  for (auto& [key, value] : error.facts) clean(key), clean(value);
  for (std::string& line : error.log) clean(line);
  for (std::string& note : error.notes) clean(note);
  for (Frame& frame : error.trail) clean(frame.name);
  return error;
}

std::vector<Diagnostic> distinct(const std::vector<Diagnostic>& errors) {
  std::vector<Diagnostic> once;
  for (const Diagnostic& error : errors)
    if (std::ranges::none_of(once, [&](const Diagnostic& before) { return same(before, error); }))
      once.push_back(error);
  return once;
}

std::string render(const std::vector<Diagnostic>& errors, const DiagnosticStyle& how) {
  std::string text;
  std::vector<std::string> codes;
  for (const Diagnostic& error : distinct(errors)) {
    if (!text.empty()) text += '\n';
    text += Renderer{how}.error(error);
    if (find_page(error.code) && std::ranges::find(codes, error.code) == codes.end()) codes.push_back(error.code);
  }
  if (codes.empty()) return text;
  std::vector<std::string> commands;
  for (const std::string& code : codes) commands.push_back(fmt::format("{} explain {}", shell_word(how.program), code));
  return text + fmt::format("for the long story: {}\n", fmt::join(commands, ", "));
}

}  // namespace harmony::cli
