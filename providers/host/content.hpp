#pragma once
/// A Content as it is written, and as it may be shown.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/scope.hpp"
#include "host/host.hpp"

namespace harmony::host {

struct Rendered {
  std::vector<std::optional<std::string>> pieces;  ///< as they are; nothing where one is pending
  std::string shown;                               ///< secrets as fingerprints, what is pending as "(known after …)"
  std::string because = {};                        ///< why the first pending one is
  bool secrets = false;                            ///< some piece is a secret

  bool pending() const { return !because.empty(); }
  /// The whole text. Not while pending.
  std::string text() const;
  /// True where `live` could be what this becomes: all known pieces are there, in order.
  bool could_be(std::string_view live) const;
};

/// How what is pending is shown.
std::string known_after(const std::string& because);

/// Conceals every secret on the way.
Rendered rendered(const Scope&, const Content&, PrimitiveKey);

}  // namespace harmony::host
