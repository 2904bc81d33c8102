#include "nats/score.hpp"

namespace harmony {

void NatsScore::interpret(Context<needs>& in) const {
  in.use<Nats>().ensure(in, {.instance = instance, .streams = streams});
}

}  // namespace harmony
