#pragma once
/// postgresql.conf.
#include <map>
#include <string>

namespace harmony::postgresql {

/// Its text, sorted by name. @param wanted by the Score; it comes before ours. @param place where this server lies and listens
std::string configuration(const std::map<std::string, std::string>& wanted, std::map<std::string, std::string> place);

}  // namespace harmony::postgresql
