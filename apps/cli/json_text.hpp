#pragma once
/// What machines read: every structure of a run as JSON. The schema is docs/cli.md and docs/events.md.
#include <chrono>
#include <cstdint>

#include <boost/json.hpp>

#include "diagnostic.hpp"
#include "harmony/engine.hpp"
#include "harmony/event.hpp"

namespace harmony::cli {

/// Of results and event streams: a new minor number only adds keys.
inline constexpr std::string_view format_version = "1.0";

boost::json::object to_json(const Diagnostic&);
boost::json::array to_json(const std::vector<Diagnostic>&);
boost::json::object to_json(const Change&);
boost::json::object to_json(const StepOutcome&);
boost::json::object to_json(const Outcome&);
boost::json::object to_json(const LedgerEntry&);
boost::json::object to_json(const RunRecord&);
boost::json::object to_json(const SmokeResult&);
boost::json::object counts_json(const Outcome&);
/// What `plan -o json` prints.
boost::json::object to_json(const Plan&);

std::int64_t milliseconds(std::chrono::nanoseconds);
/// Every text in it as valid UTF-8, without concealed values.
boost::json::value redacted(boost::json::value, const Redact&);
/// As a line, and with one for each element, indented by two. Of valid UTF-8 no character harms a terminal.
std::string one_line(const boost::json::value&);
std::string pretty(const boost::json::value&);

}  // namespace harmony::cli
