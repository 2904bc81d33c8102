#include "workloads/score.hpp"

namespace harmony {

void HttpServerScore::interpret(Context<needs>& in) const {
  in.use<Workloads>().ensure(in, {.instance = instance,
                                  .artefact = artefact,
                                  .arguments = arguments,
                                  .environment = environment,
                                  .ready_path = ready_path,
                                  .ready_limit = ready_limit,
                                  .replicas = replicas,
                                  .resources = resources});
  in.use<HttpRoute>().ensure(in, {.instance = instance, .workload = instance, .host = host});
}

}  // namespace harmony
