#include "field.hpp"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "harmony/error.hpp"
#include "text.hpp"

namespace harmony::cli {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t nanoseconds;
};
constexpr Unit units[] = {{"h", 3'600'000'000'000}, {"m", 60'000'000'000}, {"s", 1'000'000'000},
                          {"ms", 1'000'000},        {"us", 1'000},         {"ns", 1}};

[[noreturn]] void refuse(const Field& field, std::string_view text, std::string why = {}) {
  Diagnostic bad{.code = "H0507",
                 .category = Category::usage,
                 .message = fmt::format("`{}` is no value for field `{}`", printable_line(text), field.name),
                 .subject = "field/" + field.name,
                 .facts = {{"wanted", type_text(field)}}};
  if (!why.empty()) bad.notes.push_back(std::move(why));
  if (field.get) bad.help = fmt::format("for example: --set {}", shell_word(field.name + "=" + example_text(field)));
  throw Error(std::move(bad));
}

template <class Number>
Number whole(const Field& field, std::string_view text, Number lowest, Number highest) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range)
    refuse(field, text, fmt::format("it must lie between {} and {}", lowest, highest));
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) refuse(field, text);
  if (value < lowest || value > highest)
    refuse(field, text, fmt::format("it must lie between {} and {}", lowest, highest));
  return value;
}

double real(const Field& field, std::string_view text) {
  double value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) refuse(field, text);
  return value;
}

std::chrono::nanoseconds duration(const Field& field, std::string_view text) {
  const auto digits = text.find_first_not_of("0123456789.");
  if (digits == 0 || digits == std::string_view::npos) refuse(field, text);
  const double amount = real(field, text.substr(0, digits));
  for (const Unit& unit : units) {
    if (unit.name != text.substr(digits)) continue;
    const double total = amount * static_cast<double>(unit.nanoseconds);
    if (total > 9e18) refuse(field, text, "it is too long");
    const std::chrono::nanoseconds value{std::llround(total)};
    if (value.count() % field.unit.count() != 0)
      refuse(field, text, fmt::format("it must be a multiple of {}", value_text(field.unit)));
    return value;
  }
  refuse(field, text);
}

std::string duration_text(std::chrono::nanoseconds value) {
  for (const Unit& unit : units)
    if (value.count() % unit.nanoseconds == 0 && value.count() != 0)
      return fmt::format("{}{}", value.count() / unit.nanoseconds, unit.name);
  return "0s";
}

}  // namespace

std::string type_text(const Field& field) {
  switch (field.kind) {
    case Field::Kind::text: return "text";
    case Field::Kind::boolean: return "true or false";
    case Field::Kind::integer: return "a whole number";
    case Field::Kind::natural: return "a whole number from 0";
    case Field::Kind::number: return "a number";
    case Field::Kind::duration: return "a duration such as 1500ms, 30s, 5m, 1h";
  }
  return "?";
}

std::string example_text(const Field& field) {
  const std::string now = value_text(field.get());
  const bool is_number = field.kind == Field::Kind::integer || field.kind == Field::Kind::natural;
  return now.empty() && is_number ? "1" : now;
}

std::string value_text(const FieldValue& value) {
  if (std::holds_alternative<std::monostate>(value)) return {};
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* time = std::get_if<std::chrono::nanoseconds>(&value)) return duration_text(*time);
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
  if (const auto* number = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *number);
  return fmt::format("{}", std::get<std::uint64_t>(value));
}

FieldValue parse_value(const Field& field, std::string_view text) {
  switch (field.kind) {
    case Field::Kind::text:
      if (printable(text) != text) refuse(field, text, "control characters do not belong into a setting");
      return std::string(text);
    case Field::Kind::boolean:
      if (text == "true" || text == "yes" || text == "on" || text == "1") return true;
      if (text == "false" || text == "no" || text == "off" || text == "0") return false;
      refuse(field, text);
    case Field::Kind::integer:
      return whole<std::int64_t>(field, text, field.lowest, static_cast<std::int64_t>(field.highest));
    case Field::Kind::natural: return whole<std::uint64_t>(field, text, 0, field.highest);
    case Field::Kind::number: return real(field, text);
    case Field::Kind::duration: return duration(field, text);
  }
  refuse(field, text);
}

}  // namespace harmony::cli
