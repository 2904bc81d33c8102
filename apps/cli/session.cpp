#include "session.hpp"

#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "config_file.hpp"
#include "exit_code.hpp"
#include "export/file_target.hpp"
#include "json_text.hpp"
#include "named_files.hpp"
#include "prompt.hpp"
#include "text.hpp"

namespace harmony::cli {
namespace {

using namespace std::chrono_literals;

/// "deploy@ci-7"
std::string who_runs() {
  const passwd* user = getpwuid(geteuid());
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  return fmt::format("{}@{}", user ? user->pw_name : std::to_string(geteuid()), host);
}

Error contradiction(std::string message, std::string help) {
  return Error({.code = "H0512", .category = Category::usage, .message = std::move(message), .help = std::move(help)});
}

/// A plan that is saved here may be deployed from another folder. Where there is no folder to stand in: as it is.
std::string whole_path(const std::string& path) {
  std::error_code failed;
  const auto whole = std::filesystem::absolute(path, failed);
  return path.empty() || failed ? path : whole.string();
}

}  // namespace

std::map<std::string, std::string> given_options(const Application& application, const Arguments& arguments) {
  std::map<std::string, std::string> options;
  for (const TopologyChoice& choice : application.topologies)
    for (const TopologyOption& option : choice.options)
      if (arguments.has(option.name)) {
        const std::string value = arguments.value(option.name);
        options[option.name] = option.path ? whole_path(value) : value;
      }
  return options;
}

Output& Invocation::results() const { return arguments.value("events") == "-" ? console.err() : console.out(); }
Style Invocation::result_style() const {
  return Style{use_color(arguments.color(), environment, isatty(results().descriptor()) == 1)};
}
Style Invocation::error_style() const {
  return Style{use_color(arguments.color(), environment, isatty(STDERR_FILENO) == 1)};
}

Session::Session(Invocation& invocation) : in(invocation), arguments(invocation.arguments) {
  check_named_files(arguments);
  start_signals();
  read_settings();
  open_events();
  try {
    start_progress();
    open_engine();
  } catch (const Error& error) {  // the stream has begun, so it has to end
    if (events) events->end(exit_code({error.data()}), {});
    signals.reset();
    finish_events_file();
    throw;
  }
}

Session::~Session() {
  signals.reset();
  progress.reset();  // before the engine, which knows what its last words must not tell
  engine.reset();    // emits nothing any more; before the other observers
  finish_events_file();
  events_file_.reset();
  if (events_descriptor_ >= 0) close(events_descriptor_);
}

void Session::start_signals() {
  signals.emplace(
      [this](int signal) { interrupted(signal); },
      [] {
        constexpr std::string_view
            reset = "\x1b[0m",
            text = "\nLeft at once: run it again, and it goes on from there; a saved plan has to be made anew\n";
        if (isatty(STDERR_FILENO) == 1) (void)!::write(STDERR_FILENO, reset.data(), reset.size());
        (void)!::write(STDERR_FILENO, text.data(), text.size());
      });
}

void Session::interrupted(int signal) const {
  if (Progress* drawn = drawn_) drawn->suspend();
  if (arguments.has("follow")) return;  // that is how it is meant to end
  if (asking_) return in.console.err().write(signal == SIGINT ? "\nInterrupted\n" : "\nAsked to end\n");
  in.console.err().write(signal == SIGINT
                             ? "Interrupted: stopping after the current step; press Ctrl-C again to leave at once\n"
                             : "Asked to end: stopping after the current step; a second signal ends it at once\n");
}

void Session::read_settings() {
  Application& application = in.application;
  const std::string named = named_topology(arguments, in.table);
  topology_id = chosen_topology(arguments, in.table);
  const auto given = set_fields(application, arguments.value("config"), arguments.all("set"));
  settings_ = given;
  const std::string path = arguments.verb == "deploy" ? arguments.value("plan") : std::string{};
  if (!path.empty()) {
    saved = read_plan(path);
    PlanContext here{.program = program_identity(),
                     .root = saved->root,
                     .deployment = arguments.value("deployment"),
                     .topology = named,
                     .options = given_options(application, arguments),
                     .settings = given};
    check_plan(*saved, here, path);
    settings_ = saved->plan.given.settings;
    set_fields(application, settings_);
    here.root = application.kind + " " + application.name();
    check_plan(*saved, here, path);
    topology_id = saved->topology;
    if (!application.find(topology_id))
      check_plan(*saved, {.program = here.program, .root = here.root, .topology = "none of this program's"}, path);
  }
  topology_options = saved ? saved->options : given_options(application, arguments);
  deployment = saved ? saved->deployment : arguments.value("deployment", application.name());
}

void Session::open_events() {
  const std::string path = arguments.value("events");
  if (path.empty()) return;
  if (path != "-") {
    events_descriptor_ = open_onward(target_of(path));
    if (events_descriptor_ < 0)
      throw Error({.code = "H0514",
                   .category = Category::usage,
                   .message = fmt::format("cannot write `{}`: {}", printable_line(path), std::strerror(errno)),
                   .subject = "file/" + path,
                   .help = "name a file in a folder that exists and is writable"});
    events_file_ = std::make_unique<Output>(events_descriptor_);
  }
  events.emplace(events_file_ ? *events_file_ : in.console.out(), redact());
  events->begin({.program = in.program, .verb = arguments.verb, .deployment = deployment, .topology = topology_id});
}

void Session::finish_events_file() const {
  if (!events_file_) return;
  events_file_->flush();
  const auto failure = events_file_->failure();
  if (!failure || *failure == EPIPE) return;  // a reader that has seen enough and went
  print_warning({.code = "H0514",
                 .message = fmt::format("the events are not complete: cannot write `{}`: {}",
                                        printable_line(arguments.value("events")), std::strerror(*failure)),
                 .help = "what was done is as the exit code says"});
}

void Session::start_progress() {
  const bool terminal = isatty(STDERR_FILENO) == 1;
  ProgressMode mode = arguments.progress();
  if (mode == ProgressMode::tty && !terminal)
    throw contradiction("`--progress tty` needs a terminal on standard error",
                        "take --progress plain, or leave the choice to --progress auto");
  if (mode == ProgressMode::automatic)
    mode = can_animate(in.environment, terminal) ? ProgressMode::tty : ProgressMode::plain;
  Output& err = in.console.err();
  const auto write = [&err](std::string text) { err.write(std::move(text)); };
  if (mode == ProgressMode::tty)
    progress.reset(tty_progress(
                       write, redact(), in.error_style(),
                       [this] { return terminal_size(STDERR_FILENO, in.environment); }, [&err] { return err.idle(); })
                       .release());
  else if (mode == ProgressMode::plain) progress.reset(plain_progress(write, redact(), in.error_style()).release());
  else progress.reset(quiet_progress().release());
  drawn_ = progress.get();
  progress->start(mode == ProgressMode::tty ? 100ms : 500ms);
}

void Session::open_engine() {
  const TopologyChoice* choice = in.application.find(topology_id);
  instance = choice->open({.deployment = deployment, .options = topology_options});
  if (saved) check_place(*saved, instance.topology->label(), arguments.value("plan"));
  instance.program.given = {.settings = settings_, .options = {}};
  for (const TopologyOption& option : choice->options)
    if (const auto given = topology_options.find(option.name); option.shapes && given != topology_options.end())
      instance.program.given.options.insert(*given);
  if (saved && instance.adopt_fingerprint_key && !saved->fingerprint_key.empty())
    instance.adopt_fingerprint_key(saved->fingerprint_key);
  EngineOptions options{.deployment = deployment, .who = who_runs(), .verb = arguments.verb};
  options.lock_limit = arguments.duration("lock-timeout", options.lock_limit);
  options.smoke_test_limit = arguments.duration("smoke-test-timeout", options.smoke_test_limit);
  if (options.smoke_test_limit.count() == 0)
    throw Error({.code = "H0504",
                 .category = Category::usage,
                 .message = "`--smoke-test-timeout` of nothing lets no test end",
                 .help = "it wants a duration such as 500ms, 15s, 2m"});
  engine = std::make_unique<Engine>(instance.program, instance.topology, options, signals->token());
  engine->observe(timeline);
  engine->observe(*progress);
  if (events) engine->observe(*events);
}

Redact Session::redact() const {
  return [this](std::string_view text) { return engine ? engine->redact(text) : std::string(text); };
}

void Session::print_json(boost::json::object body, int exit_code) const {
  boost::json::object whole{{"format_version", format_version}, {"verb", arguments.verb}, {"exit_code", exit_code}};
  for (auto& [key, value] : body) whole[key] = std::move(value);
  print(pretty(redacted(std::move(whole), redact())));
}

void Session::say(const std::string& text) const { in.console.err().write(redact()(text)); }

void Session::print_errors(const std::vector<Diagnostic>& errors) const {
  if (progress) progress->suspend();
  in.console.err().write(render(errors, {.style = in.error_style(), .program = in.program, .redact = redact()}));
}

void Session::print_warning(const Diagnostic& warning) const {
  const auto clean = [&](const std::string& text) { return printable_line(redact()(text)); };
  std::string text =
      fmt::format("{}: {}", in.error_style().yellow(fmt::format("warning[{}]", warning.code)), clean(warning.message));
  for (const auto& [key, value] : warning.facts) text += fmt::format("\n  = {}: {}", key, clean(value));
  in.console.err().write(text + "\n" + (warning.help.empty() ? "" : "help: " + clean(warning.help) + "\n"));
}

int Session::exit_code(const std::vector<Diagnostic>& errors) const {
  return cli::exit_code(errors, signals->received());
}

PlanViewOptions Session::view() const {
  return {.style = in.result_style(),
          .verbose = arguments.has("verbose"),
          .redact = redact(),
          .columns = in.columns_of(in.results().descriptor())};
}

std::size_t Invocation::columns_of(int descriptor) const {
  return isatty(descriptor) == 1 ? terminal_size(descriptor, environment).columns : 0;
}

SummaryContext Session::summary() const {
  SummaryContext context{.style = in.result_style(),
                         .redact = redact(),
                         .program = shell_word(in.program),
                         .deployment = deployment,
                         .version = in.application.version(),
                         .topology = instance.topology->label(),
                         .unverified = instance.program.unverified,
                         .hints = hints(),
                         .signal = signals->received()};
  const auto chosen = [&](std::string_view name, const std::string& value) {
    if (saved || arguments.has(std::string(name)))  // a saved plan has chosen for them
      context.options += fmt::format(" --{} {}", name, shell_word(printable_line(value)));
  };
  if (in.application.topologies.size() > 1) chosen("on", topology_id);
  chosen("deployment", deployment);
  const bool deploy_follows = arguments.verb == "plan";  // which needs all of them; other verbs only where it is
  for (const TopologyOption& option : in.application.find(topology_id)->options) {
    const auto given = topology_options.find(option.name);
    if (given == topology_options.end() || !(option.chooses || deploy_follows)) continue;
    context.options += " --" + option.name;
    if (!option.value_name.empty()) context.options += " " + shell_word(printable_line(given->second));
  }
  return context;
}

void Session::show_plan(const Plan& plan) {
  progress->suspend();
  shown = plan;
  if (events) events->message("plan", {{"message", "the plan"}, {"plan", to_json(plan)}});
  if (!json()) print(render_plan(plan, view()));
}

Approval Session::ask(const std::string& question) {
  if (json() || !can_ask(in.environment)) return Approval::cannot_ask;
  progress->suspend();
  in.console.flush();
  const Style style = in.error_style();
  asking_ = true;  // before anybody can read the question, and interrupt it
  in.console.err().write(fmt::format("\n{}\nOnly 'yes' will be accepted: ", style.bold(redact()(question) + "?")));
  in.console.flush();
  const Approval answer = read_answer(signals->token());
  asking_ = false;
  if (signals->received()) throw Stopped();
  return answer;
}

bool Session::hints() const { return !arguments.has("quiet") && !in_ci(in.environment); }

}  // namespace harmony::cli
