#pragma once
/// Writing to somebody who may be gone.
#include <sys/types.h>

#include <string_view>

namespace harmony::host {

/// Like write(2); but where nobody reads any more, it is EPIPE alone and no signal: how this program takes SIGPIPE is
/// not for a library to decide.
ssize_t write_to_pipe(int pipe, std::string_view content);

}  // namespace harmony::host
