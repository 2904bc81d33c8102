#pragma once
/// The real primitive.
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "k8s/api.hpp"
#include "k8s/lease.hpp"
#include "k8s/place.hpp"
#include "k8s/readiness.hpp"
#include "k8s/relations.hpp"
#include "k8s/server_version.hpp"
#include "k8s/wanted.hpp"

namespace harmony::k8s {

class Forwards;
struct Assessment;

class ServerApi final : public Api {
 public:
  ServerApi(std::shared_ptr<const Place>, std::shared_ptr<Lease>);
  ~ServerApi() override;

  Deferred<Secret<std::string>> value(Scope&, const std::string& secret, const std::string& key) override;
  host::Endpoint forward(Scope&, const ForwardTarget&) override;
  void require_reachable(const host::Endpoint&) const override;
  std::optional<Unproven> not_proven(Scope&, const ForwardTarget&, const std::string& service) override;
  bool serves(Scope&, std::string_view group, std::string_view kind) override;
  bool can_linger(Scope&) override;
  Others others(Scope&, const OthersQuery&) override;
  bool has(Scope&, const GroupVersionKind&, const std::string& name) override;
  const std::string& space() const override { return place_->space; }
  void ensure_space(Scope&) override;
  void ensure(Scope&, const GeneratedSecret&) override;
  void ensure(Scope&, const ObjectSet&) override;
  void until_ready(Scope&, const ObjectSet&, std::chrono::milliseconds limit) override;

  void remove(Scope&, const LedgerEntry&) override;
  void rest(Scope&, const LedgerEntry&) override;
  Observation observe(Scope&, const LedgerEntry&) override;
  void logs(Scope&, const LedgerEntry&, const LogQuery&, const LogSink&) override;
  void conceal(Scope&, const LedgerEntry&) override;
  std::string read_again(Scope&, std::string_view key) override;

  // For the twin.
  /// 0.0 where the server does not tell.
  ServerVersion version(Scope&);
  static constexpr std::string_view cluster_key = "cluster", space_key = "space";
  std::string cluster_mark(Scope&) const;
  const Place& place() const { return *place_; }
  std::optional<boost::json::value> find(Scope&, const ObjectReference&) const;
  /// What a Secret holds that is ours, or may become so.
  std::map<std::string, std::string> values_in(const std::optional<boost::json::value>& secret) const;
  std::optional<Secret<std::string>> kept_value(Scope&, const std::string& secret, const std::string& key) const;
  /// What has to be watched to see when they are ready.
  std::vector<Resource> watched_for(Scope&, const ObjectSet&) const;
  /// A pod of it that is ready: the youngest; of a Cluster of CloudNativePG its primary.
  std::optional<std::string> ready_pod(Scope&, const ForwardTarget&) const;

  /// What of it is not as this run, or the one before, has left it, or not ready.
  std::optional<Unproven> not_as_wanted(Scope&, const ObjectReference&);

  /// What is expected of it from now on: what a write returned, or what was found as it is wanted.
  void remember(const Wanted&, const std::optional<Expected>& written, const std::optional<boost::json::value>& live);

  /// Before the first write of a run, since its ledger and its lock are in the namespace. @throws Error H0433
  void make_space(Scope&);
  /// Those of them that are there. @throws Error H0461
  void require_removable(Scope&, const std::vector<LedgerEntry>&) const;

 private:
  void settle(Scope&, const Wanted&, const Assessment&, const std::optional<boost::json::value>& live);
  StillWanted while_locked() const;
  /// What our writes of it returned; nothing where none was needed.
  Expected expected(const ObjectReference&) const;
  /// H0474, H0476 or H0430 where `live` is not what this run has made of it, or left.
  std::optional<Error> not_ours_any_more(Scope&, const ObjectReference&, const boost::json::value& live);
  /// Whether this run has waited until it was.
  bool was_ready(const ObjectReference&) const;
  std::optional<std::string> ready_pod_soon(Scope&, const ForwardTarget&);
  std::optional<Unproven> not_as_wanted(Scope&, const ObjectReference&, const boost::json::value& live,
                                        const Objects& related);
  Expected write(Scope&, const Wanted&, bool force);
  void until_gone(Scope&, const ObjectReference&, const std::string& uid) const;
  void take_away(Scope&, const ObjectReference&, const boost::json::value& live);
  void until_at_rest(Scope&, const Subject&) const;
  std::optional<boost::json::value> find(Scope&, const Subject&) const;
  /// Its pods, and what else its readiness is read from.
  Objects related_to(Scope&, const boost::json::value& live) const;

  std::shared_ptr<const Place> place_;
  std::shared_ptr<Lease> lease_;
  std::unique_ptr<Forwards> forwards_;
  bool made_space_ = false;
  mutable std::mutex mutex_;
  std::optional<ServerVersion> version_;
  struct Ensured {
    Wanted wanted;
    std::optional<Expected> written;
    std::string uid;  ///< that object, up to that generation (0: its kind has none), is known to be as wanted
    std::int64_t generation = 0;
  };
  std::map<ObjectReference, Ensured> ensured_;
  std::set<ObjectReference> ready_;
};

}  // namespace harmony::k8s
