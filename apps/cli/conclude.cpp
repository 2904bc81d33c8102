#include "conclude.hpp"

#include <unistd.h>

#include <cstdlib>

#include <boost/json.hpp>

#include "html_report.hpp"
#include "json_text.hpp"
#include "session.hpp"

namespace harmony::cli {
namespace {

boost::json::object result_json(const Session& session, const Report& report) {
  boost::json::object made{{"deployment", session.deployment},
                           {"topology", session.instance.topology->label()},
                           {"version", session.in.application.version()},
                           {"ok", report.ok()},
                           {"changed_anything", changed_anything(report)},
                           {"counts", counts_json(report.outcome)}};
  const boost::json::object outcome = to_json(report.outcome);
  for (const auto& [key, value] : outcome) made[key] = value;
  auto& tests = made["smoke_tests"].emplace_array();
  for (const SmokeResult& result : report.smoke_tests) tests.push_back(to_json(result));
  made["unverified"] = session.instance.program.unverified ? boost::json::value(*session.instance.program.unverified)
                                                           : boost::json::value(nullptr);
  made["errors"] = to_json(report.errors);
  made["took_ms"] = milliseconds(report.took);
  return made;
}

}  // namespace

int conclude(Session& session, const Report& report) {
  const int code = session.exit_code(report.errors);
  session.finish_progress();
  session.print_errors(report.errors);
  SummaryContext context = session.summary();
  if (!report.ok()) {
    context.style = session.in.error_style();
    context.columns = session.in.columns_of(STDERR_FILENO);
    session.say(changed_before_failure(report, session.arguments.verb, context));
    const bool surprising = !report.changed_anything && (report.errors.front().category == Category::failed ||
                                                         report.errors.front().category == Category::stopped);
    if (surprising && session.arguments.verb != "smoke-test") session.say("note: nothing was changed\n");
  } else if (!session.json()) {
    if (session.arguments.verb == "smoke-test") session.print(smoke_test_summary(report, context));
    else if (session.arguments.verb == "destroy")
      session.print(destroy_summary(report, session.engine->ledger_state(), context));
    else session.print((session.shown ? "\n" : "") + deploy_summary(report, context));
  }
  if (session.json()) session.print_json(result_json(session, report), code);
  write_report(session, &report, report.errors, code);
  return code;
}

int leave(Session& session, const Report& report, int code) {
  if (!report.abandoned) return code;
  if (session.events) session.events->end(code, report.took);
  session.signals.reset();  // nothing is left but to write what was said: a signal ends that
  session.finish_events_file();
  session.in.console.flush();
  std::_Exit(code);
}

int smoke_test_verb(Session& session) {
  const Report report = session.engine->smoke_test();
  return leave(session, report, conclude(session, report));
}

}  // namespace harmony::cli
