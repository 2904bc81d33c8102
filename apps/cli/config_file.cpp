#include "config_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "did_you_mean.hpp"
#include "text.hpp"

namespace harmony::cli {
namespace {

namespace json = boost::json;

struct Place {
  std::size_t line = 1, column = 1;
};

Place place_of(std::string_view text, std::size_t offset) {
  Place place;
  for (const char c : text.substr(0, offset)) {
    if (c == '\n') place = {place.line + 1, 1};
    else ++place.column;
  }
  return place;
}

/// Where each key of the outer object begins. The text is known to be a JSON object.
std::vector<std::pair<std::string, std::size_t>> keys_of(std::string_view text) {
  std::vector<std::pair<std::string, std::size_t>> keys;
  int depth = 0;
  bool expects_key = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '{' || c == '[') expects_key = ++depth == 1;
    else if (c == '}' || c == ']') --depth;
    else if (c == ',' && depth == 1) expects_key = true;
    else if (c == '"') {
      const std::size_t begin = at;
      for (++at; text[at] != '"'; ++at)
        if (text[at] == '\\') ++at;
      if (std::exchange(expects_key, false))
        keys.emplace_back(std::string(json::parse(text.substr(begin, at - begin + 1)).as_string()), begin);
    }
  }
  return keys;
}

/// One file and how to complain about a place in it.
class ConfigFile {
 public:
  explicit ConfigFile(const std::string& path) : path_(path) {
    constexpr std::size_t most = 1 << 20;  // settings; not a device without an end
    text_.resize(most + 1);
    errno = 0;
    std::ifstream in{path, std::ios::binary};
    if (in) in.read(text_.data(), static_cast<std::streamsize>(text_.size()));
    if (!in.is_open() || in.bad())
      throw bad(fmt::format("cannot read `{}`: {}", printable_line(path), std::strerror(errno)), std::nullopt);
    text_.resize(static_cast<std::size_t>(in.gcount()));
    if (text_.size() > most) throw bad(fmt::format("`{}` is longer than 1 MiB", printable_line(path)), std::nullopt);
    if (constexpr std::string_view byte_order_mark = "\xef\xbb\xbf"; text_.starts_with(byte_order_mark))
      text_.erase(0, byte_order_mark.size());
  }

  json::object object() const {
    json::stream_parser parser;
    boost::system::error_code failed;
    const std::size_t used = parser.write_some(text_, failed);
    const auto rest = text_.find_first_not_of(" \t\r\n", used);
    if (!failed && parser.done() && rest != std::string::npos)
      throw bad("something stands behind the JSON object", rest);
    if (!failed) parser.finish(failed);
    if (failed) throw bad(fmt::format("no JSON: {}", failed.message()), used);
    json::value value = parser.release();
    if (!value.is_object()) throw bad("the outermost value is no object", 0);
    return std::move(value.as_object());
  }

  Error bad(std::string message, std::optional<std::size_t> offset) const {
    Diagnostic wrong{
        .code = "H0508",
        .category = Category::usage,
        .message = std::move(message),
        .subject = "file/" + path_,
        .help = "the file holds one JSON object with a field for each setting: {\"host\": \"example.org\"}"};
    if (offset) wrong.facts.emplace_back("at", at(*offset));
    return Error(std::move(wrong));
  }
  std::string at(std::size_t offset) const {
    const Place place = place_of(text_, offset);
    return fmt::format("{}:{}:{}", path_, place.line, place.column);
  }
  const std::string& text() const { return text_; }

 private:
  std::string path_, text_;
};

Field& known_field(Application& application, const std::string& name, const std::string& where) {
  const auto found = std::ranges::find(application.fields, name, &Field::name);
  if (found != application.fields.end()) return *found;
  std::vector<std::string> names;
  for (const Field& field : application.fields) names.push_back(field.name);
  Diagnostic unknown{.code = "H0506",
                     .category = Category::usage,
                     .message = fmt::format("unknown field `{}`", printable_line(name)),
                     .help = names.empty() ? "this program has no fields to set" : suggestion(name, names)};
  if (!where.empty()) unknown.facts.emplace_back("at", where);
  throw Error(std::move(unknown));
}

/// Whether its value stands in quotes.
bool is_quoted(const Field& field) { return field.kind == Field::Kind::text || field.kind == Field::Kind::duration; }

/// How the field stands in a file.
std::string example(const Field& field) {
  const std::string value = example_text(field);
  return fmt::format("for example: {{\"{}\": {}}}", field.name,
                     is_quoted(field) ? json::serialize(json::string(value)) : value);
}

/// The value as --set would take it; a JSON text for a number is refused, and the other way round.
std::string text_of(const Field& field, const json::value& value) {
  using Kind = Field::Kind;
  const bool wants_text = is_quoted(field);
  if (wants_text && value.is_string()) return std::string(value.as_string());
  if (field.kind == Kind::boolean && value.is_bool()) return value.as_bool() ? "true" : "false";
  if (!wants_text && field.kind != Kind::boolean && value.is_number()) {
    if (value.is_int64()) return fmt::format("{}", value.as_int64());
    if (value.is_uint64()) return fmt::format("{}", value.as_uint64());
    return fmt::format("{}", value.as_double());
  }
  throw Error({.code = "H0507",
               .category = Category::usage,
               .message = fmt::format("the value of field `{}` has the wrong type", field.name),
               .subject = "field/" + field.name,
               .facts = {{"wanted", type_text(field)}}});
}

void assign(Field& field, std::string_view text, std::map<std::string, std::string>& set) {
  const FieldValue value = parse_value(field, text);
  field.set(value);
  set[field.name] = value_text(value);
}

void set_from_file(Application& application, const std::string& path, std::map<std::string, std::string>& set) {
  const ConfigFile file{path};
  const json::object object = file.object();
  std::set<std::string> seen;
  for (const auto& [name, offset] : keys_of(file.text())) {
    if (!seen.insert(name).second) throw file.bad(fmt::format("`{}` is there twice", printable_line(name)), offset);
    Field& field = known_field(application, name, file.at(offset));
    try {
      assign(field, text_of(field, object.at(name)), set);
    } catch (Error& error) {
      error.data().facts.emplace_back("at", file.at(offset));
      error.data().help = example(field);
      throw;
    }
  }
}

}  // namespace

std::map<std::string, std::string> set_fields(Application& application, const std::string& file,
                                              const std::vector<std::string>& assignments) {
  std::map<std::string, std::string> set;
  if (!file.empty()) set_from_file(application, file, set);
  for (const std::string& assignment : assignments) {
    const auto equals = assignment.find('=');
    const std::string name = assignment.substr(0, equals);
    Field& field = known_field(application, name, {});
    if (equals == std::string::npos)
      throw Error({.code = "H0507",
                   .category = Category::usage,
                   .message = fmt::format("`--set {}` gives no value", name),
                   .subject = "field/" + name,
                   .help = fmt::format("for example: --set {}={}", name, example_text(field))});
    assign(field, std::string_view(assignment).substr(equals + 1), set);
  }
  return set;
}

void set_fields(Application& application, const std::map<std::string, std::string>& settings) {
  std::map<std::string, std::string> ignored;
  for (const auto& [name, text] : settings) assign(known_field(application, name, {}), text, ignored);
}

}  // namespace harmony::cli
