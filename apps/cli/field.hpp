#pragma once
/// A field of the root Score that --set and --config may set: typed, checked, shown in --help.
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace harmony::cli {

using FieldValue = std::variant<std::string, bool, std::int64_t, std::uint64_t, double, std::chrono::nanoseconds,
                                std::monostate>;  ///< the last: nothing, of a member that may be empty

struct Field {
  enum class Kind { text, boolean, integer, natural, number, duration };
  std::string name, help;
  Kind kind = Kind::text;
  std::int64_t lowest = 0;             ///< of an integer
  std::uint64_t highest = 0;           ///< of an integer or a natural number
  std::chrono::nanoseconds unit{1};    ///< of a duration: what it must be a multiple of
  std::function<FieldValue()> get = {};
  std::function<void(const FieldValue&)> set = {};
};

/// "text", "true or false", "a whole number", "a duration such as 1500ms, 30s, 5m": for help and errors.
std::string type_text(const Field&);
/// A value that it could have: its own, where it has one.
std::string example_text(const Field&);
/// As --set would take it; nothing is an empty text.
std::string value_text(const FieldValue&);
/// @throws Error H0507 where `text` is no such value.
FieldValue parse_value(const Field&, std::string_view text);

/// How a deploy main binds a member of its Score: `set("host", &GuestbookScore::host, "public host name")`.
template <class S, class Member>
struct BoundField {
  std::string_view name;
  Member S::* member;
  std::string_view help;
};

namespace detail {

template <class T>
inline constexpr bool is_duration = false;
template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> = std::is_integral_v<Rep>;

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
inline constexpr bool is_settable = std::is_same_v<T, std::string> || std::is_arithmetic_v<T> || is_duration<T>;

template <class T>
inline constexpr bool is_settable<std::optional<T>> = is_settable<T>;

template <class T>
FieldValue to_value(const T& member) {
  if constexpr (is_optional<T>) return member ? to_value(*member) : FieldValue(std::monostate{});
  else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, bool>) return member;
  else if constexpr (std::is_floating_point_v<T>) return static_cast<double>(member);
  else if constexpr (is_duration<T>) return std::chrono::duration_cast<std::chrono::nanoseconds>(member);
  else if constexpr (std::is_signed_v<T>) return static_cast<std::int64_t>(member);
  else return static_cast<std::uint64_t>(member);
}

template <class T>
void from_value(T& member, const FieldValue& value) {
  if constexpr (is_optional<T>) from_value(member.emplace(), value);
  else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, bool>) member = std::get<T>(value);
  else if constexpr (std::is_floating_point_v<T>) member = static_cast<T>(std::get<double>(value));
  else if constexpr (is_duration<T>) member = std::chrono::duration_cast<T>(std::get<std::chrono::nanoseconds>(value));
  else if constexpr (std::is_signed_v<T>) member = static_cast<T>(std::get<std::int64_t>(value));
  else member = static_cast<T>(std::get<std::uint64_t>(value));
}

template <class T>
Field field_of(T& member, std::string_view name, std::string_view help) {
  Field field{.name = std::string(name), .help = std::string(help)};
  if constexpr (is_optional<T>) {
    typename T::value_type example{};
    field = field_of(example, name, help);
  } else if constexpr (std::is_same_v<T, bool>) field.kind = Field::Kind::boolean;
  else if constexpr (std::is_floating_point_v<T>) field.kind = Field::Kind::number;
  else if constexpr (is_duration<T>) field.kind = Field::Kind::duration, field.unit = std::chrono::nanoseconds(T{1});
  else if constexpr (std::is_integral_v<T>) {
    field.kind = std::is_signed_v<T> ? Field::Kind::integer : Field::Kind::natural;
    field.lowest = std::is_signed_v<T> ? static_cast<std::int64_t>(std::numeric_limits<T>::min()) : 0;
    field.highest = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
  }
  field.get = [&member] { return to_value(member); };
  field.set = [&member](const FieldValue& value) { from_value(member, value); };
  return field;
}

}  // namespace detail
}  // namespace harmony::cli
