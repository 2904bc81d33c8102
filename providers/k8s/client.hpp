#pragma once
/// A client of the Kubernetes API: small, generic over kinds. It knows no rehearsal and owns nothing; the engine above it
/// decides what is written. Thread-safe; every verb honours the scope's stop token.
///
/// A write has three outcomes: done (it returns), failed (ApiError, ConnectionError: nothing was done), and unknown
/// (OutcomeUnknown): the caller reads back what it was about. Stopped leaves a write unknown, too.
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "k8s/discovery.hpp"
#include "k8s/limiter.hpp"
#include "k8s/object.hpp"
#include "k8s/retry.hpp"
#include "k8s/status.hpp"
#include "k8s/stream.hpp"
#include "k8s/transport.hpp"

namespace harmony::k8s {

/// A preview goes the whole way through the server, and is not stored (`dryRun=All`): it is a read.
enum class Storing { stored, previewed };

struct Written {
  boost::json::value object;  ///< as the server has it now, or would have it
  bool created = false;
  std::vector<std::string> warnings = {};  ///< what the server takes, and would rather not; cleaned
};
/// Before each try of a write: one that comes late may no longer be what is wanted. Throws where it is not to be sent.
using StillWanted = std::function<void(Scope&)>;
struct ApplyOptions {
  std::string manager;  ///< who owns the fields
  bool force = false;  ///< takes fields from others
  Storing storing = Storing::stored;
  StillWanted still_wanted = {};
};
struct WriteOptions {
  std::string manager;
  Storing storing = Storing::stored;
};
enum class Propagation { background, foreground, orphan };
struct RemoveOptions {
  std::string uid;  ///< only the object that has it; never empty
  std::string resource_version = {};  ///< only as it was then; empty: whatever became of it
  Propagation propagation = Propagation::background;
  std::optional<std::chrono::seconds> grace = {};
  Storing storing = Storing::stored;
  StillWanted still_wanted = {};
};
enum class Removal {
  nothing_there,
  gone,
  going,  ///< the server waits: for finalizers, or for a pod to end
};

struct ListQuery {
  std::string space = {};  ///< empty: all namespaces
  std::string labels = {}, fields = {};  ///< selectors
  int page = 0;  ///< items for each request; 0: all at once, which is quicker
};
struct Listed {
  std::string resource_version;
  std::size_t items = 0;
};

struct WatchEvent {
  enum class What {
    added,
    modified,
    removed,
    synced,  ///< all that was there has been told; no object
  };
  What what;
  boost::json::value object = {};  ///< of a removed one perhaps no more than its names and uid
};
/// false: enough.
using WatchSink = std::function<bool(const WatchEvent&)>;

struct LogOptions {
  std::string container = {};  ///< empty: the only one
  bool previous = false;  ///< of the run before the last restart
  bool follow = false;
  std::optional<int> lines = {};  ///< last so many
  bool stamped = false;  ///< each line with its time, RFC 3339 with nanoseconds and a space, before it
  std::string since = {};  ///< not those from before this time, of which the server heeds whole seconds
};
/// A line as the container wrote it: who shows it cleans it. false: enough.
using LineSink = std::function<bool(std::string_view)>;

/// What the cluster says of an object. Texts are cleaned.
struct EventNote {
  std::string type, reason, message, last;  ///< last: when
  int count = 1;
};

/// H0421, with the groups that do not answer, since it may be in one of them.
class NoSuchKind final : public Error {
 public:
  using Error::Error;
};

class Watched;

class Client {
 public:
  /// @throws Error H0400, H0402, H0404
  Client(const Access&, const Environment&);
  ~Client();

