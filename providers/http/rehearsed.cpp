#include "http/rehearsed.hpp"

namespace harmony::http {

Answer RehearsedProbe::request(Scope& in, const host::Endpoint& at, const HttpRequest& request,
                               std::chrono::milliseconds limit) {
  if (const auto pending = pending_.find(at)) return {std::nullopt, pending->because};
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (in.rehearsed(key()) && !reads)
    throw Error({.code = "H0263",
                 .message = "a " + request.method + " cannot be rehearsed: nobody knows what it would change",
                 .subject = "request" + request.path,
                 .help = "send it from a smoke test, not from `interpret`"});
  return real_->request(in, at, request, limit);
}

}  // namespace harmony::http
