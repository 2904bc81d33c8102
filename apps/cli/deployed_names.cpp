#include "deployed_names.hpp"

#include <algorithm>

#include "arguments.hpp"
#include "session.hpp"

namespace harmony::cli {

std::vector<std::pair<std::string, std::string>> deployed_names(Application& application, const OptionTable& table,
                                                                const std::vector<std::string>& words) {
  std::vector<const char*> line{application.kind.c_str()};
  for (const std::string& word : words) line.push_back(word.c_str());
  std::vector<std::pair<std::string, std::string>> names;
  try {
    const Arguments arguments = parse(table, static_cast<int>(line.size()), line.data());
    const TopologyChoice* choice = application.find(chosen_topology(arguments, table));
    if (!choice) return {};
    const Instance instance = choice->open({.deployment = arguments.value("deployment", application.name()),
                                            .options = given_options(application, arguments)});
    for (const LedgerEntry& entry : instance.topology->ledger().read().entries)
      if (!entry.step_name.empty() &&
          std::ranges::find(names, entry.step_name, &std::pair<std::string, std::string>::first) == names.end())
        names.emplace_back(entry.step_name, entry.step_kind);
  } catch (const std::exception&) {          // nobody can be told: the line is still being written
  }
  return names;
}

}  // namespace harmony::cli
