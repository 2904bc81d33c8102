#pragma once
/// The twin: reads through, kinds as one list each; sees pending objects first; sends nothing but dry runs.
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "host/host.hpp"
#include "k8s/api.hpp"
#include "k8s/relations.hpp"
#include "k8s/rights.hpp"
#include "k8s/server_api.hpp"

namespace harmony::k8s {

class RehearsedApi final : public Api {
 public:
  RehearsedApi(std::shared_ptr<Api> real, Rehearsal&);
  ~RehearsedApi() override;

  Deferred<Secret<std::string>> value(Scope&, const std::string& secret, const std::string& key) override;
  host::Endpoint forward(Scope&, const ForwardTarget&) override;
  void require_reachable(const host::Endpoint&) const override;
  std::optional<Unproven> not_proven(Scope&, const ForwardTarget&, const std::string& service) override;
  bool serves(Scope&, std::string_view group, std::string_view kind) override;
  bool can_linger(Scope&) override;
  Others others(Scope&, const OthersQuery&) override;
  bool has(Scope&, const GroupVersionKind&, const std::string& name) override;
  const std::string& space() const override;
  void ensure_space(Scope&) override;
  void ensure(Scope&, const GeneratedSecret&) override;
  void ensure(Scope&, const ObjectSet&) override;
  void until_ready(Scope&, const ObjectSet&, std::chrono::milliseconds limit) override;

  void remove(Scope&, const LedgerEntry&) override;
  void rest(Scope&, const LedgerEntry&) override;
  Observation observe(Scope&, const LedgerEntry&) override;
  std::string read_again(Scope&, std::string_view key) override;

 private:
  std::optional<boost::json::value> find(Scope&, const ObjectReference&);
  const std::map<std::string, boost::json::value>& all(Scope&, const GroupVersionKind&);
  bool space_is_there(Scope&);
  /// @param restored what the levels before have put back
  void ensure(Scope&, std::vector<Wanted>, std::vector<std::string>& restored);
  /// Whether another step has described this very object already. @throws Error H0473 where it did so in other words
  bool is_described(const Scope&, const Wanted&);
  void note(const Change&);
  void warn_of_what_does_not_work(Scope&, const ObjectSet&);
  const Objects& what_works(Scope&);
  std::vector<ObjectReference> not_working() const;
  bool changes_a_workload() const;
  bool is_pending(const Subject&) const;
  /// In a namespace that is yet to be made nothing is known. @throws Error H0461
  void require(Scope&, const std::vector<Right>&);

  std::shared_ptr<ServerApi> real_;
  Rehearsal& rehearsal_;
  host::PendingEndpoints& endpoints_;
  mutable std::mutex mutex_;
  std::map<std::string, std::map<std::string, boost::json::value>> lists_;  ///< by kind, then name
  struct Described {
    boost::json::value object;
    std::string by;                          ///< which Score, and where it is
  };
  std::map<Subject, Described> described_;
  std::map<Subject, Change> pending_;        ///< what this rehearsal would have done
  std::vector<ObjectReference> not_working_; ///< is as it is wanted, and did not work
  std::optional<bool> space_there_;
  std::once_flag works_once_;
  Objects works_;
  Rights rights_;
};

}  // namespace harmony::k8s
