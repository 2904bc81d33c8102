#include "arguments.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include "did_you_mean.hpp"
#include "field.hpp"
#include "text.hpp"

namespace harmony::cli {
namespace {

Error usage(std::string code, std::string message, std::string help) {
  return Error(
      {.code = std::move(code), .category = Category::usage, .message = std::move(message), .help = std::move(help)});
}

std::string flag_names(const OptionInfo& option) {
  return option.letter ? fmt::format("-{},--{}", option.letter, option.name) : "--" + option.name;
}

Error unknown_option(const OptionTable& table, std::string_view text) {
  const std::string word{text.substr(0, text.find('='))};
  std::vector<std::string> known;
  for (const OptionInfo& option : table.options) known.push_back("--" + option.name);
  const auto near = did_you_mean(word, known);
  return usage(
      "H0503", fmt::format("unknown option `{}`", printable_line(word)),
      near && word.starts_with("--") ? fmt::format("did you mean `{}`?", *near) : "`--help` lists the options");
}

bool is_option(std::string_view word) { return word.size() > 1 && word.front() == '-'; }

/// Of "-o", "-ojson" or "-qo": flags may stand before the option that takes a value.
std::pair<const OptionInfo*, std::optional<std::string_view>> letter_in(const OptionTable& table,
                                                                        std::string_view letters) {
  const OptionInfo* option = table.option(letters.front());
  const std::string_view rest = letters.substr(1);
  if (option && option->value.empty() && !rest.empty()) return letter_in(table, rest);
  return {option, rest.empty() ? std::nullopt : std::optional(rest)};
}

/// The option of a word, and its value where "--output=json" has it in itself.
std::pair<const OptionInfo*, std::optional<std::string_view>> option_in(const OptionTable& table,
                                                                        std::string_view word) {
  if (!word.starts_with("--")) return letter_in(table, word.substr(1));
  const auto equals = word.find('=');
  const OptionInfo* option = table.option(word.substr(2, equals == word.npos ? word.npos : equals - 2));
  return {option, equals == word.npos ? std::nullopt : std::optional(word.substr(equals + 1))};
}

/// The verb is the first word that is neither an option nor an option's value; CLI11 leaves both in `remaining`.
void take_words(const OptionTable& table, std::vector<std::string> remaining, Arguments& found) {
  for (std::string& word : remaining) {
    if (is_option(word)) throw unknown_option(table, word);
    if (found.verb.empty()) found.verb = std::move(word);
    else found.positional.push_back(std::move(word));
  }
}

void check_choice(const OptionInfo& option, const std::string& value) {
  if (std::ranges::find(option.choices, value) != option.choices.end()) return;
  if (option.complete == Complete::topologies)
    throw usage("H0505", fmt::format("unknown topology `{}`", printable_line(value)),
                suggestion(value, option.choices));
  throw usage("H0504", fmt::format("`{}` is no value for `--{}`", printable_line(value), option.name),
              suggestion(value, option.choices));
}

void check_option(const OptionInfo& option, const VerbInfo& verb, const Arguments& arguments) {
  if (!OptionTable::belongs(option, verb))
    throw usage("H0503", fmt::format("`{}` has no option `--{}`", verb.name, option.name),
                fmt::format("it belongs to: {}", fmt::join(option.verbs, ", ")));
  if (!option.repeatable && !option.value.empty() && arguments.all(option.name).size() > 1)
    throw usage("H0512", fmt::format("`--{}` is given twice", option.name), "give it once");
  if (!option.choices.empty())
    for (const std::string& value : arguments.all(option.name)) check_choice(option, value);
  if (!option.value.empty() && !option.repeatable && arguments.value(option.name).empty())
    throw usage("H0504", fmt::format("`--{}` has an empty value", option.name),
                fmt::format("it wants {}", option.value));
}

void check_words(const Arguments& arguments, const VerbInfo& verb) {
  const std::size_t allowed = verb.argument.empty() ? 0 : 1;
  if (arguments.positional.size() > allowed)
    throw usage("H0509", fmt::format("unexpected argument `{}`", printable_line(arguments.positional[allowed])),
                fmt::format("{1}`{0} --help` shows what `{0}` takes", verb.name,
                            verb.name == "deploy" ? "a saved plan is named by --plan FILE; " : ""));
  if (verb.required() && arguments.positional.empty())
    throw usage("H0509", fmt::format("`{}` needs an argument: {}", verb.name, verb.argument),
                verb.choices.empty() ? std::string{} : fmt::format("choose one of: {}", fmt::join(verb.choices, ", ")));
  if (!verb.choices.empty() && !arguments.positional.empty() &&
      std::ranges::find(verb.choices, arguments.positional.front()) == verb.choices.end())
    throw usage("H0509", fmt::format("`{}` knows no `{}`", verb.name, printable_line(arguments.positional.front())),
                suggestion(arguments.positional.front(), verb.choices));
}

/// What would be given for nothing is refused rather than passed over: somebody waits for it.
void check_exports(const Arguments& arguments) {
  if (arguments.has("metrics-linger") && !arguments.has("metrics-listen"))
    throw usage("H0512", "`--metrics-linger` without `--metrics-listen` has nothing to wait for",
                "say where metrics are served: --metrics-listen ADDRESS:PORT");
  if (!arguments.has("dry-run")) return;
  for (const char* option : {"metrics-listen", "metrics-linger", "metrics-textfile", "push-gateway", "trace"})
    if (arguments.has(option))
      throw usage("H0512",
                  fmt::format("`--dry-run` and `--{}` contradict each other: a dry run exports nothing", option),
                  "take one of the two away");
}

void check_together(const Arguments& arguments) {
  if (arguments.json() && arguments.value("events") == "-")
    throw usage("H0512", "`-o json` and `--events -` both want standard output",
                "write the events to a file: --events FILE");
  if (arguments.has("quiet") && arguments.has("verbose"))
    throw usage("H0512", "`--quiet` and `--verbose` contradict each other", "take one of the two away");
  check_exports(arguments);
}

}  // namespace

std::string Arguments::value(const std::string& option, std::string otherwise) const {
  return maybe(option).value_or(std::move(otherwise));
}

std::optional<std::string> Arguments::maybe(const std::string& option) const {
  const auto found = given.find(option);
  return found == given.end() || found->second.empty() ? std::nullopt : std::optional(found->second.back());
}

std::vector<std::string> Arguments::all(const std::string& option) const {
  const auto found = given.find(option);
  return found == given.end() ? std::vector<std::string>{} : found->second;
}

std::chrono::milliseconds Arguments::duration(const std::string& option, std::chrono::milliseconds otherwise) const {
  const auto text = maybe(option);
  if (!text) return otherwise;
  const bool plain = text->find_first_not_of("0123456789.") == std::string::npos;  // seconds, where no unit is given
  try {
    const Field field{.name = option, .help = {}, .kind = Field::Kind::duration, .unit = std::chrono::milliseconds{1}};
    return std::chrono::duration_cast<std::chrono::milliseconds>(
        std::get<std::chrono::nanoseconds>(parse_value(field, plain ? *text + "s" : *text)));
  } catch (const Error&) {
    throw usage("H0504", fmt::format("`{}` is no value for `--{}`", printable_line(*text), option),
                "it wants a duration such as 500ms, 15s, 2m");
  }
}

std::size_t Arguments::number(const std::string& option, std::size_t otherwise, std::size_t highest) const {
  const auto text = maybe(option);
  if (!text) return otherwise;
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size() || value > highest)
    throw usage("H0504", fmt::format("`{}` is no value for `--{}`", printable_line(*text), option),
                fmt::format("it wants a whole number from 0 to {}", highest));
  return value;
}

