#pragma once
/// The last words of a verb that did something.
#include <optional>
#include <string>

#include "diagnostic.hpp"
#include "harmony/engine.hpp"

namespace harmony::cli {

struct SummaryContext {
  Style style{false};
  Redact redact = {};
  std::string program;                     ///< as it was called, for the commands to try next
  std::string options = {};                ///< that such a command needs too: " --on edge --deployment blue"
  std::string deployment, version, topology;
  std::optional<std::string> unverified = {};
  bool hints = true;                       ///< commands to try next
  std::optional<int> signal = {};
  std::size_t columns = 0;                 ///< of the terminal, for steps; 0: as wide as they get
};

/// Whether anything is other than it was: a run may have begun, and ended before its first change.
bool changed_anything(const Report&);

std::string deploy_summary(const Report&, const SummaryContext&);
std::string destroy_summary(const Report&, const LedgerState& after, const SummaryContext&);
std::string smoke_test_summary(const Report&, const SummaryContext&);
/// Below the errors: what was done before it failed, and how it goes on; nothing where it had not begun.
std::string changed_before_failure(const Report&, const std::string& verb, const SummaryContext&);

}  // namespace harmony::cli
