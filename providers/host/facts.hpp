#pragma once
/// What is read of this machine before it is compared with what is wanted: the input of the pure diffs.
#include <optional>
#include <string>
#include <vector>

#include "host/definition.hpp"
#include "host/status.hpp"

namespace harmony::host {

/// A folder or a file, its owner by name.
struct PathState {
  int mode = 0;
  std::string owner;
  bool operator==(const PathState&) const = default;
};

struct FileState {
  PathState path;
  std::optional<std::string> content = {};  ///< nothing: pending, in a rehearsal
  std::string shown = {};                   ///< the pending one's
  bool may_hold_secrets = true;             ///< then no line of it is shown
};

struct TreeState {
  std::string version = {};                 ///< what its version file says
};

struct ProcessFacts {
  bool declared = false;                    ///< the supervisor has a folder of it
  bool kept_up = false;                     ///< it is supervised, and wanted up
  bool scanned = false;                     ///< the supervisor's root lives
  bool settled = false;                     ///< the running process has said what it is
  int pid = 0;                              ///< 0: not running at this moment
  bool half_reloaded = false;  ///< whoever told it to reload was killed: which configuration it has, nobody knows
  bool paused = false;  ///< it is there, and a signal keeps it from doing anything
  Time since{};
  std::string declared_id = {};  ///< of the definition of its next start; empty: it or its scripts are damaged
  std::optional<Definition> next = {};  ///< that definition
  std::string running_id = {};
  std::optional<Definition> running = {};  ///< what runs, or ran last
  std::string other_executable = {};  ///< hash of what runs where that is not what it was started as
  Time told{};  ///< when a deploy last (re)started it
  std::vector<Death> deaths = {};  ///< since then
  bool log_gone = false;  ///< its folder was deleted: what it writes gets lost
  bool left_over = false;  ///< something of a removed one is still there
  /// Pids of those that run though the supervisor does not look after them: its folder was taken away, or one of its own
  /// processes killed. Looked for where something is wrong already.
  std::vector<int> strays = {};
  /// Of what a plan depends on; pid and times are no part of it.
  std::string fingerprint() const;
};

/// Who listens somewhere; `ours` where it is the supervised process that was asked about.
struct Listener {
  int pid = 0;
  std::string command;
  bool ours = false;
};

}  // namespace harmony::host