Automatic Arguments::color() const {
  const std::string when = value("color");
  return when == "always" ? Automatic::always : when == "never" ? Automatic::never : Automatic::automatic;
}

ProgressMode Arguments::progress() const {
  const std::string mode = value("progress");
  if (has("quiet") || mode == "quiet") return ProgressMode::quiet;
  return mode == "tty" ? ProgressMode::tty : mode == "plain" ? ProgressMode::plain : ProgressMode::automatic;
}

std::string named_topology(const Arguments& arguments, const OptionTable& table) {
  if (arguments.has("on")) return arguments.value("on");
  for (const auto& [name, values] : arguments.given)
    if (const OptionInfo* option = table.option(name); option && option->chooses_topology)
      return option->topologies.front();
  return {};
}

std::string chosen_topology(const Arguments& arguments, const OptionTable& table) {
  const std::string named = named_topology(arguments, table);
  return named.empty() ? table.option("on")->default_text : named;
}

Arguments as_far_as_understood(const OptionTable& table, int argc, const char* const* argv) {
  Arguments found;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (!is_option(word)) {
      if (found.verb.empty()) found.verb = word;
      continue;
    }
    const auto [option, value] = option_in(table, word);
    if (!option || option->value.empty()) continue;
    if (value) found.given[option->name].emplace_back(*value);
    else if (i + 1 < argc) found.given[option->name].emplace_back(argv[++i]);
  }
  return found;
}

