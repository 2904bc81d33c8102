#pragma once
/// One per deployment: what it owns and, write-ahead, what the current run has done (decision 6).
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/change.hpp"
#include "harmony/outcome.hpp"

namespace harmony {

struct LedgerEntry {
  enum class State {
    intended,  ///< written before the write, or before data is removed; whether it happened is settled by reading back
    owned,
    kept,  ///< data that outlived its Score or a destroy
  };
  Subject subject;
  State state = State::intended;
  std::string identity = {};  ///< pid and start time, uid, port number; added at settle
  std::string step_kind = {};  ///< "database server"
  std::string step_name = {};  ///< "guestbook-db"
  std::string score_path = {};  ///< "guestbook > guestbook-db"
  bool holds_data = false;
  bool shared = false;
  std::uint64_t sequence = 0;  ///< order of making; swept in reverse
  /// "database server guestbook-db"; what belongs to no step goes by its subject.
  std::string step() const { return step_name.empty() ? subject.text() : step_kind + " " + step_name; }
};

/// What a deploy was given that another one may not be. As it was given; nothing secret.
struct Given {
  std::map<std::string, std::string> settings = {};  ///< --set and --config, by field
  std::map<std::string, std::string> options = {};  ///< the topology's that shape what is deployed
  bool empty() const { return settings.empty() && options.empty(); }
  std::string text() const;  ///< "image=a:2, replicas=3, --nats-image=nats:2.11"
  bool operator==(const Given&) const = default;
};

/// Who runs, or ran last.
struct RunRecord {
  std::string id;  ///< unique: time and random
  std::string verb;  ///< "deploy", "destroy"
  std::string who;  ///< "deploy@ci-7"
  std::string version = {};  ///< of what was deployed, as the root says; a destroy has none
  std::string started;  ///< RFC 3339, UTC
  std::string finished = {};  ///< empty: unfinished
  int planned = 0;  ///< writes the plan had
  int done = 0;  ///< writes settled
  bool failed = false;
  bool stopped = false;  ///< failed by nothing but a signal
  std::string key_mark = {};  ///< of one text by the fingerprint key: another mark means another key
  bool smoke_tested = false;
  Given given = {};  ///< a deploy's
  std::vector<Note> notes = {};  ///< what a deploy that ended well told whoever uses it: "open" and an address
  bool at_work = false;  ///< another process is still at it; never written
};

struct LedgerState {
  std::optional<RunRecord> run;  ///< the current or last run
  std::string last_success = {};  ///< RFC 3339 of the last deploy that returned 0
  std::vector<LedgerEntry> entries;  ///< in order of making
  const LedgerEntry* find(const Subject&) const;
  /// In the place of the one of that subject, else at the end.
  void put(LedgerEntry);
  /// A run begins that goes through these, in this order: behind all others.
  void line_up(const std::vector<LedgerEntry>&);
  /// Data, and nothing else of what it belongs to: kept, or left by a destroy that did not come to its end.
  bool only_kept(const LedgerEntry&) const;
  bool unfinished() const { return run && run->finished.empty(); }
  /// The last run failed, or never came to its end.
  bool ended_badly() const { return unfinished() || (run && run->failed); }
};

/// Released by its destructor. While it is held nobody else writes to this deployment.
class Lock {
 public:
  virtual ~Lock() = default;
  /// True where it had to be waited for: the world may have moved.
  virtual bool waited() const = 0;
};

class Scope;

/// Thread-safe. Reading makes no file. Every mutation is durable when it returns.
class Ledger {
 public:
  virtual ~Ledger() = default;
  virtual LedgerState read() const = 0;
  /// @throws Error H0201, Category::locked, naming the holder, when `limit` is over.
  virtual std::unique_ptr<Lock> lock(Scope&, std::chrono::milliseconds limit) = 0;
  virtual void begin(const RunRecord&, const std::vector<LedgerEntry>& lined_up) = 0;
  virtual void intend(const LedgerEntry&) = 0;  ///< one that no rehearsal could name, or data that is about to go
  virtual void settle(const LedgerEntry&) = 0;  ///< now owned (or kept), with its identity
  virtual void forget(const Subject&) = 0;
  virtual void finish(const RunRecord&) = 0;
  /// Whom the mutations that follow tell what they wait for, should it take long; nobody, where it is empty. Who calls it
  /// lets no other thread mutate meanwhile.
  virtual void tell(std::function<void(std::string_view reason)>) {}
};

}  // namespace harmony
