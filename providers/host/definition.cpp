#include "host/definition.hpp"

#include <charconv>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "host/command.hpp"
#include "host/hash.hpp"
#include "host/names.hpp"
#include "host/text.hpp"

namespace harmony::host {

namespace json = boost::json;

namespace {

constexpr std::string_view marker = "# definition ";

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void require_no_nul(const std::string& process, const std::string& text) {
  if (text.find('\0') == std::string::npos) return;
  throw Error({.code = "H0105",
               .category = Category::usage,
               .message = fmt::format("process `{}` is given a text with a zero byte in it", process),
               .subject = "process/" + process,
               .help = "no argument and no environment variable can hold one"});
}

}  // namespace

std::string Definition::id() const { return sha256(json()).substr(0, 16); }

std::string Definition::json() const {
  json::object all;
  for (const auto& [path, value] : fields) all[path] = value;
  json::array words;
  for (const std::string& word : command) words.emplace_back(word);
  return json::serialize(json::object{{"command", std::move(words)}, {"fields", std::move(all)}});
}

std::optional<Definition> Definition::parse(std::string_view text) {
  boost::system::error_code wrong;
  const json::value whole = json::parse(json::string_view(text.data(), text.size()), wrong);
  if (wrong || !whole.is_object()) return std::nullopt;
  const json::value* words = whole.get_object().if_contains("command");
  const json::value* all = whole.get_object().if_contains("fields");
  if (!words || !words->is_array() || !all || !all->is_object()) return std::nullopt;
  Definition definition;
  for (const json::value& word : words->get_array()) {
    if (!word.is_string()) return std::nullopt;
    definition.command.emplace_back(word.get_string());
  }
  for (const auto& [path, value] : all->get_object()) {
    if (!value.is_string()) return std::nullopt;
    definition.fields.emplace(path, value.get_string());
  }
  return definition;
}

std::string Definition::field(const std::string& path) const {
  const auto found = fields.find(path);
  return found == fields.end() ? std::string{} : found->second;
}

std::optional<Endpoint> Definition::listens() const { return parse_endpoint(field("listens")); }

std::optional<Endpoint> parse_endpoint(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  const auto port = number(std::string_view(text).substr(colon + 1));
  if (!port) return std::nullopt;
  return Endpoint{text.substr(0, colon), *port};
}

namespace {

/// Compared by its fingerprint alone.
void add_fingerprint(WantedProcess& to, const Scope& at, const std::string& field, const Content& content,
                     PrimitiveKey key) {
  const Rendered value = rendered(at, content, key);
  if (value.pending()) to.pending.insert(field);
  to.definition.fields[field] = value.pending() ? known_after(value.because) : at.fingerprinter().of(value.text());
}

}  // namespace

WantedProcess wanted(const Scope& at, const Process& process, const std::string& user, PrimitiveKey key) {
  WantedProcess made{.definition = {.command = process.command, .fields = {{"command", command_line(process.command)}}},
                     .environment = {}};
  auto& fields = made.definition.fields;
  for (const std::string& word : process.command) require_no_nul(process.name, word);
  if (!user.empty()) fields["user"] = user;
  if (process.listens) fields["listens"] = process.listens->text();
  if (!process.ready_path.empty()) fields[ready_path_field] = process.ready_path;
  if (!process.configuration.empty()) add_fingerprint(made, at, "configuration", process.configuration, key);
  for (const auto& [variable, identity] : process.identities)
    add_fingerprint(made, at, "data behind " + variable, identity, key);
  if (!process.executable_hash.empty()) fields["executable"] = process.executable_hash;
  if (process.stop_signal) fields["stop signal"] = signal_name(*process.stop_signal);
  for (const auto& [variable, content] : process.environment) {
    require_variable(process.name, variable);
    Rendered value = rendered(at, content, key);
    for (const auto& piece : value.pieces)
      if (piece) require_no_nul(process.name, *piece);
    const std::string field = "environment." + variable;
    fields[field] = value.shown;
    if (value.pending()) made.pending.insert(field);
    made.environment.emplace(variable, std::move(value));
  }
  return made;
}

std::string start_script(const WantedProcess& process, const std::filesystem::path& working_folder) {
  std::string script;
  if (!process.environment.contains("HOME"))
    script += fmt::format("export HOME={}\n", shell_word(working_folder.string()));
  for (const auto& [variable, value] : process.environment)
    script += fmt::format("export {}={}\n", variable, shell_word(value.text()));
  script += "exec";
  for (const std::string& word : process.definition.command) script += " " + shell_word(word);
  return script + "\n";
}

std::string RunScript::text() const {
  std::string script = fmt::format("#!/bin/sh\n{}{}\nexec 2>&1\numask 077\n", marker, id);
  script += fmt::format("printf '%s %s\\n' {} \"$$\" >started || exit 111\n", id);
  script += mark;
  script += fmt::format("cd {} || exit 111\nexec", shell_word(working_folder.string()));
  for (const std::string& word : as_user) script += " " + shell_word(word);
  return script + fmt::format(" /bin/sh {}\n", shell_word(start.string()));
}

std::string definition_id(std::string_view run_script) {
  const auto at = run_script.find(marker);
  if (at == std::string_view::npos) return {};
  const auto rest = run_script.substr(at + marker.size());
  return std::string(rest.substr(0, rest.find('\n')));
}

std::optional<Started> parse_started(std::string_view text) {
  const auto space = text.find(' ');
  if (space == std::string_view::npos || text.empty() || text.back() != '\n') return std::nullopt;
  const auto pid = number(text.substr(space + 1, text.size() - space - 2));
  if (!pid) return std::nullopt;
  return Started{std::string(text.substr(0, space)), *pid};
}

}  // namespace harmony::host
