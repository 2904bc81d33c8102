#pragma once
/// Certificates and keys as PEM texts, looked at before a connection is made: what is wrong with them is the user's to
/// mend, and a TLS library says it badly and late.
#include <chrono>
#include <optional>
#include <string>

#include "harmony/secret.hpp"
#include "k8s/kubeconfig.hpp"

namespace harmony::k8s {

struct ClientCertificate {
  std::string chain;                         ///< PEM, our own first
  Secret<std::string> key;                   ///< PEM
  bool operator==(const ClientCertificate&) const = default;
};

/// The text of a material, from its file where it is in one. @throws Error H0400
Secret<std::string> text_of(const Material&, std::string_view what);

/// Those whom we trust. @throws Error H0400, H0404
std::string authority_of(const Material&);
/// @throws Error H0404: no certificate, no key, a key with a pass phrase, not a pair, expired, not yet valid
ClientCertificate client_certificate(std::string chain, Secret<std::string> key, const Origin&);

}  // namespace harmony::k8s
