#pragma once
/// The ledger of a deployment in its namespace: a Secret, which is also the parent of an ApplySet, so that kubectl
/// knows what belongs to it.
#include <memory>
#include <optional>
#include <string>

#include "harmony/ledger.hpp"
#include "k8s/lease.hpp"
#include "k8s/place.hpp"

namespace harmony::k8s {

/// Thread-safe. Each mutation is one PUT of the whole Secret, refused where somebody else has written it meanwhile.
class SecretLedger final : public Ledger {
 public:
  SecretLedger(std::shared_ptr<const Place>, std::shared_ptr<Lease>);
  ~SecretLedger() override;
  LedgerState read() const override;
  std::unique_ptr<Lock> lock(Scope&, std::chrono::milliseconds limit) override;
  void begin(const RunRecord&, const std::vector<LedgerEntry>& intended) override;
  void intend(const LedgerEntry&) override;
  void settle(const LedgerEntry&) override;
  void forget(const Subject&) override;
  void finish(const RunRecord&) override;
  void tell(std::function<void(std::string_view reason)> waits) override;

  /// The key of fingerprints that is kept beside it; nothing where no deploy has kept one yet.
  std::optional<std::string> fingerprint_key() const;
  /// Makes the Secret where it is missing. @returns the key that counts: the one there, else this
  std::string keep_fingerprint_key(const std::string&);
  bool is_there() const;
  /// Takes the Secret away.
  void take_away();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace harmony::k8s
