#pragma once
/// What speaks like an API server as far as a test wants it, with the certificates for it.
#include <functional>
#include <string>

#include <fmt/format.h>

#include "k8s/kubeconfig.hpp"
#include "support/tls_server.hpp"

namespace harmony::testing {

/// Certificates of one world; made once, since a key takes its time under a sanitizer.
struct Authorities {
  Pair good = certificate({.subject = "/CN=authority", .authority = true});
  Pair other = certificate({.subject = "/CN=authority", .authority = true});  // the same name, another key
  Pair server = certificate({.subject = "/CN=server", .names = "IP:127.0.0.1,DNS:kubernetes", .issuer = &good});
  Pair client = certificate({.subject = "/CN=me", .issuer = &good, .usage = "clientAuth"});
  Pair stranger = certificate({.subject = "/CN=me", .issuer = &other, .usage = "clientAuth"});
};
inline const Authorities& authorities() {
  static const Authorities all;
  return all;
}

inline k8s::Cluster cluster_at(int port) {
  return {.server = fmt::format("https://127.0.0.1:{}", port),
          .authority = {.inside = Secret(authorities().good.chain), .origin = {.field = "ca"}},
          .origin = {.file = "config", .field = "clusters[c].cluster"}};
}

inline void serve_requests(TlsConnection& connection, const std::function<std::string(const std::string&)>& answer) {
  for (std::string request = connection.read_request(); !request.empty(); request = connection.read_request()) {
    const std::string text = answer(request);
    if (text.empty()) return connection.reset();
    if (!connection.write(text) || text.find("Connection: close") != std::string::npos) return;
  }
}
inline TlsServer::Handler answers(std::function<std::string(const std::string&)> answer) {
  return [answer = std::move(answer)](TlsConnection& connection) { serve_requests(connection, answer); };
}
inline TlsServer::Handler answers(const std::string& text) {
  return answers([text](const std::string&) { return text; });
}

}  // namespace harmony::testing
