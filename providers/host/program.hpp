#pragma once
/// Where the programs of this machine are.
#include <string>

namespace harmony::host {

/// The absolute path of an executable in the system's folders (not of $PATH: what runs as a service must not depend
/// on who deploys). @throws Error H0112 naming the Debian package that has it.
std::string program(const std::string& name, const std::string& package);

}  // namespace harmony::host
