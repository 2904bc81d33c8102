// Which PostgreSQL is used is read in a folder that its server may write to.
#include "postgresql/installation.hpp"

#include <sys/stat.h>

#include <fstream>

#include "catch.hpp"
#include "harmony/error.hpp"
#include "support/temporary.hpp"

using namespace harmony;
namespace fs = std::filesystem;

namespace {

struct Place {
  testing::TemporaryFolder temporary;
  host::Folder state{temporary.path()};
  fs::path data = temporary.path() / "services/db/data";
  Place() { fs::create_directories(data); }
  /// The major that is chosen, or the code of the error.
  std::string chosen() const {
    try {
      return postgresql::installation(state, "services/db/data").major;
    } catch (const Error& error) {
      return error.data().code;
    }
  }
};

}  // namespace

TEST_CASE("the data says which one made it") {
  const Place at;
  const std::string newest = at.chosen();  // or H0225: none is installed here
  std::ofstream{at.data / "PG_VERSION"} << "9\n";
  CHECK(at.chosen() == "H0226");
  std::ofstream{at.data / "PG_VERSION"} << "no number\n";
  CHECK(at.chosen() == newest);
}

TEST_CASE("a server leads nobody elsewhere, and keeps nobody waiting") {
  const Place at;
  std::ofstream{at.temporary.path() / "secret"} << "9\n";
  fs::create_symlink(at.temporary.path() / "secret", at.data / "PG_VERSION");
  CHECK(at.chosen() == "H0106");
  fs::remove(at.data / "PG_VERSION");
  REQUIRE(::mkfifo((at.data / "PG_VERSION").c_str(), 0600) == 0);
  CHECK(at.chosen() == "H0106");
  fs::remove_all(at.data);
  fs::create_directory_symlink(at.temporary.path(), at.data);
  CHECK(at.chosen() == "H0106");
}
