#include <boost/json.hpp>

#include "exit_code.hpp"
#include "session.hpp"
#include "status_view.hpp"
#include "text.hpp"

namespace harmony::cli {

int status_verb(Session& session) {
  Engine& engine = *session.engine;
  engine.reach();
  const Status status{.deployment = session.deployment,
                      .topology = session.instance.topology->label(),
                      .ledger = engine.ledger_state(),
                      .observations = engine.observe_entries(),
                      .facts = engine.facts()};
  session.finish_progress();
  if (session.json()) session.print_json(to_json(status), exit_done);
  else
    session.print(
        folded(render_status(status, session.in.result_style(), session.arguments.has("verbose"), session.redact()),
               session.in.columns_of(session.in.results().descriptor())));
  return exit_done;
}

}  // namespace harmony::cli
