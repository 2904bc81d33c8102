#pragma once

#include <string_view>

namespace guestbook {

/// The release this binary is, such as `1.4.0`. Linked in last, so that a second release costs one link.
extern const std::string_view version;

}  // namespace guestbook
