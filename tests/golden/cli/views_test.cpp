/// Plan, errors, progress, status and report, as people see them.
#include <regex>

#include <boost/json.hpp>

#include "cli/diagnostic.hpp"
#include "cli/graph.hpp"
#include "cli/html_report.hpp"
#include "cli/plan_view.hpp"
#include "cli/status_view.hpp"
#include "cli/summary.hpp"
#include "cli/text.hpp"
#include "golden.hpp"
#include "place.hpp"

using namespace harmony;
using namespace harmony::cli;
using namespace std::chrono_literals;

namespace {

const auto now = *time_of("2026-11-23T10:00:00Z");

StepOutcome step(std::string kind, std::string name, std::string detail, Action action, std::vector<Change> changes) {
  StepOutcome made{.kind = std::move(kind),
                   .name = std::move(name),
                   .detail = std::move(detail),
                   .score_path = "guestbook",
                   .at = {},
                   .changes = std::move(changes),
                   .action = action};
  for (const Change& change : made.changes) {
    made.fidelity = std::max(made.fidelity, change.fidelity);
    made.loses_data = made.loses_data || change.loses_data;
    if (made.effect.empty()) made.effect = change.effect;
  }
  return made;
}

Change change(std::string name, Action action) {
  return {.subject = {"host", "process", std::move(name)}, .action = action};
}

Plan new_deployment() {
  Plan plan{.deployment = "guestbook", .topology = "local", .root = "guestbook guestbook"};
  plan.outcome.steps = {
      step("database server", "guestbook-db", "PostgreSQL 15 on 127.0.0.1:5433", Action::create,
           {change("guestbook-db", Action::create)}),
      step("database", "guestbook-db/guestbook", "", Action::create, {change("guestbook", Action::create)}),
      step("broker", "guestbook-nats", "NATS 2.9 on 127.0.0.1:4223, stream entries", Action::create,
           {change("nats", Action::create)}),
      step("process", "guestbook", "guestbookd 1.4.0 on http://127.0.0.1:8081", Action::create,
           {change("app", Action::create)})};
  plan.smoke_tests = {{"GuestbookWorks", "guestbook"}};
  plan.took = 31ms;
  return plan;
}

/// One of everything a plan can say.
Plan changing() {
  Plan plan{
      .deployment = "guestbook",
      .topology = "prod (k8s 1.34 at api.prod.example)",
      .root = "guestbook guestbook",
      .given = {.settings = {{"host", "a.example"}, {"replicas", "3"}}, .options = {{"nats-image", "nats:2.11"}}}};
  Change image = change("web", Action::update);
  image.effect = "rolling restart of 3 pods";
  image.fidelity = Fidelity::server;
  image.fields = {{.path = "spec.template.spec.containers[name=web].image",
                   .before = "registry.example/guestbook:1.3",
                   .after = "registry.example/guestbook:1.4"},
                  {.path = "spec.replicas", .before = "7", .after = "3"},
                  {.path = "password", .before = "3f9a41c2", .origin = Origin::generated},
                  {.path = "endpoint", .origin = Origin::deferred},
                  {.path = "nodePort", .before = "30001", .origin = Origin::defaulted},
                  {.path = "nginx.conf",
                   .before = "user web;\nworkers 1;\nlog off;\nend\n",
                   .after = "user web;\nworkers 4;\nlog on;\nend\n"}};
  Change data = change("data", Action::replace);
  data.reason = "it was made by PostgreSQL 14";
  data.effect = "interrupts service";
  data.loses_data = true;
  Change old = change("old-worker", Action::remove);
  old.reason = "no Score contains it any more";
  Change late = change("late", Action::update);
  late.fidelity = Fidelity::unknown;
  late.reason = "its server is only planned";
  Change hostile = change("evil", Action::update);
  hostile.fields = {{.path = "motd", .before = "\x1b[31mred\x1b[0m", .after = "\x1b]0;owned\x07\xe2\x80\xaegnp.exe"}};
  plan.outcome.steps = {
      step("deployment", "guestbook", "3 pods", Action::update, {image}),
      step("database server", "guestbook-db", "PostgreSQL 15", Action::replace,
           {data, change("port", Action::unchanged)}),
      step("schema", "guestbook", "", Action::update, {late}),
      step("banner", "motd", "", Action::update, {hostile}),
      step("broker", "guestbook-nats", "NATS 2.9", Action::unchanged, {change("nats", Action::unchanged)}),
      step("worker", "old-worker", "", Action::remove, {old})};
  plan.unfinished = RunRecord{.id = "1",
                              .verb = "deploy",
                              .who = "deploy@ci-7",
                              .version = {},
                              .started = "2026-11-23T09:57:00Z",
                              .planned = 19,
                              .done = 11};
  plan.kept = {{.subject = {"host", "tree", "old-db"},
                .step_kind = "database server",
                .step_name = "old-db",
                .holds_data = true}};
  plan.other_key = true;
  plan.took = 1234ms;
  return plan;
}

PlanViewOptions view(bool verbose = false, bool color = false, std::size_t columns = 0) {
  return {.style = Style{color}, .verbose = verbose, .redact = {}, .columns = columns, .now = now};
}

std::vector<Diagnostic> errors() {
  Diagnostic first{.code = "H0501",
                   .category = Category::failed,
                   .message = "deployment `guestbook` does not get ready: container `web` exits with code 1",
                   .subject = "deployment/guestbook",
                   .facts = {{"pod", "guestbook-7c9d-x2x, restarted 3 times in 12 s"}},
                   .log = {"\x1b[1mFATAL\x1b[0m: password authentication failed for user \"guestbook\"", "exit\x07"},
                   .notes = {"secret `guestbook-db` was changed by `external-secrets` 40 s ago",
                             "the old version is still serving (3 of 3 pods)"},
                   .help = "put the secret right and deploy again; pods are restarted when it changes"};
  first.trail = {{"guestbook", std::source_location{}}, {"http server guestbook", place()}};
  Diagnostic second{.code = "H0502", .category = Category::usage, .message = "unknown verb `x`", .subject = "verb/x"};
  return {first, second, first};
}

}  // namespace

