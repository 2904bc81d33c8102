#include "export.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "listen_address.hpp"
#include "metrics_server.hpp"
#include "published_file.hpp"
#include "pushgateway.hpp"

namespace harmony::cli {
namespace {

/// node-exporter reads files of this name only.
void check_textfile(const std::string& path) {
  if (std::filesystem::path{path}.extension() == ".prom") return;
  throw Error({.code = "H0702",
               .category = Category::usage,
               .message = fmt::format("`{}` does not end in `.prom`", path),
               .help = "give --metrics-textfile a file like `/var/lib/prometheus/node-exporter/guestbook.prom`"});
}

/// Refused before anything was touched: the deployment is as it was, and so are its metrics.
bool was_refused(const Report& report) {
  return !report.ok() && !report.changed_anything && std::ranges::all_of(report.errors, [](const Diagnostic& error) {
    return error.category == Category::refused || error.category == Category::usage;
  });
}

}  // namespace

struct Exports::Implementation {
  ExportOptions options;
  MetricsSource* metrics;
  TraceSource* trace;
  Redact redact;
  std::optional<PushGroup> group = {};
  std::optional<MetricsServer> server = {};
  std::vector<Diagnostic> warnings = {};

  std::string exposition() const { return redact(metrics->exposition()); }

  /// Whatever goes wrong becomes a warning.
  template <class F>
  void attempt(F&& part) {
    try {
      part();
    } catch (const Error& error) {
      warnings.push_back(error.data());
    } catch (const std::exception& error) {
      warnings.push_back(InternalError{fmt::format("unexpected: {}", error.what())}.data());
    }
  }

  void publish() {
    if (!options.metrics_textfile.empty()) attempt([&] { publish_file(options.metrics_textfile, exposition()); });
    if (group) attempt([&] { group->replace(exposition()); });
  }
  void withdraw() {
    if (!options.metrics_textfile.empty()) attempt([&] { unpublish_file(options.metrics_textfile); });
    if (group) attempt([&] { group->remove(); });
  }
};

Exports::Exports(ExportOptions options, MetricsSource* metrics, TraceSource* trace, MetricsContext context,
                 Redact redact)
    : implementation_(new Implementation{std::move(options), metrics, trace, std::move(redact)}) {
  auto& [asked, source, tracer, clean, group, server, warnings] = *implementation_;
  if (!source) return;
  if (!asked.metrics_textfile.empty()) check_textfile(asked.metrics_textfile);
  if (!asked.push_gateway.empty()) group.emplace(asked.push_gateway, context.deployment, context.topology);
  source->describe(std::move(context));
  if (!asked.metrics_listen.empty())
    server.emplace(listen_address(asked.metrics_listen), [this] { return implementation_->exposition(); });
}

Exports::~Exports() = default;

std::string Exports::metrics_url() const {
  return implementation_->server ? implementation_->server->url() : std::string{};
}

std::vector<Diagnostic> Exports::finish(std::string_view verb, const Report& report,
                                        const std::stop_token& stop) noexcept {
  auto& exports = *implementation_;
  // Only a scrape that begins now shows how it ended.
  const int seen = exports.server ? exports.server->scrapes() : 0;
  if (exports.trace && !exports.options.trace.empty())
    exports.attempt([&] { publish_file(exports.options.trace, exports.redact(exports.trace->json())); });
  if (exports.metrics && !was_refused(report)) {
    if (verb == "deploy") exports.publish();
    else if (verb == "destroy" && report.ok()) exports.withdraw();
  }
  if (exports.server) {
    if (exports.options.metrics_linger.count() > 0)
      exports.server->wait_for_scrape(seen, exports.options.metrics_linger, stop);
    exports.server.reset();
  }
  return std::move(exports.warnings);
}

}  // namespace harmony::cli
