#pragma once
/// Names of what is deployed, for completion.
#include <string>
#include <utility>
#include <vector>

#include "option_table.hpp"

namespace harmony::cli {

/// The steps of the deployment that these words name, each once, with its kind. None where they cannot be had.
std::vector<std::pair<std::string, std::string>> deployed_names(Application&, const OptionTable&,
                                                                const std::vector<std::string>& words);

}  // namespace harmony::cli
