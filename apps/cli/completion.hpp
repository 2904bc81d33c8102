#pragma once
/// Shell completion: scripts that ask the program itself, by the protocol of cobra's hidden verb `__complete`.
#include <string>
#include <vector>

#include "option_table.hpp"

namespace harmony::cli {

/// A script for bash, zsh or fish. @param program the name it is called by.
std::string completion_script(const std::string& shell, const std::string& program);

/// What fits the last of `words` (which may be empty): one candidate per line, `value<TAB>description`, and a last line
/// `:directive` (bit 2: no space behind it, 4: no file names, 16: folders only).
std::string complete(const Application&, const OptionTable&, const std::vector<std::string>& words);

}  // namespace harmony::cli
