#include "host/facts.hpp"

#include <fmt/format.h>

#include "host/hash.hpp"

namespace harmony::host {

std::string ProcessFacts::fingerprint() const {
  if (!declared) return left_over ? "left over" : "";
  const auto text = [](const std::optional<Definition>& definition) {
    return definition ? definition->json() : std::string("unreadable");
  };
  return sha256(fmt::format("{}\n{}\n{}\n{}\n{}", kept_up, scanned, text(next), text(running ? running : next),
                            other_executable))
      .substr(0, 16);
}

}  // namespace harmony::host
