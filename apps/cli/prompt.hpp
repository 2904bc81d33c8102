#pragma once
#include <stop_token>
#include <string>

#include "harmony/engine.hpp"
#include "terminal.hpp"

namespace harmony::cli {

/// Somebody can be asked: standard input and one of the outputs are terminals, and this is no CI.
bool can_ask(const Environment&);
/// Reads one line from standard input. Only "yes" approves. A stop, or the end of input, is no approval.
Approval read_answer(const std::stop_token&);

}  // namespace harmony::cli
