#pragma once
#include <source_location>
#include <string>
#include <vector>

#include "harmony/capabilities/nats.hpp"
#include "harmony/context.hpp"

namespace harmony {

/// A NATS server with JetStream and its streams.
struct NatsScore {
  using needs = Needs<Nats>;
  std::string instance = "nats";
  std::vector<std::string> streams = {};  ///< a stream `entries` takes the subjects `entries.>`
  Resources resources = {};               ///< where the topology shares out
  std::source_location declared = std::source_location::current();

  static constexpr std::string_view kind() { return "nats"; }
  std::string_view name() const { return instance; }
  void interpret(Context<needs>& in) const;
  /// For the environment of who uses it: a URL with user and password.
  Reference connection() const { return nats_url(instance); }
};

}  // namespace harmony
