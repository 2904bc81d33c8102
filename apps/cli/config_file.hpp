#pragma once
/// Where fields get their values from: --set, and a JSON object in a file.
#include <map>
#include <string>
#include <vector>

#include "application.hpp"

namespace harmony::cli {

/// Sets the fields: first those of the file, then those given by --set. @param file may be empty.
/// @returns what was set, as text: part of the plan. @throws Error H0506 (unknown field), H0507 (bad value), H0508 (file).
std::map<std::string, std::string> set_fields(Application&, const std::string& file,
                                              const std::vector<std::string>& assignments);
/// Sets the fields that a saved plan was made with.
void set_fields(Application&, const std::map<std::string, std::string>& settings);

}  // namespace harmony::cli
