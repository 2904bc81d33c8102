#include "k8s/secret_fingerprinter.hpp"

#include "harmony/error.hpp"
#include "host/fingerprint_key.hpp"

namespace harmony::k8s {

const std::string& SecretFingerprinter::known() const {
  if (!key_.empty()) return key_;
  auto there = ledger_->fingerprint_key();
  kept_ = there.has_value();
  key_ = there ? std::move(*there) : host::fresh_key();
  return key_;
}

std::string SecretFingerprinter::of(std::string_view value) const {
  std::lock_guard hold{mutex_};
  return host::fingerprint(known(), value);
}

std::string SecretFingerprinter::key() const {
  std::lock_guard hold{mutex_};
  return known();
}

void SecretFingerprinter::keep() {
  std::lock_guard hold{mutex_};
  key_ = ledger_->keep_fingerprint_key(known());
  kept_ = true;
}

void SecretFingerprinter::adopt(const std::string& key) {
  host::require_key(key);
  std::lock_guard hold{mutex_};
  const bool same = known() == key;
  if (kept_ && !same) throw StalePlan({"the deployment has been made since, with another fingerprint key"});
  key_ = key;
}

}  // namespace harmony::k8s
