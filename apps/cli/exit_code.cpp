#include "exit_code.hpp"

#include <csignal>

namespace harmony::cli {

int exit_code(Category category, std::optional<int> signal) {
  switch (category) {
    case Category::failed: return exit_failed;
    case Category::smoke_test: return exit_smoke_test;
    case Category::timed_out: return exit_timed_out;
    case Category::refused: return exit_refused;
    case Category::unreachable: return exit_unreachable;
    case Category::locked: return exit_locked;
    case Category::stale_plan: return exit_stale_plan;
    case Category::usage: return exit_usage;
    case Category::internal: return exit_internal;
    case Category::stopped: return 128 + signal.value_or(SIGINT);
  }
  return exit_internal;
}

int exit_code(const std::vector<Diagnostic>& errors, std::optional<int> signal) {
  if (errors.empty()) return exit_done;
  for (const Diagnostic& error : errors)
    if (error.category != Category::stopped) return exit_code(error.category, signal);
  return exit_code(Category::stopped, signal);
}

const std::vector<ExitCodeText>& exit_code_table() {
  static const std::vector<ExitCodeText> table = {
      {exit_done, "done"},
      {exit_failed, "failed"},
      {exit_changes_pending, "changes pending (only with --detailed-exitcode)"},
      {exit_smoke_test, "a smoke test failed"},
      {exit_timed_out, "timed out"},
      {exit_refused, "refused: needs an approval (--yes), or a policy forbids it"},
      {exit_unreachable, "unreachable or unauthorised"},
      {exit_locked, "somebody else holds the lock"},
      {exit_stale_plan, "the saved plan no longer fits"},
      {exit_usage, "usage or bad input"},
      {exit_internal, "a bug of ours"},
      {exit_interrupted, "stopped by SIGINT (Ctrl-C)"},
      {exit_terminated, "stopped by SIGTERM or SIGHUP"},
  };
  return table;
}

}  // namespace harmony::cli
