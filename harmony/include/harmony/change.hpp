#pragma once
/// The one vocabulary of changes: what a primitive reports, what a plan lists, what a deploy is checked against.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace harmony {

/// Who is meant: stable over runs, unique within a deployment.
struct Subject {
  std::string primitive;  ///< "host", "sql", "nats"
  std::string kind;       ///< "process", "file", "role"
  std::string name;       ///< "guestbook-db"
  auto operator<=>(const Subject&) const = default;
  std::string text() const { return kind + "/" + name; }
};

enum class Action : std::uint8_t { unchanged, create, update, replace, remove };
std::string_view to_string(Action);

/// How sure a planned change is. Never upgraded silently.
enum class Fidelity : std::uint8_t {
  exact,    ///< read and compared here
  server,   ///< the server's own dry run
  shadow,   ///< validated in a stand-in
  schema,   ///< checked against its schema only
  unknown,  ///< cannot be known before the deploy: admits no change, a create or an update
};
std::string_view to_string(Fidelity);

/// Where the new value of a field comes from; all but `exact` match any value when a deploy is checked against its plan.
enum class Origin : std::uint8_t { exact, generated, deferred, defaulted };

struct FieldChange {
  std::string path;  ///< "environment.NATS_URL"
  std::string before = {};  ///< empty: not there. A secret's fingerprint, never its value
  std::string after = {};
  Origin origin = Origin::exact;
  bool operator==(const FieldChange&) const = default;
};

struct Change {
  Subject subject;
  Action action = Action::unchanged;
  std::vector<FieldChange> fields = {};
  std::string before = {};  ///< fingerprint of the state it was read in; empty where there was none
  std::string after = {};
  std::string effect = {};  ///< "restarts the process", "interrupts service", "deletes all data"
  Fidelity fidelity = Fidelity::exact;
  std::string reason = {};  ///< of an unknown, a replacement, a removal
  std::string identity = {};  ///< what the world calls it: a port's number, pid and start time, an uid
  bool holds_data = false;  ///< outlives its Score and a `destroy` as `kept`
  bool loses_data = false;  ///< asked about, always
  bool shared = false;  ///< belongs to the machine, not to this deployment alone: never removed
};

/// True where `done` is what `planned` promised: same subject, action and fields (decision 5).
bool fits(const Change& planned, const Change& done);

}  // namespace harmony
