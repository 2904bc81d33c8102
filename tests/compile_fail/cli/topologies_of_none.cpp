// expect: harmony: topologies<>() names nowhere to deploy to; name one: topologies<Local>()
#include "cli/cli.hpp"
#include "companions/default_stack.hpp"
#include "companions/unverified.hpp"

#include "../cast.hpp"

int main(int argc, char** argv) {
  using namespace harmony;
#ifdef WRONG
  return cli::run(argc, argv, CacheScore{} | unverified("nothing listens") | default_stack(), cli::topologies<>());
#else
  return cli::run(argc, argv, CacheScore{} | unverified("nothing listens") | default_stack(),
                  cli::topologies<EdgeBox>());
#endif
}
