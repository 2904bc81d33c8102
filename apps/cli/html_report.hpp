#pragma once
/// One self-contained page about a run: no script, nothing loaded from elsewhere, light and dark.
#include <optional>
#include <string>
#include <vector>

#include "diagnostic.hpp"
#include "harmony/engine.hpp"
#include "timeline.hpp"

namespace harmony::cli {

class Session;

struct ReportPage {
  std::string program, verb, deployment, topology, version;
  std::chrono::system_clock::time_point began;
  std::chrono::nanoseconds took{};
  std::optional<int> exit_code = {};  ///< nothing: it has not ended
  const Plan* plan = nullptr;      ///< what was planned, if anything was
  const Report* report = nullptr;  ///< what was done, if anything was
  std::vector<Diagnostic> errors = {};
  std::vector<Span> spans = {};
  Redact redact = {};
};

std::string html_page(const ReportPage&);

/// What whoever looks finds while it runs, and after it was killed: not the page of the run before.
void begin_report(Session&);

/// Writes the page where --report asks for it. That it cannot be written is told, and changes no result.
/// @param exit_code nothing: it has not ended
void write_report(Session&, const Report*, const std::vector<Diagnostic>& errors, std::optional<int> exit_code);

}  // namespace harmony::cli