namespace {

std::string value_wanted(const OptionInfo& option) {
  const std::string example = fmt::format("--{} {}", option.name, option.value);
  return option.choices.empty() ? fmt::format("give one: {}", example)
                                : fmt::format("choose one of: {}", fmt::join(option.choices, ", "));
}

/// `--out --quiet` names no file `--quiet`: the value was forgotten.
bool is_known_option(const OptionTable& table, std::string_view word) {
  if (word.starts_with("--")) return table.option(word.substr(2)) != nullptr;
  return word.size() == 2 && word.front() == '-' && table.option(word.back()) != nullptr;
}

void check_value(const OptionTable& table, const OptionInfo& option, std::optional<std::string_view> value,
                 const char* next) {
  if (value && value->empty())  // as an unset shell variable leaves it; CLI11 takes the next word then
    throw usage("H0504", fmt::format("`--{}` has an empty value", option.name),
                "give a value, or leave the option out");
  if (value) return;
  if (!next) throw usage("H0504", fmt::format("`--{}` has no value", option.name), value_wanted(option));
  if (is_known_option(table, next))
    throw usage("H0504", fmt::format("`--{}` has no value: `{}` is an option", option.name, printable_line(next)),
                fmt::format("{}; if that is its value, write --{}={}", value_wanted(option), option.name,
                            shell_word(printable_line(next))));
}

void check_flag(const OptionInfo& flag, std::string_view value) {
  for (const char* truth : {"true", "false", "yes", "no", "on", "off", "1", "0"})
    if (value == truth) return;
  throw usage("H0504", fmt::format("`--{}` is a flag, and `{}` no value for it", flag.name, printable_line(value)),
              fmt::format("give --{} alone, or leave it out", flag.name));
}

/// What CLI11 would say in words of its own, or take for something else.
void check_form(const OptionTable& table, int argc, const char* const* argv) {
  for (int i = 1; i < argc && std::string_view(argv[i]) != "--"; ++i) {
    if (!is_option(argv[i])) continue;
    const auto [option, value] = option_in(table, argv[i]);
    if (!option) continue;
    if (option->value.empty()) {
      if (value && std::string_view(argv[i]).starts_with("--")) check_flag(*option, *value);
      continue;
    }
    check_value(table, *option, value, i + 1 < argc ? argv[i + 1] : nullptr);
    if (!value) ++i;
  }
}

}  // namespace

Arguments parse(const OptionTable& table, int argc, const char* const* argv) {
  const std::string_view first = argc > 1 ? argv[1] : "";
  if (first == "--version" || first == "-V") {  // as every other program has it
    std::vector<const char*> words{argv, argv + argc};
    words[1] = "version";
    return parse(table, argc, words.data());
  }
  check_form(table, argc, argv);
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  Arguments found;
  std::map<std::string, std::vector<std::string>> values;
  for (const OptionInfo& option : table.options) {
    auto& slot = values[option.name];
    auto* added =
        option.value.empty()
            ? app.add_flag_function(flag_names(option), [&slot](std::int64_t times) { slot.resize(times > 0 ? 1 : 0); })
            : app.add_option(flag_names(option), slot);
    if (!option.value.empty())
      added->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->allow_extra_args(false);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError&) {  // its words are those of a library; what can be told was told by check_form
    throw usage("H0504", "the options cannot be told from their values", "`--help` shows how options are given");
  } catch (const std::logic_error&) {  // what CLI11 2.1 lets out where a flag is given a value that is no number
    throw usage("H0504", "a flag takes no value", "`--help` shows which options take one");
  }
  for (auto& [name, slot] : values)
    if (!slot.empty()) found.given.emplace(name, std::move(slot));
  take_words(table, app.remaining(), found);
  return found;
}

void check(const Arguments& arguments, const OptionTable& table) {
  const VerbInfo* verb = table.verb(arguments.verb);
  if (!verb)
    throw usage("H0502", fmt::format("unknown verb `{}`", printable_line(arguments.verb)),
                suggestion(arguments.verb, table.verb_names()));
  for (const auto& [name, values] : arguments.given) check_option(*table.option(name), *verb, arguments);
  check_words(arguments, *verb);
  check_together(arguments);
  const std::string named = named_topology(arguments, table);
  const std::string on = chosen_topology(arguments, table);
  if (named.empty() && arguments.has("plan")) return;  // the saved plan says where, and is held against the options
  for (const auto& [name, values] : arguments.given) {
    const auto& where = table.option(name)->topologies;
    if (!where.empty() && std::ranges::find(where, on) == where.end())
      throw usage("H0505", fmt::format("topology `{}` has no option `--{}`", on, name),
                  fmt::format("it belongs to: {}", fmt::join(where, ", ")));
  }
}

}  // namespace harmony::cli
