#pragma once
#include "harmony/engine.hpp"

namespace harmony::cli {

class Session;

/// Errors and what had been done before them, or the summary; then what machines read. @returns the exit code.
int conclude(Session&, const Report&);
/// Ends the program here where a smoke test that never ends still runs on a thread of its own, in the middle of everything.
int leave(Session&, const Report&, int exit_code);

}  // namespace harmony::cli
