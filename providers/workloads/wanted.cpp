#include "workloads/wanted.hpp"

#include <fmt/format.h>

namespace harmony::workloads {

void require_replicas(const Workload& workload) {
  if (workload.replicas >= 1) return;
  throw Error({.code = "H0251",
               .category = Category::usage,
               .message = fmt::format("workload `{}` is to have {} replicas", workload.instance, workload.replicas),
               .subject = "workload/" + workload.instance,
               .help = "give it one or more; to take it away, leave its Score out"});
}

}  // namespace harmony::workloads
