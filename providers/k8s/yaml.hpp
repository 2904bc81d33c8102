#pragma once
/// YAML as a tree of texts with their lines, over yaml-cpp's events: its own tree keeps duplicate keys, and is built by
/// recursion. What is not accepted: duplicate keys, keys that are no texts, merge keys, deep nesting, aliases that grow.
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/value.hpp>

namespace harmony::k8s {

struct Yaml {
  enum class Kind { nothing, scalar, list, map };
  Kind kind = Kind::nothing;
  int line = 0;  ///< the first is 1
  std::string scalar = {};
  bool plain = false;  ///< written without quotes: `true` may be no text
  std::vector<Yaml> items = {};
  std::vector<std::pair<std::string, Yaml>> members = {};
  const Yaml* find(std::string_view member) const;
  /// A plain `null`, `~` or nothing at all.
  bool is_null() const;
};

/// What is wrong, in our words: never a part of the text, which may hold secrets.
class YamlMistake final : public std::runtime_error {
 public:
  YamlMistake(int line, const std::string& what) : std::runtime_error(what), line_(line) {}
  int line() const { return line_; }

 private:
  int line_;
};

/// All documents of a text. @throws YamlMistake
std::vector<Yaml> parse_yaml(std::string_view);
/// Plain scalars as Kubernetes reads them: YAML 1.1 truth values, numbers, null. @throws YamlMistake (.nan)
boost::json::value to_json(const Yaml&);

}  // namespace harmony::k8s
