#include "workloads/host_name.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "host/printable.hpp"

namespace harmony::workloads {

namespace {

bool letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

/// Between two dots of a host name: 1 to 63 letters, digits and `-`, which neither begins nor ends it.
bool is_label(std::string_view label) {
  constexpr std::size_t longest = 63;
  return !label.empty() && label.size() <= longest && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, [](char c) { return letter_or_digit(c) || c == '-'; });
}

bool is_host_name(std::string_view name) {
  constexpr std::size_t longest = 253;
  if (name.size() > longest) return false;
  for (auto dot = name.find('.'); dot != name.npos; dot = name.find('.')) {
    if (!is_label(name.substr(0, dot))) return false;
    name.remove_prefix(dot + 1);
  }
  return is_label(name);
}

}  // namespace

void require_host_name(const Route& route) {
  if (route.host.empty() || is_host_name(route.host)) return;
  throw Error(
      {.code = "H0264",
       .category = Category::usage,
       .message =
           fmt::format("`{}` cannot be the host name of route `{}`", host::printable(route.host), route.instance),
       .subject = "route/" + route.instance,
       .help = "use letters, digits and `-`, with a `.` between the parts: \"www.example.org\"; without a scheme, "
               "a port or a path"});
}

}  // namespace harmony::workloads
