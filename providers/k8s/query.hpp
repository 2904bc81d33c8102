#pragma once
#include <string>
#include <string_view>

#include "host/text.hpp"

namespace harmony::k8s {

/// Adds "?name=value", or "&name=value". An empty value adds nothing.
inline void add_query(std::string& path, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  path += path.find('?') == std::string::npos ? '?' : '&';
  path += name;
  path += '=';
  path += host::url_part(value);
}

}  // namespace harmony::k8s
