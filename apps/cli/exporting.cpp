#include "exporting.hpp"

#include <fmt/format.h>

#include "export/export.hpp"
#include "session.hpp"
#include "text.hpp"

namespace harmony::cli {
namespace {

std::chrono::sys_seconds last_success(const Session& session) {
  const auto when = time_of(session.engine->ledger_state().last_success);
  return when ? std::chrono::floor<std::chrono::seconds>(*when) : std::chrono::sys_seconds{};
}

}  // namespace

Exporting::Exporting(Session& session) : session_(session) {
  session.engine->reach();
  const Arguments& given = session.arguments;
  ExportOptions options{.metrics_listen = given.value("metrics-listen"),
                        .metrics_linger = given.duration("metrics-linger", {}),
                        .metrics_textfile = given.value("metrics-textfile"),
                        .push_gateway = given.value("push-gateway"),
                        .trace = given.value("trace")};
  Application& application = session.in.application;
  exports_ = std::make_unique<Exports>(
      std::move(options), application.metrics, application.trace,
      MetricsContext{
          .deployment = session.deployment, .topology = session.topology_id, .last_success = last_success(session)},
      session.redact());
  if (const std::string url = exports_->metrics_url(); !url.empty() && !given.has("quiet"))
    session.say(fmt::format("metrics at {}\n", url));
}

Exporting::~Exporting() = default;

void Exporting::finish(const Report& report) {
  for (const Diagnostic& warning : exports_->finish(session_.arguments.verb, report, session_.signals->token()))
    session_.print_warning(warning);
}

}  // namespace harmony::cli