TEST_CASE("plan of a new deployment") { golden::check("plan_new.txt", render_plan(new_deployment(), view())); }
TEST_CASE("plan with everything in it") { golden::check("plan_changing.txt", render_plan(changing(), view())); }
TEST_CASE("plan with everything in it, verbose") {
  golden::check("plan_verbose.txt", render_plan(changing(), view(true)));
}
TEST_CASE("plan in colour") { golden::check("plan_color.txt", render_plan(changing(), view(false, true))); }

TEST_CASE("plans on narrow terminals") {
  golden::check("plan_narrow_60.txt", render_plan(new_deployment(), view(false, false, 60)) +
                                          render_plan(changing(), view(false, false, 60)));
  golden::check("plan_narrow_40.txt", render_plan(new_deployment(), view(false, false, 40)) +
                                          render_plan(changing(), view(false, false, 40)));
  CHECK(render_plan(changing(), view(false, false, 200)) == render_plan(changing(), view()));
}

TEST_CASE("no row of a plan is wider than its terminal, and nothing of it is lost") {
  const auto words = [](std::string text) {
    text = std::regex_replace(text, std::regex{"\x1b\\[[0-9;]*m"}, "");
    return std::regex_replace(text, std::regex{"[ \n]+"}, "");
  };
  for (const bool color : {false, true})
    for (std::size_t columns = 20; columns <= 120; ++columns) {
      const std::string text = render_plan(changing(), view(true, color, columns));
      INFO(columns << " columns:\n" << text);
      for (const std::string_view line : lines_of_text(text)) CHECK(width_of(printable(line)) <= columns);
      CHECK(words(text) == words(render_plan(changing(), view(true))));
    }
}

TEST_CASE("plan without changes") {
  Plan plan = new_deployment();
  for (StepOutcome& step : plan.outcome.steps) {
    step.action = Action::unchanged;
    for (Change& part : step.changes) part.action = Action::unchanged;
  }
  golden::check("plan_unchanged.txt", render_plan(plan, view()) + "----\n" + render_plan(plan, view(true)));
  plan.settles = true;
  plan.unfinished = changing().unfinished;
  golden::check("plan_settles.txt", render_plan(plan, view()));
}

TEST_CASE("a plan shows no control character, and no text that runs backwards") {
  for (const bool verbose : {false, true}) {
    const std::string text = render_plan(changing(), view(verbose));
    CHECK(text == printable(text));
  }
}

TEST_CASE("a plan shows no concealed value") {
  PlanViewOptions options = view(true);
  options.redact = [](std::string_view text) {
    std::string clean{text};
    if (const auto at = clean.find("registry"); at != std::string::npos) clean.replace(at, 8, "(secret)");
    return clean;
  };
  CHECK(render_plan(changing(), options).find("registry") == std::string::npos);
  CHECK(render_plan(changing(), options).find("(secret)") != std::string::npos);
}

TEST_CASE("errors in rustc's form") {
  // Where the sources lie depends on the machine.
  const auto rendered = [](bool color) {
    return std::regex_replace(render(errors(), {.style = Style{color}, .program = "harmony-app", .redact = {}}),
                              std::regex{"[^ ]*/place.hpp"}, "place.hpp");
  };
  golden::check("errors.txt", rendered(false));
  golden::check("errors_color.txt", rendered(true));
}

