#include "harmony/background.hpp"

#include "run.hpp"

namespace harmony {

namespace {

/// Nothing is shown from here, so that nothing has to be told apart.
class NoFingerprinter final : public Fingerprinter {
 public:
  std::string of(std::string_view) const override { return "(secret)"; }
};

class Teller final : public Observer {
 public:
  explicit Teller(std::function<void(std::string_view)> waits) : waits_(std::move(waits)) {}
  void on(const Event& event) noexcept override {
    if (waits_ && (event.kind == Event::Kind::retried || event.kind == Event::Kind::waiting)) waits_(event.text);
  }

 private:
  std::function<void(std::string_view)> waits_;
};

}  // namespace

struct Background::State {
  NoFingerprinter fingerprinter;
  Events events;
  Redactor redactor;
  Node node{nullptr, Node::Kind::score, "background", "background", std::source_location::current()};
  ReadingRun run;
  Teller teller;

  State(std::string deployment, std::function<void(std::string_view)> waits)
      : run(RunServices{std::move(deployment), "", "", "", &fingerprinter, &events, &redactor}),
        teller(std::move(waits)) {
    events.subscribe(teller);
  }
};

Background::Background(std::string deployment, std::function<void(std::string_view)> waits)
    : state_(std::make_unique<State>(std::move(deployment), std::move(waits))) {}
Background::~Background() = default;
Scope Background::scope() const { return {state_->run, state_->node, {}}; }

}  // namespace harmony
