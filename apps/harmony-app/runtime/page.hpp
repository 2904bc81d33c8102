#pragma once

#include <string_view>

namespace guestbook {

/// `page.html`, built into the binary.
extern const std::string_view page;

/// The Content-Security-Policy that lets this page's own style and script run, by hash, and nothing else.
extern const std::string_view page_policy;

}  // namespace guestbook
