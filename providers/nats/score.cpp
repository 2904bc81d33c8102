#include "nats/score.hpp"

namespace harmony {

void NatsScore::interpret(Context<needs>& in) const {
  in.use<Nats>().ensure(in, {.instance = instance, .streams = streams, .resources = resources});
}

}  // namespace harmony
