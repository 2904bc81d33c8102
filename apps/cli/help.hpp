#pragma once
#include <string>

#include "option_table.hpp"
#include "terminal.hpp"

namespace harmony::cli {

/// @param topic a verb, "exit-codes", "environment", or empty for the overview. @param program as it was called.
std::string help_text(const Application&, const OptionTable&, const std::string& program, const std::string& topic,
                      Style);

}  // namespace harmony::cli
