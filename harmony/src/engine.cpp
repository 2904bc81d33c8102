#include "harmony/engine.hpp"

#include <algorithm>
#include <random>
#include <thread>

#include <fmt/chrono.h>

#include "engine_impl.hpp"

namespace harmony {

std::string now_text() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
}
std::string fresh_run_id() {
  std::random_device random;
  return fmt::format("{:%Y%m%dT%H%M%S}-{:08x}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())), random());
}

Primitive* primitive_of(Topology& topology, const LedgerEntry& entry) {
  for (Primitive* primitive : topology.primitives())
    if (primitive->primitive() == entry.subject.primitive) return primitive;
  throw Error({.code = "H0304",
               .message = fmt::format("the ledger holds `{}` of primitive `{}`, which this topology does not have",
                                      entry.subject.text(), entry.subject.primitive),
               .subject = entry.subject.text(),
               .help = "use the deploy binary that made it"});
}

Node* find_step(const Node& below, const std::string& kind, const std::string& name) {
  for (const Node* child : below.children()) {
    if (child->kind() == Node::Kind::step && child->label() == kind && child->name() == name)
      return const_cast<Node*>(child);
    if (Node* found = find_step(*child, kind, name)) return found;
  }
  return nullptr;
}

Node& step_of(Node& root, const LedgerEntry& entry) {
  Node* step = find_step(root, entry.step_kind, entry.step_name);
  return step ? *step : root.add_step({.kind = entry.step_kind, .name = entry.step_name});
}

void rest(Topology& topology, Run& run, Node& root, std::stop_token stop, const LedgerEntry& entry) {
  if (entry.shared) return;
  Scope at{run, step_of(root, entry), std::move(stop)};
  primitive_of(topology, entry)->rest(at, entry);
}

namespace {
void unswept_paths(const Node& node, std::vector<std::string>& paths) {
  if (node.unswept) paths.push_back(node.path());
  for (const Node* child : node.children()) unswept_paths(*child, paths);
}

/// What a deploy would do to a step, in few words: its effect, else the first field that moved.
std::string would_be(const StepOutcome& step) {
  if (step.fidelity == Fidelity::unknown) return "only known after the deploy";
  std::string text{to_string(step.action)};
  for (const Change& change : step.changes)
    if (step.action == Action::update && change.action != Action::unchanged && !change.fields.empty()) {
      const FieldChange& field = change.fields.front();
      return text + ", " + field.path + ": " + sides_of(field);
    }
  return text;
}

/// With which arguments the last deploy is repeated.
std::string how_to_give(const Given& given) {
  if (given.options.empty()) return "give the settings of the last deploy, with --set or --config";
  if (given.settings.empty()) return "give the options of the last deploy";
  return "give the settings of the last deploy, with --set or --config, and its options";
}

Error nothing_deployed(const std::string& deployment) {
  return Error({.code = "H0305",
                .category = Category::refused,
                .message = "nothing is deployed as `" + deployment + "`, so there is nothing to test",
                .help = "deploy first: a deploy ends with the smoke tests"});
}

Error differs(const Plan& plan) {
  const Outcome& outcome = plan.outcome;
  constexpr std::size_t most = 5;
  Diagnostic said{.code = "H0305",
                  .category = Category::refused,
                  .message = "what is deployed is not what the Scores say, so it cannot be tested as such",
                  .help = "look at `plan`, then deploy: a deploy ends with the smoke tests"};
  std::size_t more = 0;
  for (const StepOutcome& step : outcome.steps) {
    if (step.action == Action::unchanged && step.fidelity != Fidelity::unknown) continue;
    if (said.facts.size() == most) ++more;
    else said.facts.emplace_back(fmt::format("{} {}", step.kind, step.name), would_be(step));
  }
  if (plan.given_before && !plan.given_before->empty()) {
    said.facts.emplace_back("last deploy", "made with " + plan.given_before->text());
    said.help = how_to_give(*plan.given_before) + ": a deploy without them takes them back";
  }
  if (more > 0) said.facts.emplace_back("and", fmt::format("{} more", more));
  return Error(std::move(said));
}

}  // namespace

std::vector<std::string> spared_paths(const Node& root) {
  std::vector<std::string> paths;
  unswept_paths(root, paths);
  return paths;
}

bool lies_below(const std::string& score_path, const std::vector<std::string>& paths) {
  return std::ranges::any_of(
      paths, [&](const std::string& path) { return score_path == path || score_path.starts_with(path + " > "); });
}

bool is_owned(const LedgerEntry& entry) { return !entry.shared && entry.state == LedgerEntry::State::owned; }

bool owned_by_another(const LedgerState& ledger, const Node& root) {
  return std::ranges::any_of(ledger.entries, is_owned) &&
         std::ranges::none_of(ledger.entries, [&](const LedgerEntry& entry) {
           return is_owned(entry) && lies_below(entry.score_path, {root.path()});
         });
}

Leftovers leftovers(const LedgerState& ledger, const Run& run, const Node& root) {
  const auto spared = spared_paths(root);
  Leftovers found;
  for (const LedgerEntry& entry : ledger.entries) {
    if (run.touched(entry.subject) || lies_below(entry.score_path, spared)) continue;
    if (!entry.shared) (entry.holds_data ? found.stay : found.go).push_back(entry);
    else if (entry.state == LedgerEntry::State::intended)
      found.never_made.push_back(entry);  // or made: the machine's, not ours
  }
  std::ranges::reverse(found.go);
  return found;
}

bool Report::stopped() const {
  return !ok() && std::ranges::all_of(errors, [](const Diagnostic& e) { return e.category == Category::stopped; });
}

Engine::Engine(Program program, std::shared_ptr<Topology> topology, EngineOptions options, std::stop_token stop)
    : impl_(std::make_unique<Impl>(std::move(program), std::move(topology), std::move(options), std::move(stop))) {}
Engine::~Engine() = default;

void Engine::observe(Observer& observer) { impl_->events.subscribe(observer); }
std::string Engine::redact(std::string_view text) const { return impl_->redactor.apply(text); }

Plan Engine::rehearse() { return impl_->rehearse(); }

Report Engine::deploy(const Plan* saved, const Approve& approve) {
  return impl_->report([&](Report& made) { impl_->deploy(saved, approve, made); });
}

Report Engine::smoke_test() {
  return impl_->report([&](Report& made) {
    const Plan plan = impl_->rehearse();
    made.errors = plan.errors;
    if (!plan.errors.empty()) return;
    if (!plan.outcome.empty()) {
      if (require_ledger().run) throw differs(plan);
      throw nothing_deployed(impl_->options.deployment);
    }
    impl_->smoke_tests(impl_->rehearsed->run.smoke_tests(), made);
  });
}

Report Engine::destroy(bool delete_data, const ApproveDestroy& approve) {
  return impl_->report([&](Report& made) { impl_->destroy(delete_data, approve, made); });
}

std::vector<Observation> Engine::observe_entries() {
  ReadingRun run{impl_->services()};
  Scope at{run, impl_->fresh_root(), impl_->stop};
  impl_->topology->recall(at);
  std::vector<Observation> all;
  for (const LedgerEntry& entry : ledger_state().entries) {
    Observation seen = primitive_of(*impl_->topology, entry)->observe(at, entry);
    seen.entry = entry;
    impl_->topology->look_closer(at, seen);
    all.push_back(std::move(seen));
  }
  return all;
}

void Engine::logs(const std::string& filter, const LogQuery& query, const LogSink& sink) {
  ReadingRun run{impl_->services()};
  Scope at{run, impl_->fresh_root(), impl_->stop};
  std::stop_source ended;
  std::stop_callback chained{impl_->stop, [&] { ended.request_stop(); }};
  at = Scope{run, at.node(), ended.get_token()};
  std::mutex mutex;
  std::exception_ptr failure;
  std::vector<std::jthread> followers;
  const auto entries = ledger_state().entries;
  // Whatever a program writes into its log: also a password that it was given.
  for (const LedgerEntry& entry : entries) primitive_of(*impl_->topology, entry)->conceal(at, entry);
  for (const LedgerEntry& entry : entries) {
    if (!filter.empty() && entry.step_name.find(filter) == std::string::npos &&
        entry.subject.name.find(filter) == std::string::npos)
      continue;
    Primitive* primitive = primitive_of(*impl_->topology, entry);
    auto read = [primitive, entry, &query, &sink, &mutex, &failure, &ended, at]() mutable {
      try {
        primitive->logs(at, entry, query, sink);
      } catch (const Stopped&) {  // how following ends
      } catch (...) {
        std::lock_guard hold{mutex};
        if (!failure) failure = std::current_exception();
        ended.request_stop();
      }
    };
    if (query.follow) followers.emplace_back(read);
    else read();
  }
  followers.clear();
  if (failure) std::rethrow_exception(failure);
}

LedgerState Engine::require_ledger() {
  ReadingRun run{impl_->services()};
  Scope at{run, impl_->fresh_root(), impl_->stop};
  return impl_->require_ledger(at);
}

LedgerState Engine::Impl::require_ledger(Scope& at) {
  LedgerState ledger = topology->ledger().read();
  if (ledger.run || !ledger.entries.empty()) return ledger;
  const std::string what = topology->unclaimed(at);
  if (what.empty()) return ledger;
  throw Error({.code = "H0208",
               .category = Category::refused,
               .message = "deployment `" + options.deployment + "` is there, but its ledger is gone",
               .facts = {{"there", what}},
               .notes = {"nothing was changed"},
               .help = "put the ledger back; or deploy, which takes over what its Scores name"});
}

void Engine::reach() { impl_->reach(); }

void Engine::Impl::reach() {
  ReadingRun run{services()};
  Scope at{run, fresh_root(), stop};
  topology->reach(at);
}

LedgerState Engine::ledger_state() const { return impl_->topology->ledger().read(); }

std::vector<std::pair<std::string, std::string>> Engine::facts() {
  ReadingRun run{impl_->services()};
  Scope at{run, impl_->fresh_root(), impl_->stop};
  return impl_->topology->facts(at);
}

}  // namespace harmony
