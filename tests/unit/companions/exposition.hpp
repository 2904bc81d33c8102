#pragma once
/// Reads Prometheus' text format, as strictly as the tests need.
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace harmony::testing {

struct Sample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};

class Exposition {
 public:
  /// @throws std::runtime_error at the first line that is none of the format's.
  explicit Exposition(const std::string& text) {
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("# HELP ")) continue;
      if (line.starts_with("# TYPE ")) types_[line.substr(7, line.find(' ', 7) - 7)] = line.substr(line.rfind(' ') + 1);
      else samples_.push_back(parse(line));
    }
  }
  std::optional<double> value(const std::string& name, const std::map<std::string, std::string>& labels = {}) const {
    for (const Sample& sample : samples_)
      if (sample.name == name && includes(sample.labels, labels)) return sample.value;
    return std::nullopt;
  }
  std::size_t count(const std::string& name) const {
    std::size_t found = 0;
    for (const Sample& sample : samples_) found += sample.name == name;
    return found;
  }
  const std::vector<Sample>& samples() const { return samples_; }
  const std::map<std::string, std::string>& types() const { return types_; }

 private:
  static bool includes(const std::map<std::string, std::string>& all,
                       const std::map<std::string, std::string>& wanted) {
    for (const auto& [name, value] : wanted)
      if (const auto found = all.find(name); found == all.end() || found->second != value) return false;
    return true;
  }
  static Sample parse(const std::string& line) {
    const auto require = [&](bool holds) {
      if (!holds) throw std::runtime_error("no sample: " + line);
    };
    Sample sample;
    std::size_t at = line.find_first_of("{ ");
    require(at != std::string::npos && at > 0);
    sample.name = line.substr(0, at);
    if (line[at] == '{') at = parse_labels(line, at + 1, sample.labels);
    require(at < line.size() && line[at] == ' ');
    std::size_t end = 0;
    sample.value = std::stod(line.substr(at + 1), &end);
    require(at + 1 + end == line.size());
    return sample;
  }
  /// @returns where the closing brace's successor stands.
  static std::size_t parse_labels(const std::string& line, std::size_t at, std::map<std::string, std::string>& labels) {
    while (line.at(at) != '}') {
      const std::size_t equals = line.find("=\"", at);
      const std::string name = line.substr(at, equals - at);
      std::string value;
      for (at = equals + 2; line.at(at) != '"'; ++at) {
        if (line[at] == '\\') ++at;
        value += line[at - 1] == '\\' && line.at(at) == 'n' ? '\n' : line.at(at);
      }
      if (!labels.emplace(name, value).second) throw std::runtime_error("a label twice: " + line);
      if (line.at(++at) == ',') ++at;
    }
    return at + 1;
  }
  std::map<std::string, std::string> types_;
  std::vector<Sample> samples_;
};

}  // namespace harmony::testing
