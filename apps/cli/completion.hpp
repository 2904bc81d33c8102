#pragma once
/// Shell completion: scripts that ask the program itself, by the protocol of cobra's hidden verb `__complete`.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "option_table.hpp"

namespace harmony::cli {

/// A script for bash, zsh or fish. @param program the name it is called by.
std::string completion_script(const std::string& shell, const std::string& program);

/// What is deployed: names, and of what kind each is. Only asked where they would be offered.
using Deployed = std::function<std::vector<std::pair<std::string, std::string>>()>;

/// What fits the last of `words` (which may be empty): one candidate per line, `value<TAB>description`, and a last line
/// `:directive` (bit 2: no space behind it, 4: no file names, 16: folders only).
std::string complete(const Application&, const OptionTable&, const std::vector<std::string>& words,
                     const Deployed& deployed);

}  // namespace harmony::cli
