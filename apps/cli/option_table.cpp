#include "option_table.hpp"

#include <algorithm>

namespace harmony::cli {
namespace {

std::vector<VerbInfo> verbs_of(const Application& application) {
  std::vector<VerbInfo> verbs;
  if (application.plans)
    verbs.push_back({.name = "plan",
                     .help = "Show what a deploy would change; change nothing",
                     .examples = {"plan", "plan --out next.plan", "plan -o json"}});
  verbs.push_back({.name = "deploy",
                   .help = "Make it so, then run the smoke tests",
                   .examples = {"deploy", "deploy --yes --report deploy.html"}});
  if (application.plans) verbs.back().examples.emplace_back("deploy --plan next.plan");
  if (application.smoke_tested)
    verbs.push_back(
        {.name = "smoke-test", .help = "Run the smoke tests against what is deployed", .examples = {"smoke-test"}});
  verbs.push_back({.name = "status",
                   .help = "Show what is deployed, and how it is",
                   .examples = {"status", "status -v", "status -o json"}});
  verbs.push_back({.name = "logs",
                   .help = "Show the logs of what is deployed",
                   .argument = "[FILTER]",
                   .complete = Complete::deployed,
                   .examples = {"logs", "logs guestbook-db --lines 20", "logs -f"}});
  verbs.push_back({.name = "destroy",
                   .help = "Take down what is deployed; keep its data",
                   .examples = {"destroy", "destroy --delete-data"}});
  verbs.push_back(
      {.name = "graph", .help = "Draw the tree of Scores", .examples = {"graph", "graph --format svg > scores.svg"}});
  verbs.push_back({.name = "explain",
                   .help = "Tell the long story of an error code",
                   .argument = "[CODE]",
                   .complete = Complete::codes,
                   .examples = {"explain H0501", "explain"},
                   .touches_deployment = false});
  verbs.push_back({.name = "completion",
                   .help = "Print a completion script for a shell",
                   .argument = "SHELL",
                   .choices = {"bash", "zsh", "fish"},
                   .complete = Complete::choices,
                   .examples = {"completion bash > /etc/bash_completion.d/PROGRAM"},
                   .touches_deployment = false});
  verbs.push_back(
      {.name = "version", .help = "Print the version", .examples = {"version"}, .touches_deployment = false});
  verbs.push_back({.name = "help",
                   .help = "Show help: of a verb, or `exit-codes`, `environment`",
                   .argument = "[TOPIC]",
                   .complete = Complete::choices,
                   .examples = {"help deploy", "help exit-codes"},
                   .touches_deployment = false});
  auto& topics = verbs.back().choices;
  for (const VerbInfo& verb : verbs)
    if (verb.name != "help") topics.push_back(verb.name);
  topics.insert(topics.end(), {"exit-codes", "environment"});
  return verbs;
}

const std::vector<std::string> deployment_verbs = {"plan", "deploy",  "smoke-test", "status",
                                                   "logs", "destroy", "graph"};
const std::vector<std::string> running_verbs = {"plan", "deploy", "smoke-test", "destroy", "graph"};

std::vector<std::string> topology_ids(const Application& application) {
  std::vector<std::string> ids;
  for (const TopologyChoice& choice : application.topologies) ids.push_back(choice.id);
  return ids;
}

void add_of_verbs(const Application& application, std::vector<OptionInfo>& options) {
  options.push_back(
      {.name = "yes", .help = "Approve without being asked", .verbs = {"deploy", "destroy"}, .letter = 'y'});
  if (application.plans) {
    options.push_back({.name = "plan",
                       .value = "FILE",
                       .help = "Deploy exactly this saved plan; nothing is asked",
                       .verbs = {"deploy"},
                       .complete = Complete::file});
    options.push_back({.name = "out",
                       .value = "FILE",
                       .help = "Save the plan, for `deploy --plan`",
                       .verbs = {"plan"},
                       .complete = Complete::file});
    options.push_back({.name = "detailed-exitcode", .help = "Exit 2 where changes are pending", .verbs = {"plan"}});
  }
  if (application.rehearses)
    options.push_back(
        {.name = "dry-run", .help = "Walk the deploy's own path up to the lock; change nothing", .verbs = {"deploy"}});
  options.push_back({.name = "lock-timeout",
                     .value = "DURATION",
                     .help = "How long to wait for another deploy",
                     .verbs = {"deploy", "destroy"},
                     .default_text = "15s"});
  options.push_back({.name = "smoke-test-timeout",
                     .value = "DURATION",
                     .help = "How long each smoke test may take",
                     .verbs = {"deploy"},
                     .default_text = "30s"});
  if (application.smoke_tested) options.back().verbs.emplace_back("smoke-test");
  options.push_back({.name = "report",
                     .value = "FILE",
                     .help = "Write a self-contained HTML page: timeline, plan, errors",
                     .verbs = {"deploy", "destroy"},
                     .complete = Complete::file});
  if (application.plans) options.back().verbs.emplace_back("plan");
  options.push_back({.name = "delete-data",
                     .help = "Delete kept data and its passwords as well; there is no undo",
                     .verbs = {"destroy"}});
  options.push_back(
      {.name = "follow", .help = "Go on as new lines come, until Ctrl-C", .verbs = {"logs"}, .letter = 'f'});
  options.push_back({.name = "lines",
                     .value = "N",
                     .help = "So many of the last lines of each log",
                     .verbs = {"logs"},
                     .default_text = "100"});
  options.push_back({.name = "format",
                     .value = "FORMAT",
                     .help = "text, dot or svg",
                     .verbs = {"graph"},
                     .choices = {"text", "dot", "svg"},
                     .complete = Complete::choices,
                     .default_text = "text"});
}

void add_of_observers(const Application& application, std::vector<OptionInfo>& options) {
  if (application.metrics) {
    options.push_back({.name = "metrics-listen",
                       .value = "ADDRESS:PORT",
                       .help = "Serve metrics while it runs",
                       .verbs = {"deploy", "destroy"}});
    options.push_back({.name = "metrics-linger",
                       .value = "DURATION",
                       .help = "Wait so long for a last scrape at the end",
                       .verbs = {"deploy", "destroy"},
                       .default_text = "0s"});
    options.push_back({.name = "metrics-textfile",
                       .value = "FILE",
                       .help = "Write metrics for node-exporter's textfile collector at the end, into a .prom file",
                       .verbs = {"deploy", "destroy"},
                       .complete = Complete::file});
    options.push_back({.name = "push-gateway",
                       .value = "URL",
                       .help = "Push metrics to a Pushgateway at the end",
                       .verbs = {"deploy", "destroy"}});
  }
  if (application.trace)
    options.push_back({.name = "trace",
                       .value = "FILE",
                       .help = "Write a Chrome trace (chrome://tracing, ui.perfetto.dev)",
                       .verbs = {"deploy", "destroy"},
                       .complete = Complete::file});
}

Complete completion_of(const TopologyOption& option) {
  if (option.value_name == "DIR") return Complete::directory;
  return option.value_name == "FILE" ? Complete::file : Complete::nothing;
}

void add_of_deployments(const Application& application, std::vector<OptionInfo>& options) {
  const auto ids = topology_ids(application);
  const bool local = std::ranges::find(ids, "local") != ids.end();
  options.push_back({.name = "on",
                     .value = "TOPOLOGY",
                     .help = "Where",
                     .verbs = deployment_verbs,
                     .choices = ids,
                     .complete = Complete::topologies,
                     .default_text = local || ids.empty() ? "local" : ids.front()});
  options.push_back({.name = "deployment",
                     .value = "NAME",
                     .help = "Which deployment: keys state, lock and ledger",
                     .verbs = deployment_verbs,
                     .default_text = application.name()});
  options.push_back({.name = "set",
                     .value = "FIELD=VALUE",
                     .help = "Set a field of the root Score (see Fields)",
                     .verbs = deployment_verbs,
                     .complete = Complete::fields,
                     .repeatable = true});
  options.push_back({.name = "config",
                     .value = "FILE",
                     .help = "Set fields from a JSON object; --set wins",
                     .verbs = deployment_verbs,
                     .complete = Complete::file});
  for (const TopologyChoice& choice : application.topologies)
    for (const TopologyOption& option : choice.options) {
      const auto known = std::ranges::find(options, option.name, &OptionInfo::name);
      if (known != options.end()) known->topologies.push_back(choice.id);
      else
        options.push_back({.name = option.name,
                           .value = option.value_name,
                           .help = option.help,
                           .verbs = deployment_verbs,
                           .letter = option.letter,
                           .complete = completion_of(option),
                           .topologies = {choice.id},
                           .chooses_topology = option.chooses && application.topologies.size() > 1});
    }
}

/// All whose result is data; help and a completion script are text, and nothing else.
std::vector<std::string> verbs_with_data(const std::vector<VerbInfo>& verbs) {
  std::vector<std::string> names;
  for (const VerbInfo& verb : verbs)
    if (verb.name != "help" && verb.name != "completion") names.push_back(verb.name);
  return names;
}

void add_of_output(const std::vector<VerbInfo>& verbs, std::vector<OptionInfo>& options) {
  options.push_back({.name = "output",
                     .value = "FORMAT",
                     .help = "human or json",
                     .verbs = verbs_with_data(verbs),
                     .letter = 'o',
                     .choices = {"human", "json"},
                     .complete = Complete::choices,
                     .default_text = "human"});
  options.push_back({.name = "events",
                     .value = "FILE",
                     .help = "Write what happens as JSON lines; `-` is standard output",
                     .verbs = running_verbs,
                     .complete = Complete::file});
  options.push_back({.name = "color",
                     .value = "WHEN",
                     .help = "auto, always or never",
                     .choices = {"auto", "always", "never"},
                     .complete = Complete::choices,
                     .default_text = "auto"});
  options.push_back({.name = "progress",
                     .value = "MODE",
                     .help = "auto, tty, plain or quiet",
                     .verbs = running_verbs,
                     .choices = {"auto", "tty", "plain", "quiet"},
                     .complete = Complete::choices,
                     .default_text = "auto"});
  options.push_back({.name = "verbose", .help = "Show the parts of each step, unchanged ones too", .letter = 'v'});
  options.push_back({.name = "quiet", .help = "No progress and no hints", .letter = 'q'});
  options.push_back({.name = "help", .help = "Show help", .letter = 'h'});
}

/// Options of verbs that are not there make no sense either.
void drop_foreign_verbs(OptionTable& table) {
  for (OptionInfo& option : table.options)
    std::erase_if(option.verbs, [&](const std::string& name) { return !table.verb(name); });
}

}  // namespace

OptionTable option_table(const Application& application) {
  OptionTable table{.verbs = verbs_of(application), .options = {}};
  add_of_verbs(application, table.options);
  add_of_observers(application, table.options);
  add_of_deployments(application, table.options);
  add_of_output(table.verbs, table.options);
  drop_foreign_verbs(table);
  return table;
}

const VerbInfo* OptionTable::verb(std::string_view name) const {
  const auto found = std::ranges::find(verbs, name, &VerbInfo::name);
  return found == verbs.end() ? nullptr : &*found;
}

const OptionInfo* OptionTable::option(std::string_view name) const {
  const auto found = std::ranges::find(options, name, &OptionInfo::name);
  return found == options.end() ? nullptr : &*found;
}

const OptionInfo* OptionTable::option(char letter) const {
  const auto found =
      std::ranges::find_if(options, [&](const OptionInfo& option) { return letter != 0 && option.letter == letter; });
  return found == options.end() ? nullptr : &*found;
}

bool OptionTable::belongs(const OptionInfo& option, const VerbInfo& verb) {
  return option.verbs.empty() || std::ranges::find(option.verbs, verb.name) != option.verbs.end();
}

std::vector<std::string> OptionTable::verb_names() const {
  std::vector<std::string> names;
  for (const VerbInfo& verb : verbs) names.push_back(verb.name);
  return names;
}

}  // namespace harmony::cli
