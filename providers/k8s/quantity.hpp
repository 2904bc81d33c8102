#pragma once
/// Amounts as Kubernetes writes them: 500m is 0.5, 1Gi is 1073741824.
#include <cstdint>
#include <optional>
#include <string_view>

#include <boost/json/fwd.hpp>

namespace harmony::k8s {

/// A decimal number without rounding: digits * 10^exponent, no zero at the end of the digits.
struct Quantity {
  bool negative = false;
  std::uint64_t digits = 0;
  int exponent = 0;
  bool operator==(const Quantity&) const = default;
};
/// To tell a limit that is too small; amounts that differ by less than a double can say are taken for equal.
bool operator<(const Quantity&, const Quantity&);

/// Nothing where it is no quantity, or one that is too long to be kept exactly.
std::optional<Quantity> parse_quantity(std::string_view text);
/// Of a text or of a whole number; a number with a point is nothing, as it may have been rounded on its way.
std::optional<Quantity> quantity_of(const boost::json::value&);
bool same_quantity(const boost::json::value&, const boost::json::value&);

}  // namespace harmony::k8s
