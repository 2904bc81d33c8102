#pragma once
/// What leaves a deploy for other programs: metrics while it runs and after it, a trace at its end.
///
///   Exports exports{options, application.metrics, application.trace, context, redact};  // before the run; may throw
///   … the run …
///   for (const Diagnostic& warning : exports.finish(verb, report, stop)) …               // after it; never throws
///
/// For `deploy` and `destroy` only: a plan exports nothing.
#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "companions/metrics_source.hpp"
#include "companions/trace_source.hpp"
#include "harmony/engine.hpp"

namespace harmony::cli {

/// As given on the command line; empty: not asked for.
struct ExportOptions {
  std::string metrics_listen = {};               ///< "127.0.0.1:9464", ":9464", "[::1]:9464"; port 0: any free one
  std::chrono::milliseconds metrics_linger{};    ///< how long to wait for a last scrape after the run
  std::string metrics_textfile = {};             ///< "/var/lib/prometheus/node-exporter/guestbook.prom"
  std::string push_gateway = {};                 ///< "https://pushgateway.example:9091"
  std::string trace = {};                        ///< "deploy.json"
};

class Exports {
 public:
  using Redact = std::function<std::string(std::string_view)>;

  /// Checks what can be checked, and starts to serve metrics. @param metrics, trace null where no such companion is
  /// stacked; they outlive this.
  /// @throws Error H0701 (cannot listen there), H0702 (an address, URL or file name that cannot be).
  Exports(ExportOptions, MetricsSource* metrics, TraceSource* trace, MetricsContext, Redact);
  ~Exports();

  /// Where metrics are served: "http://127.0.0.1:9464/metrics"; empty where they are not.
  std::string metrics_url() const;

  /// After a deploy: writes the textfile, pushes, waits for a last scrape if asked to. After a destroy that went well:
  /// takes the textfile and the pushed group away. A run that was refused before it changed anything leaves metrics as
  /// they are. Writes the trace in any case. Takes 5 s for a push that hangs, and no longer than `metrics_linger` for
  /// the scrape; `stop` ends that wait.
  /// @returns what did not work (H0703, H0704), as warnings: no deploy fails by its metrics.
  std::vector<Diagnostic> finish(std::string_view verb, const Report&, const std::stop_token& stop = {}) noexcept;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace harmony::cli
