#include "help.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "exit_code.hpp"
#include "text.hpp"

namespace harmony::cli {
namespace {

/// What it is written on. No columns: lines are as long as they are.
struct Paper {
  Style style;
  std::size_t columns = 0;
};

/// The lines after the first begin under it.
std::string hung(std::string_view text, std::size_t indent) {
  std::string all;
  for (const std::string_view line : lines_of_text(text))
    all += (all.empty() ? "" : "\n" + std::string(indent, ' ')) + std::string(line);
  return all;
}

/// A block of names and what they mean, the second column aligned.
class Table {
 public:
  void add(std::string_view name, std::string_view help) { rows_.emplace_back(name, help); }
  std::string text(const Paper& paper, std::string_view title) const {
    if (rows_.empty()) return {};
    std::size_t width = 0;
    for (const auto& [name, help] : rows_) width = std::max(width, width_of(name));
    std::string all = fmt::format("\n{}\n", paper.style.bold(title));
    constexpr std::size_t narrowest = 24;
    const std::size_t indent = width + 4, room = paper.columns > indent ? paper.columns - indent : 0;
    for (const auto& [name, help] : rows_)
      all += help.empty() ? fmt::format("  {}\n", name)
                          : fmt::format("  {}  {}\n", padded(name, width),
                                        room < narrowest ? help : hung(folded(help, room), indent));
    return all;
  }

 private:
  std::vector<std::pair<std::string, std::string>> rows_;
};

std::string default_text(const std::string& value) {
  return value.empty() ? std::string{} : fmt::format(" [{}]", printable_line(value));
}

void add_option(Table& table, const OptionInfo& option) {
  std::string name =
      option.letter ? fmt::format("-{}, --{}", option.letter, option.name) : fmt::format("    --{}", option.name);
  if (!option.value.empty()) name += " " + option.value;
  std::string help = option.help;
  if (option.complete == Complete::topologies) help += fmt::format(": {}", fmt::join(option.choices, ", "));
  if (!option.topologies.empty()) help += fmt::format(" (on {})", fmt::join(option.topologies, ", "));
  help += default_text(option.default_text);
  table.add(std::move(name), std::move(help));
}

std::string fields_text(const Application& application, const Paper& paper) {
  Table fields;
  for (const Field& field : application.fields)
    fields.add(field.name,
               fmt::format("{}: {}{}", field.help, type_text(field), default_text(value_text(field.get()))));
  return fields.text(paper, "Fields (--set FIELD=VALUE, or in the JSON object of --config)");
}

std::string overview(const Application& application, const OptionTable& table, const std::string& program,
                     const Paper& paper) {
  std::string text =
      fmt::format("Deploys `{}`: the wanted state as typed Scores, previewed exactly, proved by smoke tests.\n",
                  printable_line(application.name()));
  Table examples, verbs, options;
  if (application.plans) examples.add(program + " plan", "what would change");
  examples.add(program + " deploy", "make it so");
  examples.add(program + " status", "how it is");
  for (const VerbInfo& verb : table.verbs)
    verbs.add(verb.argument.empty() ? verb.name : verb.name + " " + verb.argument, verb.help);
  for (const OptionInfo& option : table.options)
    if (option.verbs.empty() || option.verbs.size() >= 5 || option.repeatable) add_option(options, option);
  text +=
      examples.text(paper, "Examples") + fmt::format("\n{}\n  {} VERB [OPTIONS]\n", paper.style.bold("Usage"), program);
  text += verbs.text(paper, "Verbs") + options.text(paper, "Options of most verbs") + fields_text(application, paper);
  return text + fmt::format("\n`{0} help VERB` shows the rest, `{0} help exit-codes` what a code means.\n", program);
}

std::string verb_help(const Application& application, const OptionTable& table, const std::string& program,
                      const VerbInfo& verb, const Paper& paper) {
  std::string text = verb.help + ".\n";
  Table examples, own, shared;
  for (std::string example : verb.examples) {
    if (const auto at = example.find("PROGRAM"); at != std::string::npos)
      example.replace(at, 7, program.substr(program.rfind('/') + 1));
    examples.add(program + " " + example, {});
  }
  for (const OptionInfo& option : table.options) {
    if (!OptionTable::belongs(option, verb)) continue;
    add_option(option.verbs.empty() || option.verbs.size() >= 5 ? shared : own, option);
  }
  text +=
      examples.text(paper, "Examples") + fmt::format("\n{}\n  {} {} {}[OPTIONS]\n", paper.style.bold("Usage"), program,
                                                     verb.name, verb.argument.empty() ? "" : verb.argument + " ");
  if (!verb.choices.empty()) text += fmt::format("  {}: {}\n", verb.argument, fmt::join(verb.choices, ", "));
  text += own.text(paper, fmt::format("Options of {}", verb.name)) + shared.text(paper, "Options of most verbs");
  return verb.touches_deployment ? text + fields_text(application, paper) : text;
}

std::string environment_help(const Paper& paper) {
  Table table;
  table.add("HARMONY_COLOR", "always or never; --color wins");
  table.add("NO_COLOR", "not empty: no colour");
  table.add("CLICOLOR_FORCE, FORCE_COLOR", "not empty and not 0: colour where there is no terminal");
  table.add("CLICOLOR", "0: no colour");
  table.add("TERM", "not set or `dumb`: no colour, nothing moves");
  table.add("CI", "not empty, 0 or false (or another sign of a known CI): nothing is asked, nothing moves, no hints");
  table.add("COLUMNS, LINES", "the size to use where the terminal does not tell it");
  table.add("XDG_STATE_HOME, HOME", "where the topology `local` keeps its state, as a normal user");
  return table.text(paper, "Environment");
}

}  // namespace

std::string help_text(const Application& application, const OptionTable& table, const std::string& program,
                      const std::string& topic, Style style, std::size_t columns) {
  const Paper paper{style, columns};
  if (topic == "environment") return environment_help(paper).substr(1);
  if (topic == "exit-codes") {
    Table codes;
    for (const ExitCodeText& row : exit_code_table()) codes.add(std::to_string(row.code), row.text);
    return codes.text(paper, "Exit codes").substr(1);
  }
  const VerbInfo* verb = table.verb(topic);
  return folded(
      verb ? verb_help(application, table, program, *verb, paper) : overview(application, table, program, paper),
      columns);
}

}  // namespace harmony::cli
