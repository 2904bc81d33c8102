#pragma once
#include <string>

namespace harmony::host {

/// 32 random characters, letters and digits: fit for a password that stands in URLs and configuration files.
std::string random_text();

}  // namespace harmony::host
