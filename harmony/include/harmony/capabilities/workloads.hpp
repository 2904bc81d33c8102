#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/capabilities/resources.hpp"
#include "harmony/reference.hpp"
#include "harmony/scope.hpp"

namespace harmony {

/// What runs, by both of its names: a topology of processes takes the binary, one of containers the image.
struct Artefact {
  std::string binary = {};  ///< a path, or a name beside the deploy binary
  std::string image = {};   ///< "guestbook:1.4"
};

/// A long-running server of the application.
struct Workload {
  std::string instance;
  Artefact artefact;
  std::vector<std::string> arguments = {};
  Settings environment = {};
  std::string listen_variable = "LISTEN";           ///< gets "address:port" to listen on
  std::string ready_path = "/readyz";               ///< answers 200 when it is ready; else its body says why not
  std::chrono::milliseconds ready_limit{60'000};
  std::optional<int> replicas = {};                 ///< nothing: one, and where others scale it as many as they say
  Resources resources = {};
};

/// Runs servers and keeps them running. Thread-safe.
class Workloads {
 public:
  static constexpr std::string_view capability_name = "Workloads";
  virtual ~Workloads() = default;
  /// Returns when the wanted version is ready. A version that ran before goes on until nothing refers to it.
  virtual void ensure(Scope&, const Workload&) = 0;
};

}  // namespace harmony
