#pragma once
/// A value that no sink prints. Streaming or formatting one does not compile, and there is no comparison with text.
#include <concepts>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>

namespace harmony {

template <class T>
class Secret {
 public:
  Secret() = default;
  explicit Secret(T value) : value_(std::move(value)) {}
  /// For the primitive that hands it over, nobody else.
  const T& reveal() const { return value_; }
  bool operator==(const Secret&) const = default;

 private:
  T value_;
};

template <class T>
std::ostream& operator<<(std::ostream& out, const Secret<T>&) {
  static_assert(!std::same_as<T, T>,
                "harmony: a Secret is never printed; where it must be told apart, show its fingerprint");
  return out;
}

/// Keyed fingerprints: equal secrets look equal within a deployment, and mean nothing outside it.
/// Thread-safe. The key stays with the deployment; a first plan makes it in memory.
class Fingerprinter {
 public:
  virtual ~Fingerprinter() = default;
  /// Short, printable: "3f9a41c2".
  virtual std::string of(std::string_view value) const = 0;
};

}  // namespace harmony

/// Refuses where the format string is parsed: nearer to the caller's line than where the value would be shown.
template <class T>
struct fmt::formatter<harmony::Secret<T>> {
  constexpr format_parse_context::iterator parse(format_parse_context& context) {
    static_assert(!std::same_as<T, T>,
                  "harmony: a Secret is never printed; where it must be told apart, show its fingerprint");
    return context.begin();
  }
  format_context::iterator format(const harmony::Secret<T>&, format_context& context) const { return context.out(); }
};
