#pragma once
/// What a real API server said; recorded/README.md tells how.
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

namespace recorded {

inline boost::json::value parse(std::string_view text) {
  return boost::json::parse(boost::json::string_view(text.data(), text.size()), {}, {.max_depth = 128});
}

inline std::string content(const std::string& name) {
  const char* folder = std::getenv("HARMONY_RECORDED");
  if (!folder) throw std::runtime_error("HARMONY_RECORDED names no folder: run it with meson test");
  std::ifstream file(std::string(folder) + "/" + name);
  if (!file) throw std::runtime_error("there is no recording " + name);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// An object and what belongs to it.
struct Scene {
  boost::json::value object;
  std::vector<boost::json::value> related;
};
inline Scene scene(const std::string& name) {
  const auto value = parse(content(name + ".json"));
  const auto& related = value.at("related").as_array();
  return {value.at("object"), {related.begin(), related.end()}};
}

/// A Status with which the server refused something.
inline boost::json::value refusal(const std::string& name) { return parse(content("refusals.json")).at(name); }

/// An apply: what was wanted, what was live, and what the server's dry run said where that differs.
struct Apply {
  std::string name;
  boost::json::value desired, live;
  bool changes = false;
  boost::json::value after;
};
inline std::vector<Apply> applies(const std::string& name) {
  std::vector<Apply> all;
  std::istringstream lines(content(name + ".jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const auto value = parse(line);
    const auto* after = value.as_object().if_contains("after");
    all.push_back({std::string(value.at("case").as_string()), value.at("desired"), value.at("live"), after != nullptr,
                   after ? *after : value.at("live")});
  }
  return all;
}
inline Apply apply(const std::string& name) {
  for (Apply& one : applies("applies"))
    if (one.name == name) return one;
  throw std::runtime_error("there is no recorded apply: " + name);
}

}  // namespace recorded
