// What goes wrong while an executable is copied is told of the file that it went wrong with.
#include <fcntl.h>

#include "catch.hpp"
#include "harmony/error.hpp"
#include "host/descriptor.hpp"
#include "host/folder.hpp"
#include "host/hash.hpp"
#include "host/machine.hpp"
#include "support/scopes.hpp"
#include "support/temporary.hpp"

using namespace harmony;
using namespace harmony::host;

TEST_CASE("a source that the disk does not give is one that cannot be read") {
  const testing::TemporaryFolder temporary;
  const State state{"guestbook", temporary.path().string()};
  state.make();
  // A regular file whose first byte cannot be read. A deploy has noted its hash, so that only the copying reads it.
  const std::string source = "/proc/self/mem";
  const Descriptor open{::open(source.c_str(), O_RDONLY | O_CLOEXEC)};
  REQUIRE(open);
  const Folder folder{state.root()};
  folder.make("artefacts/0", 0700, std::nullopt);
  folder.write("artefacts/0/.source", identity_of(open.number()).text() + " " + sha256("x") + "\n", 0600, std::nullopt);

  const auto ledger = testing::memory_ledger();
  testing::Scopes scopes{ledger};
  Scope at = scopes.real();
  try {
    machine(state, ledger)->ensure(at, Artefact{source});
    FAIL("it was copied");
  } catch (const Error& error) {
    CHECK(error.data().code == "H0109");
    CHECK(error.data().message == "the executable `/proc/self/mem` cannot be read: input/output error");
    CHECK(error.data().help.find("dmesg") != std::string::npos);
  }
}
