#include "entry.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "text.hpp"

namespace guestbook {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_author = 80;
constexpr std::size_t longest_message = 2000;
constexpr std::size_t longest_marker = 200;

[[noreturn]] void refuse_field(std::string_view name, const std::string& why) {
  throw InvalidEntry(InvalidEntry::Reason::bad_field, "`" + std::string(name) + "` " + why);
}

std::string checked_text(std::string_view name, const json::value& value, std::size_t longest, LineBreaks breaks) {
  if (!value.is_string()) refuse_field(name, "is not a string");
  std::string text = tidy(value.get_string());
  if (text.empty()) refuse_field(name, "is empty");
  if (count_characters(text) > longest) refuse_field(name, "is longer than " + std::to_string(longest) + " characters");
  if (has_control_character(text, breaks)) refuse_field(name, "holds a control character");
  return text;
}

/// The parser refuses what is not UTF-8. An entry is flat, so that a deep value is refused before it costs anything.
json::object parse_object(std::string_view text) {
  json::parse_options options;
  options.max_depth = 4;
  boost::system::error_code error;
  const json::value value = json::parse(text, error, {}, options);
  if (error) throw InvalidEntry(InvalidEntry::Reason::not_json, "the body is not JSON: " + error.message());
  if (!value.is_object()) throw InvalidEntry(InvalidEntry::Reason::bad_field, "the body is not a JSON object");
  return value.get_object();
}

}  // namespace

NewEntry parse_new_entry(std::string_view text) {
  const json::object object = parse_object(text);
  NewEntry entry;
  for (const auto& field : object) {
    const std::string_view name = field.key();
    if (name == "author") {
      entry.author = checked_text(name, field.value(), longest_author, LineBreaks::refused);
    } else if (name == "message") {
      entry.message = checked_text(name, field.value(), longest_message, LineBreaks::allowed);
    } else if (name == "marker") {
      if (!field.value().is_null())
        entry.marker = checked_text(name, field.value(), longest_marker, LineBreaks::refused);
    } else {
      refuse_field(one_line(name), "is not a known field");
    }
  }
  for (const char* name : {"author", "message"}) {
    if (!object.contains(name)) refuse_field(name, "is missing");
  }
  return entry;
}

std::string to_json(const std::vector<Entry>& entries) {
  json::array list;
  for (const Entry& entry : entries) {
    list.push_back(
        {{"id", entry.id}, {"author", entry.author}, {"message", entry.message}, {"created_at", entry.created_at}});
  }
  return json::serialize(list);
}

std::string announcement(std::int64_t id, const NewEntry& entry) {
  json::object object{{"id", id}, {"author", entry.author}, {"message", entry.message}};
  if (entry.marker) object["marker"] = *entry.marker;
  return json::serialize(object);
}

}  // namespace guestbook
