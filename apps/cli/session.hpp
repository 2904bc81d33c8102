#pragma once
/// One run of a verb on one deployment: what was asked, where the words go, the engine.
#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include <boost/json/fwd.hpp>

#include "application.hpp"
#include "arguments.hpp"
#include "event_stream.hpp"
#include "option_table.hpp"
#include "output.hpp"
#include "plan_file.hpp"
#include "plan_view.hpp"
#include "progress.hpp"
#include "signals.hpp"
#include "summary.hpp"
#include "timeline.hpp"

namespace harmony::cli {

/// What every verb has, whether or not it touches a deployment.
struct Invocation {
  Application& application;
  const OptionTable& table;
  std::string program;                ///< as it was called
  Arguments arguments = {};
  Console& console;
  Environment environment;

  Output& results() const;            ///< standard output, but for `--events -`, which takes it for itself
  Style result_style() const;
  Style error_style() const;
  std::size_t columns_of(int descriptor) const;  ///< 0: no terminal, lines are as long as they are
};

/// Of the topologies, with whole paths: as a saved plan keeps them.
std::map<std::string, std::string> given_options(const Application&, const Arguments&);

class Session {
 public:
  /// Reads a saved plan, sets the fields, opens the topology. @throws Error
  explicit Session(Invocation&);
  ~Session();

  Invocation& in;
  const Arguments& arguments;
  std::string topology_id, deployment;
  std::map<std::string, std::string> topology_options;  ///< as given, or as a saved plan brings them
  std::optional<SavedPlan> saved;     ///< of `deploy --plan`
  std::unique_ptr<Progress, FinishProgress> progress;
  std::optional<Signals> signals;
  Timeline timeline;
  std::optional<EventStream> events;
  Instance instance;
  std::unique_ptr<Engine> engine;
  std::optional<Plan> shown;          ///< the last plan that was shown
  std::string report_note = {};       ///< why the report was not written, as it was said

  bool json() const { return arguments.json(); }
  Redact redact() const;
  void print(std::string text) const { in.results().write(std::move(text)); }  ///< a result
  void print_json(boost::json::object body, int exit_code) const;
  void say(const std::string& text) const;                                       ///< to the person, on stderr
  void print_errors(const std::vector<Diagnostic>&) const;
  void print_warning(const Diagnostic&) const;  ///< what went wrong beside the verb's own work
  int exit_code(const std::vector<Diagnostic>&) const;
  PlanViewOptions view() const;
  SummaryContext summary() const;
  void show_plan(const Plan&);
  /// Asks, if somebody can be asked. @param question ends without a question mark.
  Approval ask(const std::string& question);
  bool hints() const;
  void finish_progress() { progress->finish(); }
  /// Waits until the file of `--events` is written, and tells where it cannot be; that changes no result.
  void finish_events_file() const;

 private:
  void read_settings();
  void open_events();
  void start_progress();
  void start_signals();
  void interrupted(int signal) const;
  void open_engine();
  std::atomic<Progress*> drawn_{nullptr};  ///< what a signal must interrupt
  std::atomic<bool> asking_{false};        ///< nothing is at work that a signal would have to stop
  std::map<std::string, std::string> settings_;
  std::unique_ptr<Output> events_file_;
  int events_descriptor_ = -1;
};

int plan_verb(Session&);
int deploy_verb(Session&);
int smoke_test_verb(Session&);
int destroy_verb(Session&);
int status_verb(Session&);
int logs_verb(Session&);
int graph_verb(Session&);

}  // namespace harmony::cli
