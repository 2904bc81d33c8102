#pragma once
#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "diagnostic.hpp"
#include "harmony/engine.hpp"

namespace harmony::cli {

struct Status {
  std::string deployment, topology;
  LedgerState ledger;
  std::vector<Observation> observations;
  std::vector<std::pair<std::string, std::string>> facts;
};

/// One line for each step, by the worst of its parts; with `verbose` each part.
std::string render_status(const Status&, Style, bool verbose, const Redact&,
                          std::chrono::system_clock::time_point now = std::chrono::system_clock::now());
boost::json::object to_json(const Status&);

}  // namespace harmony::cli
