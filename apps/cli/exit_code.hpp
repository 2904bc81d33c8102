#pragma once
/// The one place that knows the exit codes.
#include <optional>
#include <vector>

#include "harmony/error.hpp"

namespace harmony::cli {

enum ExitCode : int {
  exit_done = 0,
  exit_failed = 1,
  exit_changes_pending = 2,  ///< only with --detailed-exitcode
  exit_smoke_test = 3,
  exit_timed_out = 4,
  exit_refused = 5,
  exit_unreachable = 6,
  exit_locked = 7,
  exit_stale_plan = 8,
  exit_usage = 64,
  exit_internal = 70,
  exit_interrupted = 130,
  exit_terminated = 143,
};

/// @param signal the one that asked to stop, if any.
int exit_code(Category, std::optional<int> signal = std::nullopt);
/// Of the first error that is not merely the consequence of the stop; 0 where there is none.
int exit_code(const std::vector<Diagnostic>&, std::optional<int> signal = std::nullopt);

struct ExitCodeText {
  int code;
  const char* text;
};
/// For `help exit-codes`.
const std::vector<ExitCodeText>& exit_code_table();

}  // namespace harmony::cli
