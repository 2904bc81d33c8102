#pragma once
#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "harmony/reference.hpp"
#include "harmony/scope.hpp"

namespace harmony {

/// Makes a workload reachable over HTTP under a host name; switches to a new version when that is ready.
struct Route {
  std::string instance;
  std::string workload;                 ///< instance of a Workload
  std::string host = {};                ///< "guestbook.example"; empty: any
};

struct HttpRequest {
  std::string method = "GET";
  std::string path = "/";
  std::map<std::string, std::string> headers = {};
  std::string body = {};
};
struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers = {};  ///< names in lower case
  std::string body = {};
};

/// Thread-safe.
class HttpRoute {
 public:
  static constexpr std::string_view capability_name = "HttpRoute";
  virtual ~HttpRoute() = default;
  virtual void ensure(Scope&, const Route&) = 0;
  /// For smoke tests: asks through the route, and proves first that the version just deployed is what answers.
  /// @throws Error where somebody else answers, or nobody.
  virtual HttpResponse request(Scope&, std::string_view instance, const HttpRequest&) = 0;
};

/// "http://127.0.0.1:8081"
inline Reference route_url(std::string instance) { return {"HttpRoute", std::move(instance), "url"}; }

}  // namespace harmony
