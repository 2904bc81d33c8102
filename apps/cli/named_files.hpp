#pragma once
#include "arguments.hpp"

namespace harmony::cli {

/// Looks at every file that the command line names for writing, before anything is done: what cannot be written at the
/// end of a deploy is to be known before its begin. Makes, opens and shortens nothing. @throws Error H0514, H0512
void check_named_files(const Arguments&);

}  // namespace harmony::cli