TEST_CASE("summaries") {
  Report report{.outcome = new_deployment().outcome,
                .smoke_tests =
                    {{.name = "GuestbookWorks", .score_path = "guestbook", .checks = 3, .passed = true, .took = 210ms}},
                .changed_anything = true};
  report.took = 6840ms;
  report.outcome.notes = {{"open", "http://127.0.0.1:8081"}};
  SummaryContext context{.style = Style{false},
                         .redact = {},
                         .program = "harmony-app",
                         .options = " --state-dir /srv",
                         .deployment = "guestbook",
                         .version = "1.4.0",
                         .topology = "local"};
  std::string text = deploy_summary(report, context);
  context.hints = false;
  text += "---- no hints\n" + deploy_summary(report, context);
  report.changed_anything = false;
  report.smoke_tests.clear();
  context.unverified = "nothing listens";
  text += "---- nothing to do, unverified\n" + deploy_summary(report, context);
  report.changed_anything = true;
  report.errors = errors();
  text += "---- failed\n" + changed_before_failure(report, "deploy", context);
  context.signal = 2;
  text += "---- stopped\n" + changed_before_failure(report, "deploy", context);
  report.errors.clear();
  context.signal.reset();
  for (StepOutcome& gone : report.outcome.steps) gone.action = Action::remove;
  text += "---- destroyed\n" + destroy_summary(report, {}, context);
  report.outcome.steps.back().action = Action::unchanged;  // named before the destroy, and found to be gone
  text += "---- destroyed, all but what was not there\n" + destroy_summary(report, {}, context);
  golden::check("summaries.txt", text);
}

TEST_CASE("status") {
  const auto seen = [](std::string kind, std::string name, std::string step_kind, std::string step_name,
                       Observation::Health health, std::string detail) {
    return Observation{.entry = {.subject = {"host", std::move(kind), std::move(name)},
                                 .state = LedgerEntry::State::owned,
                                 .identity = "pid 4711",
                                 .step_kind = std::move(step_kind),
                                 .step_name = std::move(step_name)},
                       .health = health,
                       .detail = std::move(detail)};
  };
  using Health = Observation::Health;
  Status status{.deployment = "guestbook",
                .topology = "local",
                .facts = {{"state", "/var/lib/harmony/guestbook"}, {"since the reboot", "nothing runs"}}};
  status.observations = {
      seen("file", "postgresql.conf", "database server", "guestbook-db", Health::ok, ""),
      seen("process", "guestbook-db", "database server", "guestbook-db", Health::ok, "pid 4711, up 2 h"),
      seen("file", "nats.conf", "broker", "guestbook-nats", Health::ok, ""),
      seen("process", "guestbook-nats", "broker", "guestbook-nats", Health::down, "exited with code 1 \x1b[2J")};
  status.observations.push_back(seen("tree", "old-db", "database server", "old-db", Health::ok, ""));
  status.observations.back().entry.state = LedgerEntry::State::kept;
  status.ledger.run = RunRecord{.id = "1",
                                .verb = "deploy",
                                .who = "deploy@ci-7",
                                .version = {},
                                .started = "2026-11-23T09:57:00Z",
                                .planned = 19,
                                .done = 11};
  status.ledger.last_success = "2026-11-20T10:00:00Z";
  std::string text = render_status(status, Style{false}, false, {}, now) + "---- verbose\n" +
                     render_status(status, Style{false}, true, {}, now);
  CHECK_FALSE(to_json(status).at("healthy").as_bool());
  status.observations = {seen("file", "nats.conf", "broker", "guestbook-nats", Health::ok, ""),
                         seen("file", "pg_hba.conf", "database", "guestbook", Health::ok, ""),
                         seen("role", "guestbook", "database", "guestbook", Health::unknown, "no answer")};
  text += "---- unknown\n" + render_status(status, Style{false}, false, {}, now);
  CHECK_FALSE(to_json(status).at("healthy").as_bool());
  status.observations.pop_back();
  CHECK_FALSE(to_json(status).at("healthy").as_bool());  // all is well, but the run stopped half-way
  status.observations.back().entry.holds_data = true;
  status.ledger.run->verb = "destroy";
  text += "---- half destroyed: what is left is only kept\n" + render_status(status, Style{false}, false, {}, now);
  CHECK(boost::json::serialize(to_json(status).at("entries")).find("\"state\":\"kept\"") != std::string::npos);
  status.ledger.run->verb = "deploy";
  status.ledger.run->finished = "2026-11-23T09:58:00Z";
  status.ledger.run->failed = true;
  text += "---- failed\n" + render_status(status, Style{false}, false, {}, now);
  CHECK_FALSE(to_json(status).at("healthy").as_bool());
  status.ledger.run->stopped = true;
  text += "---- stopped\n" + render_status(status, Style{false}, false, {}, now);
  status.ledger.run->failed = status.ledger.run->stopped = false;
  status.ledger.run->version = "1.4.0";
  status.ledger.last_success = status.ledger.run->finished;
  status.observations.back().entry.holds_data = false;
  CHECK(to_json(status).at("healthy").as_bool());
  text += "---- done\n" + render_status(status, Style{false}, false, {}, now);
  status.observations = {seen("port", "guestbook", "process", "guestbook", Health::ok, ""),
                         seen("process", "guestbook", "process", "guestbook", Health::ok, "pid 11, up 2 h"),
                         seen("process", "guestbook.2", "process", "guestbook", Health::ok, "pid 12, up 2 h"),
                         seen("process", "guestbook.3", "process", "guestbook", Health::ok, "pid 13, up 2 h")};
  text += "---- replicas\n" + render_status(status, Style{false}, false, {}, now);
  status.observations[2].health = Health::down;
  status.observations[2].detail = "exited with code 1";
  text += "---- replicas, one of them down\n" + render_status(status, Style{false}, false, {}, now);
  status.observations = {seen("secret", "guestbook", "database", "guestbook", Health::missing, "not there any more"),
                         seen("database", "guestbook", "database", "guestbook", Health::ok, "")};
  text += "---- one part is missing\n" + render_status(status, Style{false}, false, {}, now);
  status.observations.clear();
  status.ledger = {};
  text += "---- nothing\n" + render_status(status, Style{false}, false, {}, now);
  golden::check("status.txt", text);
}

