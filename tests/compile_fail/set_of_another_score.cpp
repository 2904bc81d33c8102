// expect: harmony: set() binds members of the root Score only
#include "cli/cli.hpp"
#include "companions/unverified.hpp"

#include "cast.hpp"

struct OtherScore {
  std::string host;
};

int main(int argc, char** argv) {
#ifdef WRONG
  const auto member = &OtherScore::host;
#else
  const auto member = &CacheScore::instance;
#endif
  return harmony::cli::run(argc, argv, CacheScore{} | harmony::unverified("nothing listens"),
                           harmony::cli::topologies<EdgeBox>(), harmony::cli::set("name", member, "what it is called"));
}
