#pragma once
/// What a run did, or a rehearsal would do, in the order of the Score tree. Built by the engine, never by a Score.
#include <source_location>
#include <string>
#include <vector>

#include "harmony/change.hpp"

namespace harmony {

/// One line that people read: a capability's step ("database server guestbook-db") and the changes of its parts.
struct StepOutcome {
  std::string kind;        ///< "database server"
  std::string name;        ///< "guestbook-db"
  std::string detail;      ///< "PostgreSQL 15 on 127.0.0.1:5433"
  std::string score_path;  ///< "guestbook > guestbook-db"
  std::source_location at;
  std::vector<Change> changes;
  Action action = Action::unchanged;
  Fidelity fidelity = Fidelity::exact;
  std::string effect;      ///< of the change that decides, else of the first that has one
  bool loses_data = false;
  bool failed = false;     ///< or stopped, in its middle: more was to come than these changes
};

struct Note {
  std::string label;  ///< "open"
  std::string text;   ///< "http://127.0.0.1:8081"
};

struct Outcome {
  std::vector<StepOutcome> steps;
  std::vector<Note> notes;
  int count(Action) const;                ///< in steps, as people count
  bool empty() const;                     ///< no step changes anything and none is unknown
  std::vector<Change> changes() const;    ///< all parts, in tree order
  const Change* find(const Subject&) const;
};

}  // namespace harmony
