// expect: harmony: the root Score has no smoke test; stack smoke_tested(...) on it, or unverified("why")
#include "cli/cli.hpp"
#include "companions/default_stack.hpp"
#include "companions/unverified.hpp"

#include "cast.hpp"

int main(int argc, char** argv) {
#ifdef WRONG
  auto root = CacheScore{} | harmony::default_stack();
#else
  auto root = CacheScore{} | harmony::unverified("nothing listens") | harmony::default_stack();
#endif
  return harmony::cli::run(argc, argv, root, harmony::cli::topologies<EdgeBox>());
}
