#pragma once
/// Primitive: the objects of one deployment in one namespace of a Kubernetes cluster. A capability hands over a whole
/// set; dry runs, order and parallelism live inside it.
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "harmony/primitive.hpp"
#include "host/host.hpp"
#include "k8s/object.hpp"
#include "k8s/others.hpp"

namespace harmony::k8s {

/// An object as a capability wants it: apiVersion, kind, metadata.name, and of the rest what it decides. The
/// namespace, and the labels that say whose it is, are added on the way.
struct Manifest {
  boost::json::object object;
  std::map<std::string, host::Content> data = {};  ///< of a Secret: plain values
  /// Annotations of its pod template: fingerprints of texts that pods read only at their start, so that they are made
  /// anew when one moves.
  std::map<std::string, host::Content> fingerprints = {};
  bool holds_data = false;  ///< outlives its Score and a `destroy` as kept
  /// Of one that holds data and runs something upon it: annotations that it gets when its Score goes and the data stays.
  /// They have to be among its own, with the values of one that works.
  std::map<std::string, std::string> at_rest = {};
};
using ObjectSet = std::vector<Manifest>;

/// Values made once, 32 random characters each, and kept as data.
struct GeneratedSecret {
  std::string name;
  std::vector<std::string> keys;
  std::string opens = {};  ///< a claim whose data no other value opens: made only where that is not there either
  std::map<std::string, std::string> plain = {};  ///< what else it says: nobody's secret
  std::string type = {};  ///< "kubernetes.io/basic-auth"; empty: Opaque
};

/// Where to, inside the cluster: the pods of a Deployment or StatefulSet, in the version that was wanted last; of a Cluster
/// of CloudNativePG its primary.
struct ForwardTarget {
  std::string kind;  ///< "Deployment", "StatefulSet", "Cluster"
  std::string name;
  int port = 0;
  std::string group = "apps";
  GroupVersionKind what() const { return {group, "v1", kind}; }
  auto operator<=>(const ForwardTarget&) const = default;
};

/// Why what answers is not what was deployed.
struct Unproven {
  std::string reason;
  bool may_heal = false;  ///< it may still become so by itself: pods that are not ready at the moment
  std::string help = {};  ///< where the cause is known
  std::string subject = {};  ///< where it is neither the workload nor the Service that was asked for
  std::string others = {};  ///< what somebody has set there, and no Score: it may be the cause
};

class RehearsedApi;

/// Thread-safe. Subjects as kubectl writes them: deployment.apps/guestbook, service/guestbook. @throws Unreachable
/// (H0410…), H0430 (somebody else's object), H0433 (no namespace), H0450… (a cause that was found), Stopped
class Api : public Primitive {
 public:
  using twin = RehearsedApi;
  std::string_view primitive() const override { return "k8s"; }

  // reads
  /// A value of a GeneratedSecret; pending where it is yet to be made.
  virtual Deferred<Secret<std::string>> value(Scope&, const std::string& secret, const std::string& key) = 0;
  /// A port of this machine that leads there for as long as this primitive lives. Where nothing is ready there yet, one
  /// that leads nowhere, and PendingEndpoints says so in a rehearsal. @throws Error H0440
  virtual host::Endpoint forward(Scope&, const ForwardTarget&) = 0;
  /// Sends nothing. @throws Error H0461 where the last connection through this forward was not allowed
  virtual void require_reachable(const host::Endpoint&) const = 0;
  /// Nothing where the pods behind are those of the version wanted last, all of one image, and this Service leads to them
  /// and to nothing else; else what is not so. Where a deploy changes nothing, and so waits for nothing, that what its
  /// rehearsal has found not to work still does not, too.
  virtual std::optional<Unproven> not_proven(Scope&, const ForwardTarget&, const std::string& service) = 0;

  // writes
  /// Where the deployment may make its namespace: a step that says whether it does. @throws Error H0433
  virtual void ensure_space(Scope&) = 0;
  virtual void ensure(Scope&, const GeneratedSecret&) = 0;
  virtual void ensure(Scope&, const ObjectSet&) = 0;
  /// Waits by watch until all of the set are ready; ends at once, with the cause, where one has no hope.
  /// @throws Error H045x, TimedOut
  virtual void until_ready(Scope&, const ObjectSet&, std::chrono::milliseconds limit) = 0;

  /// Whether the cluster knows objects of that kind, and a controller of its own makes something of them.
  /// @throws Error H0421 where the server of that group does not answer
  virtual bool serves(Scope&, std::string_view group, std::string_view kind) = 0;
  /// Whether pods can be told to go on for a while before they end, without a program of theirs (Kubernetes 1.30).
  virtual bool can_linger(Scope&) = 0;
  /// What others have put into the cluster, where a choice rests on it.
  virtual Others others(Scope&, const OthersQuery&) = 0;
  /// Whether the deployment has such an object, or would take it over; false where the cluster does not know its kind.
  virtual bool has(Scope&, const GroupVersionKind&, const std::string& name) = 0;
  /// Whether the cluster gives pods a user of its own choice, and refuses others (OpenShift does).
  bool assigns_users(Scope& in) { return serves(in, "route.openshift.io", "Route"); }
  virtual const std::string& space() const = 0;  ///< the deployment's namespace
};

}  // namespace harmony::k8s
