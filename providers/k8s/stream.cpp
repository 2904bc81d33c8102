#include "k8s/stream.hpp"

#include <boost/json/object.hpp>

namespace harmony::k8s {

namespace json = boost::json;

namespace {

constexpr std::size_t largest_head = 1 << 20;
constexpr std::size_t largest_item = 16 << 20;

}  // namespace

void Lines::add(std::string_view part) {
  if (rest_.size() + part.size() > longest_) {
    if (then_ == TooLong::refuse) throw Malformed("a line is too long");
    part = part.substr(0, longest_ - rest_.size());
  }
  rest_ += part;
}

bool Lines::feed(std::string_view text, const std::function<bool(std::string_view)>& each) {
  for (;;) {
    const auto end = text.find('\n');
    add(text.substr(0, end));
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
    if (rest_.ends_with('\r')) rest_.pop_back();
    const std::string line = std::exchange(rest_, {});
    if (!each(line)) return false;
  }
}

void ListReader::feed(std::string_view text) {
  while (!text.empty()) {
    // Most of a list is inside of strings: these are taken by the piece.
    if (in_text_ && !escaped_) {
      const auto end = std::min(text.find_first_of("\"\\"), text.size());
      keep(text.substr(0, end));
      text.remove_prefix(end);
      if (text.empty()) return;
    }
    step(text.front());
    text.remove_prefix(1);
  }
}

void ListReader::keep(std::string_view text) {
  std::string& to = where_ == Where::item ? item_ : head_;
  if (to.size() + text.size() > (where_ == Where::item ? largest_item : largest_head))
    throw Malformed(where_ == Where::item ? "an item of the list is too large" : "what should be a list is too large");
  to += text;
  if (where_ != Where::item && in_text_ && depth_ == 1) text_ += text;
}

void ListReader::step(char c) {
  if (in_text_) {
    keep({&c, 1});
    if (escaped_) escaped_ = false;
    else if (c == '\\') escaped_ = true;
    else if (c == '"') {
      in_text_ = false;
      if (!text_.empty()) text_.pop_back();
    }
    return;
  }
  if (where_ == Where::items) return in_items(c);
  keep({&c, 1});
  if (c == '"') {
    in_text_ = true;
    text_.clear();
  } else if (where_ == Where::head || where_ == Where::behind) in_head(c);
  else if (c == '{' || c == '[') ++depth_;
  else if ((c == '}' || c == ']') && --depth_ == 1) end_item();
}

void ListReader::in_head(char c) {
  if (c == ':' && depth_ == 1) key_ = text_;
  else if (c == '[' && depth_ == 1 && key_ == "items" && where_ == Where::head) where_ = Where::items;
  else if (c == '{' || c == '[') ++depth_;
  else if (c == '}' || c == ']') {
    if (depth_ == 0) throw Malformed("it is no JSON");
    --depth_;
  }
}

void ListReader::in_items(char c) {
  if (c == '{') {
    where_ = Where::item;
    item_.assign(1, c);
    ++depth_;
  } else if (c == ']') {
    head_ += ']';
    where_ = Where::behind;
  } else if (c != ',' && c != ' ' && c != '\n' && c != '\t' && c != '\r')
    throw Malformed("an item of the list is no object");
}

void ListReader::end_item() {
  where_ = Where::items;
  auto item = parse_json(item_);
  if (!item) throw Malformed("an item of the list is no JSON");
  json::object& object = item->as_object();
  if (!object.contains("apiVersion")) object["apiVersion"] = what_.api_version();
  if (!object.contains("kind")) object["kind"] = what_.kind;
  ++items_;
  each_(std::move(*item));
}

json::value ListReader::finish() const {
  auto head = parse_json(head_);
  if (!head || !head->is_object()) throw Malformed("the list is not whole");
  return std::move(*head);
}

}  // namespace harmony::k8s
