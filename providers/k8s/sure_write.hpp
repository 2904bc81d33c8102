#pragma once
/// A write whose answer was lost may have been done: it is read back, and sent again where it was not.
#include <optional>
#include <utility>

#include "harmony/scope.hpp"
#include "k8s/retry.hpp"
#include "k8s/status.hpp"

namespace harmony::k8s {

/// @param write such that sending it twice is harmless: an apply, or one that is refused where it has been done already
/// @param read_back what `write` would have returned, where it was done; nothing where it was not
/// @throws OutcomeUnknown where one answer after another is lost, for as long as a request that nobody answers is tried;
///         what `write` and `read_back` throw
template <class Write, class ReadBack>
auto write_surely(Scope& in, Write&& write, ReadBack&& read_back) -> decltype(write()) {
  constexpr double apart = 0.5;  // each of its requests keeps its own distance from those of others
  Patience patience{Patience::Clock::now(), apart};
  for (;;) {
    try {
      return write();
    } catch (const OutcomeUnknown& unknown) {
      if (const auto since = unknown.silent_since()) patience.nobody_answers_since(*since);
      const auto time = patience.next(Patience::Clock::now(), std::nullopt);
      if (!time) throw;
      in.retried(unknown.data().message);
      in.pause(*time);  // a gateway may have been quicker than the server behind it
    }
    if (auto done = read_back()) return std::move(*done);
  }
}

/// Of a write that changes nothing where it is done twice.
template <class Write>
auto write_surely(Scope& in, Write&& write) -> decltype(write()) {
  return write_surely(in, write, [] { return std::optional<decltype(write())>{}; });
}

}  // namespace harmony::k8s
