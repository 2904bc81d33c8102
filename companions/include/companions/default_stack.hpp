#pragma once
/// default_stack(): the companions that a deploy has unless there is a reason against one.
///
///   cli::run(argc, argv, GuestbookScore{} | smoke_tested(GuestbookWorks{}) | default_stack(), …)
#include "companions/dry_run.hpp"
#include "companions/metered.hpp"
#include "companions/planned.hpp"
#include "companions/traced.hpp"

namespace harmony {

inline auto default_stack() {
  return metered()     // somebody will ask how long it took, and whether the last one worked
         | traced()    // and where the time went; costs nothing without --trace
         | dry_run()   // nobody should have to deploy to see what a deploy prints
         | planned();  // nor to see what it would change
}

}  // namespace harmony
