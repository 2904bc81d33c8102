#include "workloads/wanted.hpp"

#include <fmt/format.h>

namespace harmony::workloads {

namespace {

void require_replicas(const Workload& workload) {
  if (workload.replicas.value_or(1) >= 1) return;
  throw Error({.code = "H0251",
               .category = Category::usage,
               .message = fmt::format("workload `{}` is to have {} replicas", workload.instance, *workload.replicas),
               .subject = "workload/" + workload.instance,
               .help = "give it one or more; to take it away, leave its Score out"});
}

void require_own_address(const Workload& workload) {
  const std::string& variable = workload.listen_variable;
  if (!workload.environment.contains(variable)) return;
  throw Error({.code = "H0253",
               .category = Category::usage,
               .message = fmt::format("the environment of workload `{}` sets `{}`, by which it is told where to listen",
                                      workload.instance, variable),
               .subject = "workload/" + workload.instance,
               .help = "leave it out; where the server reads its address from another variable, name that as "
                       "`listen_variable`"});
}

}  // namespace

void require_sound(const Workload& workload) {
  require_replicas(workload);
  require_own_address(workload);
}

}  // namespace harmony::workloads
