#include <boost/json.hpp>

#include "exit_code.hpp"
#include "html_report.hpp"
#include "json_text.hpp"
#include "session.hpp"
#include "text.hpp"

namespace harmony::cli {

namespace {

void save(const Session& session, const Plan& plan, const std::string& path) {
  const std::string key = session.instance.fingerprint_key ? session.instance.fingerprint_key() : std::string{};
  write_plan({.program = program_identity(),
              .root = plan.root,
              .deployment = plan.deployment,
              .topology = session.topology_id,
              .options = session.topology_options,
              .made = timestamp(std::chrono::system_clock::now()),
              .fingerprint_key = key,
              .plan = plan},
             path);
}

/// Before anything is told: that the plan could not be saved belongs to the one result.
void save_if_asked(const Session& session, Plan& plan) {
  const std::string path = session.arguments.value("out");
  if (path.empty() || !plan.errors.empty()) return;
  try {
    save(session, plan, path);
  } catch (const Error& error) {
    plan.errors.push_back(error.data());
  }
}

}  // namespace

int plan_verb(Session& session) {
  Plan plan = session.engine->rehearse();
  session.finish_progress();
  if (plan.errors.empty() || !plan.outcome.steps.empty()) session.show_plan(plan);
  save_if_asked(session, plan);
  session.print_errors(plan.errors);
  if (session.arguments.has("out") && plan.errors.empty() && session.hints()) {
    session.say(fmt::format("Saved. To deploy just this: {} deploy --plan {}\n", session.summary().program,
                            shell_word(printable_line(session.arguments.value("out")))));
  }
  int code = session.exit_code(plan.errors);
  if (code == exit_done && session.arguments.has("detailed-exitcode") && (!plan.outcome.empty() || plan.settles))
    code = exit_changes_pending;
  if (session.json()) session.print_json(to_json(plan), code);
  write_report(session, nullptr, plan.errors, code);
  return code;
}

}  // namespace harmony::cli
