#pragma once
/// How the parts of Supervisor name what lies in its folder, and wait.
#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "harmony/scope.hpp"

namespace harmony::host {

inline const std::filesystem::path scan_folder = "supervisor", scanner = scan_folder / ".s6-svscan";
inline constexpr std::chrono::seconds stop_limit{30};    // for a process to end in good order; then SIGKILL
inline constexpr std::chrono::seconds settle_limit{15};  // for the supervisor, which restarts at most once a second

inline std::filesystem::path half_made(const std::string& name) { return scan_folder / ("." + name + ".next"); }
inline std::filesystem::path half_removed(const std::string& name) { return scan_folder / ("." + name + ".gone"); }

/// A wait whose limit is no failure. @returns false at the limit.
inline bool came_true(const Scope& at, const Wait& wait, const std::function<std::optional<std::string>()>& not_yet) {
  try {
    at.until(wait, not_yet);
    return true;
  } catch (const TimedOut&) {
    return false;
  }
}

}  // namespace harmony::host
