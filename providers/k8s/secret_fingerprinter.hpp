#pragma once
/// Fingerprints by the key that is kept beside a deployment's ledger; before its first deploy by one that is new.
#include <memory>
#include <mutex>
#include <string>

#include "harmony/secret.hpp"
#include "k8s/secret_ledger.hpp"

namespace harmony::k8s {

/// Thread-safe. Asks the cluster with its first use. @throws what the ledger throws
class SecretFingerprinter final : public Fingerprinter {
 public:
  explicit SecretFingerprinter(std::shared_ptr<SecretLedger> ledger) : ledger_(std::move(ledger)) {}
  std::string of(std::string_view value) const override;
  std::string key() const;
  /// From now on the cluster keeps it; where another deploy was quicker, its key counts.
  void keep();
  /// Of a saved plan. @throws Error H0206, StalePlan where the deployment has another
  void adopt(const std::string& key);

 private:
  const std::string& known() const;

  std::shared_ptr<SecretLedger> ledger_;
  mutable std::mutex mutex_;
  mutable std::string key_;
  mutable bool kept_ = false;
};

}  // namespace harmony::k8s
