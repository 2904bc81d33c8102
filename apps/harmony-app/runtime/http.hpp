#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace guestbook {

/// What the handlers see of an HTTP request, whatever library read it.
struct Request {
  std::string method;
  std::string target;  ///< path and query, as sent
  std::string content_type;
  std::string delete_token;
  std::string body;
};

struct Response {
  unsigned status = 200;
  std::string content_type;  ///< empty: no body
  std::string body;
  std::vector<std::pair<std::string_view, std::string>> headers{};
};

}  // namespace guestbook
