#include "host/facts.hpp"

#include <fmt/format.h>

#include "host/hash.hpp"

namespace harmony::host {

std::string ProcessFacts::fingerprint() const {
  const std::string_view stray = strays.empty() ? "" : "stray";
  if (!declared) return fmt::format("{}{}", left_over ? "left over" : "", stray);
  const auto text = [](const std::optional<Definition>& definition) {
    return definition ? definition->json() : std::string("unreadable");
  };
  return sha256(fmt::format("{}\n{}\n{}\n{}\n{}{}{}{}", kept_up, scanned, text(next), text(running ? running : next),
                            other_executable, stray, half_reloaded ? "half reloaded" : "", log_gone ? "log gone" : ""))
      .substr(0, 16);
}

}  // namespace harmony::host
