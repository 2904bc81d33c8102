#include "postgresql/configuration.hpp"

#include <fmt/format.h>

namespace harmony::postgresql {

namespace {

/// A value in postgresql.conf, whatever it holds.
std::string in_quotes(const std::string& value) {
  std::string text;
  for (const char c : value) {
    if (c == '\'' || c == '\\') text += c;  // doubled
    text += c == '\n' ? "\\n" : std::string(1, c);
  }
  return "'" + text + "'";
}

}  // namespace

std::string configuration(const std::map<std::string, std::string>& wanted, std::map<std::string, std::string> place) {
  std::map<std::string, std::string> settings{{"max_connections", "50"},
                                              {"password_encryption", "scram-sha-256"},
                                              {"timezone", "UTC"},
                                              {"log_timezone", "UTC"}};
  settings.merge(place);
  for (const auto& [name, value] : wanted) settings[name] = value;
  std::string text;
  for (const auto& [name, value] : settings) text += fmt::format("{} = {}\n", name, in_quotes(value));
  return text;
}

}  // namespace harmony::postgresql
