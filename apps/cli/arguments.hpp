#pragma once
/// From argv to options. The only place that knows the parsing library.
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "option_table.hpp"
#include "terminal.hpp"

namespace harmony::cli {

/// What was given, checked against the table.
class Arguments {
 public:
  std::string verb;                                      ///< empty: none was given
  std::vector<std::string> positional;
  std::map<std::string, std::vector<std::string>> given;  ///< by OptionInfo::name; a flag has one empty value each time

  bool has(const std::string& option) const { return given.contains(option); }
  /// The last value given, else `otherwise`.
  std::string value(const std::string& option, std::string otherwise = {}) const;
  std::optional<std::string> maybe(const std::string& option) const;
  std::vector<std::string> all(const std::string& option) const;
  /// @throws Error H0504 where it is no duration, or no number, or one above `highest`.
  std::chrono::milliseconds duration(const std::string& option, std::chrono::milliseconds otherwise) const;
  std::size_t number(const std::string& option, std::size_t otherwise, std::size_t highest) const;

  bool json() const { return value("output") == "json"; }
  Automatic color() const;
  ProgressMode progress() const;
};

/// What can be told of a command line that may be wrong: how its result is wanted, by which an error is told, too.
Arguments as_far_as_understood(const OptionTable&, int argc, const char* const* argv);
/// The topology that the command line names: with `--on`, or with an option that means one. Empty: it names none.
std::string named_topology(const Arguments&, const OptionTable&);
/// That one, else the default.
std::string chosen_topology(const Arguments&, const OptionTable&);
/// Only splits argv up; nothing is wrong yet but its form. @throws Error H0503 (unknown option), H0504 (no value).
Arguments parse(const OptionTable&, int argc, const char* const* argv);
/// @throws Error H0502 (unknown verb), H0503, H0504, H0505 (topology), H0509 (arguments), H0512 (contradiction).
void check(const Arguments&, const OptionTable&);

}  // namespace harmony::cli
