#include <fmt/format.h>
#include <boost/json.hpp>

#include "conclude.hpp"
#include "exporting.hpp"
#include "html_report.hpp"
#include "json_text.hpp"
#include "session.hpp"
#include "text.hpp"

namespace harmony::cli {
namespace {

bool asks_before(const Session& session, const Plan& plan) {
  if (plan.outcome.empty()) return false;
  return session.instance.topology->asks() == AskBefore::any_change || !plan.destructive().empty();
}

std::string question(const Session& session, const Plan& plan) {
  const auto destructive = plan.destructive();
  std::string text = fmt::format("Deploy {} on {}", printable_line(session.deployment),
                                 printable_line(session.instance.topology->label()));
  if (destructive.empty()) return text;
  text += ", which deletes, replaces or loses data of: ";
  for (std::size_t i = 0; i < destructive.size(); ++i)
    text += fmt::format("{}{} {}", i == 0 ? "" : ", ", printable_line(destructive[i]->kind),
                        printable_line(destructive[i]->name));
  return text;
}

/// `--yes` was said before anybody knew that another application would go.
Error refused_to_replace(const Session& session) {
  const std::string deployment = shell_word(session.deployment);
  return Error({.code = "H0306",
                .category = Category::refused,
                .message = fmt::format("deployment `{}` is another application's", session.deployment),
                .notes = {"nothing of it is named by these Scores, and `--yes` would take all of it down"},
                .help = fmt::format("give the right --deployment; or take the other one down first, with its own "
                                    "program (`destroy --deployment {}`), or save this plan, look at it, and deploy "
                                    "that; nothing was written",
                                    deployment)});
}

Approval approve(Session& session, const Plan& plan) {
  if (session.shown) session.say("note: the world moved while the lock was waited for; this is the new plan\n");
  session.show_plan(plan);
  if (session.arguments.has("yes") && plan.of_another) throw refused_to_replace(session);
  if (session.arguments.has("yes") || !asks_before(session, plan)) return Approval::yes;
  const Approval answer = session.ask(question(session, plan));
  if (answer == Approval::cannot_ask && plan.of_another) throw refused_to_replace(session);
  return answer;
}

int dry_run(Session& session) {
  const Plan plan = session.engine->rehearse();
  session.finish_progress();
  std::vector<Diagnostic> errors = plan.errors;
  if (session.saved && errors.empty())
    if (auto moved = differences(session.saved->plan, plan); !moved.empty())
      errors.push_back(StalePlan(std::move(moved)).data());
  if (!session.saved && errors.empty() && session.arguments.has("yes") && plan.of_another)
    errors.push_back(refused_to_replace(session).data());
  if (plan.errors.empty() || !plan.outcome.steps.empty()) session.show_plan(plan);
  session.print_errors(errors);
  const int code = session.exit_code(errors);
  const bool asks = !session.saved && !session.arguments.has("yes") && asks_before(session, plan);
  if (session.json()) {
    auto body = to_json(plan);
    body["errors"] = to_json(errors);
    body["dry_run"] = true;
    body["asks"] = asks;
    session.print_json(std::move(body), code);
  } else if (errors.empty()) {
    session.print(fmt::format("Dry run: nothing was changed.{}\n", plan.outcome.empty() ? ""
                                                                   : asks ? " The deploy would ask before it goes on."
                                                                          : " The deploy would go on without asking."));
  }
  write_report(session, nullptr, errors, code);
  return code;
}

}  // namespace

int deploy_verb(Session& session) {
  if (session.arguments.has("dry-run")) return dry_run(session);
  Exporting exporting{session};
  begin_report(session);
  if (session.saved) session.show_plan(session.saved->plan);
  const Report report = session.engine->deploy(session.saved ? &session.saved->plan : nullptr,
                                               [&](const Plan& plan) { return approve(session, plan); });
  const int code = conclude(session, report);
  exporting.finish(report);
  return leave(session, report, code);
}

}  // namespace harmony::cli
