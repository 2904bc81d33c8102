#include "harmony/background.hpp"

#include "run.hpp"

namespace harmony {

namespace {

/// Nothing is shown from here, so that nothing has to be told apart.
class NoFingerprinter final : public Fingerprinter {
 public:
  std::string of(std::string_view) const override { return "(secret)"; }
};

}  // namespace

struct Background::State {
  NoFingerprinter fingerprinter;
  Events events;
  Redactor redactor;
  Node node{nullptr, Node::Kind::score, "background", "background", std::source_location::current()};
  ReadingRun run;

  explicit State(std::string deployment)
      : run(RunServices{std::move(deployment), "", "", "", &fingerprinter, &events, &redactor}) {}
};

Background::Background(std::string deployment) : state_(std::make_unique<State>(std::move(deployment))) {}
Background::~Background() = default;
Scope Background::scope() const { return {state_->run, state_->node, {}}; }

}  // namespace harmony
