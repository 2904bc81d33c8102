#pragma once
/// Who we are to an API server: what is sent with a request, and how it is got.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harmony/scope.hpp"
#include "k8s/certificates.hpp"
#include "k8s/environment.hpp"
#include "k8s/kubeconfig.hpp"

namespace harmony::k8s {

/// As it is sent now.
struct Credential {
  Secret<std::string> authorization = {};    ///< "Bearer …"; empty: none
  std::optional<ClientCertificate> certificate = {};
  bool operator==(const Credential&) const = default;
};

/// Thread-safe. What a user has is concealed in the scope that asks for it.
class Credentials {
 public:
  virtual ~Credentials() = default;
  /// May read a file, or run a plugin. @throws Error H0400, H0404, H0405, H0406, Stopped
  virtual Credential current(const Scope&) = 0;
  /// The server did not take `refused`. @returns whether there is something else to try.
  virtual bool renew(const Scope&, const Credential& refused) = 0;
};

/// @param cluster for plugins that want to know it.
std::unique_ptr<Credentials> credentials_of(const User&, const Cluster&, const Environment&);

/// Impersonation: sent with every request, whoever we are.
std::vector<std::pair<std::string, std::string>> impersonation_of(const User&);

}  // namespace harmony::k8s
