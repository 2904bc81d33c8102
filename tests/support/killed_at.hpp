#pragma once
/// An observer that kills its own process, as kill -9 does, at the n-th write point: $HARMONY_TEST_KILL_AT. Linked into
/// test binaries only.
#include <csignal>
#include <cstdlib>
#include <memory>

#include "harmony/event.hpp"
#include "harmony/layer.hpp"

namespace harmony::testing {

class KillingObserver final : public Observer {
 public:
  void on(const Event& event) noexcept override {
    if (event.kind == Event::Kind::write_point && event.number == at_) std::raise(SIGKILL);
  }

 private:
  const int at_ = std::getenv("HARMONY_TEST_KILL_AT") ? std::atoi(std::getenv("HARMONY_TEST_KILL_AT")) : 0;
};

struct KilledAtTag {};

template <Score S>
class KilledAt : public Companion<KilledAt<S>, S> {
 public:
  static constexpr Rank rank = Rank::observer;
  using tag = KilledAtTag;
  using Companion<KilledAt<S>, S>::Companion;
  void interpret(Context<typename S::needs>& in) const { in.pass(this->inner()); }
  Observer& observer() { return *observer_; }

 private:
  std::shared_ptr<KillingObserver> observer_ = std::make_shared<KillingObserver>();
};

struct killed_at : LayerBase {
  static constexpr Rank rank = Rank::observer;
  using tag = KilledAtTag;
  template <Score S>
  auto wrap(S score) const {
    return KilledAt<S>(std::move(score));
  }
};

}  // namespace harmony::testing