TEST_CASE("the report escapes everything and loads nothing") {
  Plan plan = changing();
  plan.outcome.steps[0].name = "<script>alert('x')</script>\"&";
  plan.outcome.notes = {{"open", "https://example.org/?a=1&b=\"2\""}, {"odd", "javascript:alert(1)"}};
  Report report{
      .outcome = plan.outcome,
      .errors = errors(),
      .smoke_tests = {{.name = "Works", .score_path = "guestbook", .checks = 3, .passed = true, .took = 210ms}},
      .changed_anything = true};
  ReportPage page{.program = "harmony-app",
                  .verb = "deploy",
                  .deployment = "guestbook",
                  .topology = "local",
                  .version = "1.4.0",
                  .began = now,
                  .took = 6840ms,
                  .exit_code = 1,
                  .plan = &plan,
                  .report = &report,
                  .errors = errors()};
  page.spans = {{.kind = Span::Kind::phase,
                 .state = Span::State::ok,
                 .label = "phase",
                 .name = "apply",
                 .start = 0ms,
                 .took = 900ms},
                {.kind = Span::Kind::score,
                 .state = Span::State::failed,
                 .id = 1,
                 .label = "guestbook",
                 .name = "<b>",
                 .start = 10ms,
                 .took = 800ms,
                 .error = "a \"quoted\" <error>"},
                {.kind = Span::Kind::step,
                 .state = Span::State::ok,
                 .id = 2,
                 .parent = 1,
                 .label = "database server",
                 .name = "db",
                 .detail = "on 5433",
                 .start = 20ms,
                 .took = 300ms,
                 .waits = {"starting up"}}};
  const std::string html = std::regex_replace(html_page(page), std::regex{"[^ ]*/place.hpp"}, "place.hpp");
  CHECK(html.find("<script") == std::string::npos);
  CHECK(html.find("href=\"javascript") == std::string::npos);
  CHECK(html.find("src=") == std::string::npos);
  CHECK(html.find("url(") == std::string::npos);
  CHECK(html.find("@import") == std::string::npos);
  CHECK(html.find("<link") == std::string::npos);
  CHECK(html.find('\x1b') == std::string::npos);
  CHECK(html.find("&lt;script&gt;") != std::string::npos);
  CHECK(html.find("href=\"https://example.org/?a=1&amp;b=&quot;2&quot;\"") != std::string::npos);
  golden::check("report.html", html);
}

TEST_CASE("graphs") {
  GraphNode root{.label = "guestbook", .name = "guestbook", .steps = {}, .children = {}};
  root.children = {{.label = "postgresql",
                    .name = "guestbook-db",
                    .steps = {"database server guestbook-db", "database \"app\""},
                    .children = {}},
                   {.label = "group",
                    .name = "<web>",
                    .steps = {},
                    .children = {{.label = "http server", .name = "one", .steps = {"process one"}, .children = {}},
                                 {.label = "http server", .name = "two", .steps = {}, .children = {}}}}};
  golden::check("graph.txt", graph_text(root, Style{false}, {}));
  golden::check("graph.dot", graph_dot(root, {}));
  golden::check("graph.svg", graph_svg(root, {}));
}
