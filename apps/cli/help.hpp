#pragma once
#include <string>

#include "option_table.hpp"
#include "terminal.hpp"

namespace harmony::cli {

/// @param topic a verb, "exit-codes", "environment", or empty for the overview. @param program as it was called.
/// @param columns of the terminal, so that words and not letters are wrapped; 0: none
std::string help_text(const Application&, const OptionTable&, const std::string& program, const std::string& topic,
                      Style, std::size_t columns);

}  // namespace harmony::cli
