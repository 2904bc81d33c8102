#pragma once
/// Every verb and every option, once: parsing, help, completion and the check of what belongs to which verb read this.
#include <string>
#include <string_view>
#include <vector>

#include "cli/application.hpp"

namespace harmony::cli {

enum class Complete { nothing, file, directory, choices, topologies, fields, codes, deployed };

struct OptionInfo {
  std::string name;                     ///< "lock-timeout"
  std::string value = {};               ///< "SECONDS"; empty: a flag
  std::string help = {};
  std::vector<std::string> verbs = {};  ///< empty: every verb
  char letter = 0;                      ///< "-y"
  std::vector<std::string> choices = {};
  Complete complete = Complete::nothing;
  bool repeatable = false;
  std::string default_text = {};
  std::vector<std::string> topologies = {};  ///< the only ones it belongs to
  bool chooses_topology = false;        ///< the one that it belongs to
};

struct VerbInfo {
  std::string name, help;
  std::string argument = {};            ///< "[FILTER]", "CODE", "[CODE]"
  std::vector<std::string> choices = {};
  Complete complete = Complete::nothing;
  std::vector<std::string> examples = {};  ///< without the program's name
  bool touches_deployment = true;       ///< false: nothing of --on, --deployment, --set matters
  bool required() const { return !argument.empty() && argument.front() != '['; }
};

struct OptionTable {
  std::vector<VerbInfo> verbs;
  std::vector<OptionInfo> options;

  const VerbInfo* verb(std::string_view name) const;
  const OptionInfo* option(std::string_view name) const;
  const OptionInfo* option(char letter) const;
  static bool belongs(const OptionInfo&, const VerbInfo&);
  std::vector<std::string> verb_names() const;
};

/// What this application offers: core verbs, and what its companions and topologies bring.
OptionTable option_table(const Application&);

}  // namespace harmony::cli
