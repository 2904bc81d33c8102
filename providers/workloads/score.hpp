#pragma once
#include <chrono>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include "harmony/capabilities/http_route.hpp"
#include "harmony/capabilities/workloads.hpp"
#include "harmony/context.hpp"

namespace harmony {

/// An HTTP server of the application, and the route that leads to it.
struct HttpServerScore {
  using needs = Needs<Workloads, HttpRoute>;
  std::string instance = "web";
  Artefact artefact = {};
  std::vector<std::string> arguments = {};
  Settings environment = {};
  std::string host = {};                            ///< public host name; empty: any
  std::optional<int> replicas = {};                 ///< nothing: one, or as many as an autoscaler says
  Resources resources = {};                         ///< of each replica, where the topology shares out
  std::string ready_path = "/readyz";
  std::chrono::milliseconds ready_limit{60'000};
  std::source_location declared = std::source_location::current();

  static constexpr std::string_view kind() { return "http server"; }
  std::string_view name() const { return instance; }
  void interpret(Context<needs>& in) const;
  Reference url() const { return route_url(instance); }
};

}  // namespace harmony
