#include "k8s/yaml.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <istream>
#include <map>
#include <optional>
#include <set>
#include <streambuf>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace harmony::k8s {

namespace json = boost::json;

namespace {

constexpr std::size_t longest = 3 << 20;      // as the API server
constexpr std::size_t deepest = 100;
constexpr std::size_t most_values = 500'000;  // aliases counted as what they stand for

/// Builds a tree from events, without recursion.
class Builder final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {
    open_.clear();
    anchored_.clear();
    root_ = {};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { finish(begin(mark, anchor)); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchored_.find(anchor);
    if (found == anchored_.end()) throw YamlMistake(mark.line + 1, "an alias stands inside of what it stands for");
    count(mark.line + 1, found->second.size);
    if (open_.size() + found->second.depth > deepest) throw too_deep(mark.line + 1);
    Open copy{.value = found->second.value, .size = found->second.size, .depth = found->second.depth};
    copy.value.line = mark.line + 1;
    finish(std::move(copy));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    Open open = begin(mark, anchor);
    open.value.kind = Yaml::Kind::scalar;
    open.value.scalar = text;
    open.value.plain = tag == "?";
    finish(std::move(open));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    enter(begin(mark, anchor), Yaml::Kind::list);
  }
  void OnSequenceEnd() override { leave(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    enter(begin(mark, anchor), Yaml::Kind::map);
  }
  void OnMapEnd() override { leave(); }

  Yaml take() { return std::move(root_); }

 private:
  /// A value that is being read; `key` waits for its value, where it is a map.
  struct Open {
    Yaml value = {};
    YAML::anchor_t anchor = YAML::NullAnchor;
    std::size_t size = 1, depth = 1;
    std::optional<std::string> key = {};
    std::set<std::string> keys = {};
  };
  struct Anchored {
    Yaml value;
    std::size_t size, depth;
  };

  static YamlMistake too_deep(int line) {
    return {line, fmt::format("values are nested more than {} levels deep", deepest)};
  }
  void count(int line, std::size_t more) {
    values_ += more;
    if (values_ > most_values)
      throw YamlMistake(
          line, fmt::format("it holds more than {} values, aliases counted as what they stand for", most_values));
  }
  Open begin(const YAML::Mark& mark, YAML::anchor_t anchor) {
    count(mark.line + 1, 1);
    Open open;
    open.value.line = mark.line + 1;
    open.anchor = anchor;
    return open;
  }
  void enter(Open open, Yaml::Kind kind) {
    if (open_.size() >= deepest) throw too_deep(open.value.line);
    open.value.kind = kind;
    open_.push_back(std::move(open));
  }
  void leave() {
    Open last = std::move(open_.back());
    open_.pop_back();
    finish(std::move(last));
  }
  void finish(Open done) {
    if (done.anchor != YAML::NullAnchor) anchored_[done.anchor] = {done.value, done.size, done.depth};
    if (open_.empty()) {
      root_ = std::move(done.value);
      return;
    }
    Open& parent = open_.back();
    parent.size += done.size;
    parent.depth = std::max(parent.depth, done.depth + 1);
    if (parent.value.kind == Yaml::Kind::list) parent.value.items.push_back(std::move(done.value));
    else if (parent.key) {
      parent.value.members.emplace_back(std::move(*parent.key), std::move(done.value));
      parent.key.reset();
    } else take_key(parent, done.value);
  }
  static void take_key(Open& map, const Yaml& key) {
    if (key.kind != Yaml::Kind::scalar) throw YamlMistake(key.line, "a key is no text");
    if (key.plain && key.scalar == "<<") throw YamlMistake(key.line, "merge keys (`<<`) are not read");
    if (!map.keys.insert(key.scalar).second) throw YamlMistake(key.line, "a key is there twice");
    map.key = key.scalar;
  }

  Yaml root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Anchored> anchored_;
  std::size_t values_ = 0;
};

/// Reads memory that it does not own.
class View final : public std::streambuf {
 public:
  explicit View(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // setg asks for it; nothing is written
    setg(begin, begin, begin + text.size());
  }
};

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

std::optional<bool> truth_of(std::string_view text) {
  if (one_of(text, {"true", "True", "TRUE", "yes", "Yes", "YES", "y", "Y", "on", "On", "ON"})) return true;
  if (one_of(text, {"false", "False", "FALSE", "no", "No", "NO", "n", "N", "off", "Off", "OFF"})) return false;
  return std::nullopt;
}

struct Radix {
  std::string_view digits;
  int base;
};
Radix radix_of(std::string_view digits) {
  if (digits.size() > 1 && digits[0] == '0') {
    if (digits[1] == 'x') return {digits.substr(2), 16};
    if (digits[1] == 'b') return {digits.substr(2), 2};
    return {digits.substr(digits[1] == 'o' ? 2 : 1), 8};
  }
  return {digits, 10};
}

template <class T>
std::optional<T> whole(std::string_view text, const Radix& radix, bool negative) {
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, radix.base);
  if (text.empty() || text.front() == '-' || error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  if (negative) return static_cast<T>(T{} - number);
  return number;
}

std::optional<json::value> number_of(std::string_view text) {
  const bool negative = text.starts_with('-');
  std::string digits;
  for (const char c : text.substr(negative || text.starts_with('+') ? 1 : 0))
    if (c != '_') digits += c;
  if (digits.empty() || (digits[0] != '.' && (digits[0] < '0' || digits[0] > '9'))) return std::nullopt;
  const Radix radix = radix_of(digits);
  if (const auto number = whole<std::int64_t>(radix.digits, radix, negative)) return json::value(*number);
  if (const auto number = whole<std::uint64_t>(radix.digits, radix, false); number && !negative)
    return json::value(*number);
  double fraction = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), fraction);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return json::value(negative ? -fraction : fraction);
}