  // reads
  std::shared_ptr<const Catalogue> catalogue(Scope&);
  /// Asks the server again where the kind is unknown: it may just have been made. @throws NoSuchKind
  Resource resource(Scope&, const GroupVersionKind&);
  /// Nothing where there is no such object. An error where there is no such kind.
  std::optional<boost::json::value> get(Scope&, const Resource&, const std::string& space, const std::string& name);
  std::vector<boost::json::value> list(Scope&, const Resource&, const ListQuery&);
  /// Item by item, while they arrive. @param again what came before is void: the list begins anew. Without it a list
  /// that breaks is an error.
  Listed list(Scope&, const Resource&, const ListQuery&, const ItemSink& each, const std::function<void()>& again = {});
  /// Tells what is there, then what changes, until `each` has enough or a stop is asked for. Survives broken connections
  /// and 410; what went away meanwhile is told as removed. @throws Error H0422 where it makes no sense any more
  void watch(Scope&, const Resource&, const ListQuery&, const WatchSink& each);
  void logs(Scope&, const std::string& space, const std::string& pod, const LogOptions&, const LineSink&);
  /// Oldest first.
  std::vector<EventNote> events(Scope&, const ObjectReference&, const std::string& uid = {});
  /// What the server says to a GET of a path of its own: "/version". @throws ApiError
  std::string raw(Scope&, const std::string& path);
  /// Posts a question that the server answers and does not keep: a SelfSubjectAccessReview. @throws ApiError
  boost::json::value ask(Scope&, const std::string& path, const boost::json::object& question);

  // writes
  Written create(Scope&, const Resource&, const boost::json::value& object, const WriteOptions&);
  /// Server-side apply: idempotent, so one whose outcome is unknown may be sent again after reading back.
  Written apply(Scope&, const Resource&, const boost::json::value& object, const ApplyOptions&);
  /// PUT: refused (409) where it is not any more what `object` says as its resourceVersion.
  Written replace(Scope&, const Resource&, const boost::json::value& object, const WriteOptions&);
  /// One whose answer is lost is sent again: it names the very object. @throws ApiError a conflict where what is there
  /// is another one, or another version
  Removal remove(Scope&, const Resource&, const std::string& space, const std::string& name, const RemoveOptions&);

  /// For whoever runs requests side by side: `side_by_side(client.limiter(), …)`.
  const Limiter& limiter() const { return limiter_; }
  /// Why a request is being tried again at this time; nothing where the server answers.
  std::optional<std::string> trouble() const;

  // For connections of another kind: port-forward.
  const Destination& destination() const { return transport_.destination(); }
  Credentials& credentials() { return *credentials_; }
  const std::vector<std::pair<std::string, std::string>>& impersonation() const { return impersonation_; }

 private:
  struct Call {
    Request request;
    Asked asked;
    Verb verb = Verb::read;
    StillWanted still_wanted = {};
  };
  Reply send(Scope&, Call, const BodySink& body = {});
  Reply try_once(Scope&, const Call&, const Credential&, const BodySink&);
  bool wait(Scope&, Patience&, std::optional<std::chrono::seconds> asked_for, const std::string& why,
            int most = Patience::most_tries);
  bool again_after(Scope&, Patience&, const Reply&, const Call&);
  boost::json::value object_of(const Reply&, const Asked&) const;
  void require_same(const boost::json::value&, const Resource&, const std::string& name, const Asked&) const;
  Written write(Scope&, Call, const Resource&, const std::string& name);
  Listed list_once(Scope&, const Resource&, const ListQuery&, const ItemSink& each);
  std::optional<std::vector<WatchEvent>> list_anew(Scope&, const Resource&, const ListQuery&, Watched&, bool again);
  enum class Streamed { enough, brought_something, brought_nothing };
  Streamed watch_once(Scope&, const Resource&, const ListQuery&, Watched&, const WatchSink&, const Asked&);
  void heed_end(Scope&, const Status&, Watched&, const Asked&);
  std::shared_ptr<const Catalogue> discover(Scope&);
  void discover_plainly(Scope&, Catalogue&, const boost::json::value& versions, std::string_view root);
  double random();
  void note_trouble(std::optional<std::string> why);
  /// Since when no request has had an answer; from now on, where the last one had.
  Patience::Clock::time_point silent_since(Patience::Clock::time_point now);
  void note_answer();

  Transport transport_;
  std::unique_ptr<Credentials> credentials_;
  std::vector<std::pair<std::string, std::string>> impersonation_;
  Limiter limiter_;
  mutable std::mutex mutex_;  ///< of what follows
  std::shared_ptr<const Catalogue> catalogue_;
  std::optional<std::string> trouble_;
  std::optional<Patience::Clock::time_point> silent_since_;
  std::atomic<bool> answered_{false};  ///< the server was there: where it is not any more, it may come back
  std::uint64_t random_state_;
};

}  // namespace harmony::k8s
