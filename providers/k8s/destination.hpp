#pragma once
/// Where an API server is and how it is reached and recognised: one description for every connection, REST and WebSocket
/// alike, so that none of them checks less than the other.
#include <memory>
#include <string>

#include <curl/curl.h>

#include "k8s/credentials.hpp"
#include "k8s/environment.hpp"
#include "k8s/kubeconfig.hpp"

namespace harmony::k8s {

struct Destination {
  bool tls = true;
  std::string host = {};  ///< without brackets
  int port = 443;
  std::string prefix = {};  ///< before every path, where a gateway stands in front: "/clusters/one"
  std::string authority = {};  ///< PEM; empty: those whom the system trusts
  std::string tls_server_name = {};  ///< empty: `host`
  bool insecure = false;
  std::string proxy = {};  ///< empty: none
  std::string text() const;  ///< "https://10.0.0.1:6443"
  std::string host_and_port() const;  ///< "[::1]:6443"
};

/// Reads the authority's file. @throws Error H0400, H0402, H0404
Destination destination_of(const Cluster&, const Environment&);

/// The proxy that an environment names for a host; empty for none. Loopback is never sent through one.
std::string proxy_for(const std::string& host, int port, const Environment&);
/// A proxy's URL as it may be shown: without the password in it.
std::string without_user(const std::string& url);
bool is_loopback(const std::string& host);

using CurlList = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

/// Everything of a handle that decides whom it speaks to and who we are. Both must outlive the transfer, and so must
/// what is returned.
[[nodiscard]] CurlList direct(CURL*, const Destination&, const Credential&, const std::string& path);

}  // namespace harmony::k8s
