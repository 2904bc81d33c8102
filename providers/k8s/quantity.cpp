#include "k8s/quantity.hpp"

#include <charconv>
#include <cmath>
#include <string>

#include <boost/json/value.hpp>

namespace harmony::k8s {

namespace {

constexpr int longest = 18;  ///< digits that always fit; what a suffix adds is looked at

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// What stands behind the digits: a power of two or of ten.
struct Suffix {
  int binary = 0, decimal = 0;
};

std::optional<Suffix> exponent_suffix(std::string_view text) {
  if (text.size() < 2 || (text[0] != 'e' && text[0] != 'E')) return std::nullopt;
  text.remove_prefix(text[1] == '+' ? 2 : 1);
  int exponent = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), exponent);
  if (failed != std::errc{} || end != text.data() + text.size() || exponent > 30 || exponent < -30) return std::nullopt;
  return Suffix{.decimal = exponent};
}

std::optional<Suffix> suffix_of(std::string_view text) {
  static constexpr std::string_view binary = "KMGTPE", thousands = "kMGTPE", fractions = "mun";
  if (text.empty()) return Suffix{};
  if (text.size() == 2 && text[1] == 'i')
    if (const auto at = binary.find(text[0]); at != std::string_view::npos)
      return Suffix{.binary = 10 * static_cast<int>(at + 1)};
  if (text.size() == 1) {
    if (const auto at = thousands.find(text[0]); at != std::string_view::npos)
      return Suffix{.decimal = 3 * static_cast<int>(at + 1)};
    if (const auto at = fractions.find(text[0]); at != std::string_view::npos)
      return Suffix{.decimal = -3 * static_cast<int>(at + 1)};
  }
  return exponent_suffix(text);
}

void shorten(Quantity& quantity) {
  if (quantity.digits == 0) quantity = {};
  for (; quantity.digits != 0 && quantity.digits % 10 == 0; ++quantity.exponent) quantity.digits /= 10;
}

}  // namespace

bool operator<(const Quantity& one, const Quantity& other) {
  const auto value = [](const Quantity& quantity) {
    return (quantity.negative ? -1.0 : 1.0) * static_cast<double>(quantity.digits) * std::pow(10.0, quantity.exponent);
  };
  return one != other && value(one) < value(other);
}

std::optional<Quantity> parse_quantity(std::string_view text) {
  Quantity quantity;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    quantity.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  bool point = false;
  int digits = 0;
  for (; !text.empty() && (is_digit(text[0]) || (text[0] == '.' && !point)); text.remove_prefix(1)) {
    if (text[0] == '.') {
      point = true;
      continue;
    }
    if (++digits > longest) return std::nullopt;
    quantity.digits = quantity.digits * 10 + static_cast<std::uint64_t>(text[0] - '0');
    quantity.exponent -= point;
  }
  const auto suffix = suffix_of(text);
  if (digits == 0 || !suffix) return std::nullopt;
  shorten(quantity);
  for (int i = 0; i < suffix->binary; ++i) {
    if (quantity.digits >> 63) return std::nullopt;
    quantity.digits *= 2;
  }
  if (quantity.digits != 0) quantity.exponent += suffix->decimal;
  shorten(quantity);
  return quantity;
}

std::optional<Quantity> quantity_of(const boost::json::value& value) {
  if (const auto* text = value.if_string()) return parse_quantity(std::string_view(*text));
  if (const auto* number = value.if_int64()) return parse_quantity(std::to_string(*number));
  if (const auto* number = value.if_uint64()) return parse_quantity(std::to_string(*number));
  return std::nullopt;
}

bool same_quantity(const boost::json::value& one, const boost::json::value& other) {
  const auto first = quantity_of(one), second = quantity_of(other);
  return first && second && *first == *second;
}

}  // namespace harmony::k8s