json::value scalar_value(const Yaml& scalar) {
  if (!scalar.plain) return json::value(scalar.scalar);
  if (scalar.is_null()) return nullptr;
  if (const auto truth = truth_of(scalar.scalar)) return *truth;
  if (one_of(scalar.scalar, {".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "-.inf", "-.Inf", "-.INF", "+.inf"}))
    throw YamlMistake(scalar.line, "JSON has no such number");
  if (auto number = number_of(scalar.scalar)) return *number;
  return json::value(scalar.scalar);
}

}  // namespace

const Yaml* Yaml::find(std::string_view member) const {
  const auto found = std::ranges::find(members, member, &std::pair<std::string, Yaml>::first);
  return found == members.end() ? nullptr : &found->second;
}

bool Yaml::is_null() const {
  return kind == Kind::nothing || (kind == Kind::scalar && plain && one_of(scalar, {"", "~", "null", "Null", "NULL"}));
}

std::vector<Yaml> parse_yaml(std::string_view text) {
  if (text.size() > longest) throw YamlMistake(1, "it is larger than 3 MiB");
  if (const auto zero = text.find('\0'); zero != std::string_view::npos) {
    const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(zero), '\n');
    throw YamlMistake(static_cast<int>(line) + 1, "it is no UTF-8 text");
  }
  std::vector<Yaml> documents;
  try {
    View view{text};
    std::istream stream{&view};
    YAML::Parser parser{stream};
    for (Builder builder; parser.HandleNextDocument(builder); builder = {}) documents.push_back(builder.take());
  } catch (const YAML::Exception& mistake) {
    throw YamlMistake(mistake.mark.line + 1, mistake.msg);
  }
  return documents;
}

json::value to_json(const Yaml& yaml) {
  switch (yaml.kind) {
    case Yaml::Kind::nothing: return nullptr;
    case Yaml::Kind::scalar: return scalar_value(yaml);
    case Yaml::Kind::list: {
      json::array items;
      for (const Yaml& item : yaml.items) items.push_back(to_json(item));
      return items;
    }
    case Yaml::Kind::map: break;
  }
  json::object members;
  for (const auto& [key, value] : yaml.members) members.emplace(key, to_json(value));
  return members;
}

}  // namespace harmony::k8s
