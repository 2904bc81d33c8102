#pragma once
/// The answer of a read that may still be pending. It can be formatted and mapped, not branched on: a Score that
/// decides by what only exists after the deploy would plan one thing and do another.
#include <concepts>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace harmony {

class Primitive;

/// Only primitives (and their twins) hold this key: they alone may look inside.
class PrimitiveKey {
 private:
  friend class Primitive;
  PrimitiveKey() = default;
};

template <class T>
class Deferred {
 public:
  Deferred(T value) : value_(std::move(value)) {}
  /// Not known yet; `because` completes "known after …".
  static Deferred pending(std::string because) { return Deferred(std::nullopt, std::move(because)); }

  template <class F>
  auto map(F&& function) const -> Deferred<std::invoke_result_t<F, const T&>> {
    using U = std::invoke_result_t<F, const T&>;
    if (value_) return Deferred<U>(std::forward<F>(function)(*value_));
    return Deferred<U>::pending(because_);
  }
  template <class U, class F>
  auto combine(const Deferred<U>& other, F&& function) const -> Deferred<std::invoke_result_t<F, const T&, const U&>> {
    using V = std::invoke_result_t<F, const T&, const U&>;
    if (!value_) return Deferred<V>::pending(because_);
    return other.map([&](const U& u) { return function(*value_, u); });
  }
  const std::string& because() const { return because_; }
  explicit operator bool() const { return refuse(*this); }
  template <class U>
  friend bool operator==(const Deferred& deferred, const U&) {
    return refuse(deferred);
  }
  /// Null while pending.
  const T* peek(PrimitiveKey) const { return value_ ? &*value_ : nullptr; }

 private:
  template <class U>
  friend class Deferred;
  template <class U>
  static bool refuse(const U&) {
    static_assert(!std::same_as<U, Deferred>,
                  "harmony: a Deferred is known only after the deploy; format it or map it, but do not branch on it");
    return false;
  }
  Deferred(std::optional<T> value, std::string because) : value_(std::move(value)), because_(std::move(because)) {}
  std::optional<T> value_;
  std::string because_;
};

}  // namespace harmony
