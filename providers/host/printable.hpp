#pragma once
/// Text from elsewhere (servers, logs, other processes) made fit for a terminal.
#include <string>
#include <string_view>

namespace harmony::host {

/// One line of `text`: no control character (C0, DEL, C1), no character that turns or hides text (bidi, zero width),
/// nothing that is not UTF-8; line breaks and tabs become spaces, the rest `?`. Spaces at the end go.
std::string printable(std::string_view text);

}  // namespace harmony::host
