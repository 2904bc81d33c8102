// Writing files whole, the fingerprint key, and text made printable.
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "catch.hpp"
#include "harmony/error.hpp"
#include "host/durable.hpp"
#include "host/host.hpp"
#include "host/printable.hpp"
#include "host/state.hpp"
#include "support/processes.hpp"
#include "support/temporary.hpp"

using namespace harmony;
using namespace harmony::testing;
using namespace harmony::host;
namespace fs = std::filesystem;

namespace {

std::string content(const fs::path& path) {
  std::ostringstream all;
  all << std::ifstream{path}.rdbuf();
  return all.str();
}
std::string code_of(const std::function<void()>& body) {
  try {
    body();
    return "done";
  } catch (const Error& error) {
    return error.data().code;
  }
}
mode_t mode_of(const fs::path& path) {
  struct stat found{};
  REQUIRE(::lstat(path.c_str(), &found) == 0);
  return found.st_mode & 07777;
}

}  // namespace

TEST_CASE("a file is replaced whole, with its mode, and nothing is left beside it") {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "plan";
  write_durably(file, "one", 0644);
  CHECK(mode_of(file) == 0644);
  write_durably(file, std::string(100'000, 'x'), 0600);
  CHECK(content(file) == std::string(100'000, 'x'));
  CHECK(mode_of(file) == 0600);
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("a link in the place of the file is replaced, not followed") {
  const TemporaryFolder folder;
  std::ofstream{folder.path() / "other"} << "kept";
  fs::create_symlink("other", folder.path() / "file");
  write_durably(folder.path() / "file", "new", 0600);
  CHECK(content(folder.path() / "other") == "kept");
  CHECK_FALSE(fs::is_symlink(folder.path() / "file"));
  fs::create_symlink("other", folder.path() / ".second.next");  // nor one in the place of its draft
  CHECK(code_of([&] { write_durably(folder.path() / "second", "new", 0600); }) == "H0104");
  CHECK(content(folder.path() / "other") == "kept");
}

TEST_CASE("what a killed writer left is used again") {
  const TemporaryFolder folder;
  std::ofstream{folder.path() / ".file.next"} << std::string(1000, 'o');
  write_durably(folder.path() / "file", "new", 0600);
  CHECK(content(folder.path() / "file") == "new");
  CHECK_FALSE(fs::exists(folder.path() / ".file.next"));
}

TEST_CASE("writers side by side: one of them wins, whole") {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "file";
  {
    std::vector<std::jthread> writers;
    for (char who = 'a'; who < 'g'; ++who)
      writers.emplace_back([&, who] {
        for (int i = 0; i < 20; ++i) write_durably(file, std::string(5000, who), 0600);
      });
  }
  const std::string last = content(file);
  REQUIRE(last.size() == 5000);
  CHECK(last == std::string(5000, last[0]));
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("keeping what is there") {
  const TemporaryFolder folder;
  CHECK(place_durably(folder.path() / "key", "first", 0600, Existing::keep));
  CHECK_FALSE(place_durably(folder.path() / "key", "second", 0600, Existing::keep));
  CHECK(content(folder.path() / "key") == "first");
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("a failure names file and cause") {
  const TemporaryFolder folder;
  try {
    write_durably(folder.path() / "not/there", "x", 0600);
    FAIL("it was written");
  } catch (const Error& error) {
    CHECK(error.data().code == "H0104");
    CHECK(error.data().message ==
          "`" + (folder.path() / "not/there").string() + "` cannot be written: no such file or directory");
  }
}

TEST_CASE("fingerprints mean something within a deployment only") {
  const TemporaryFolder folder;
  const State here{"here", folder.path()}, there{"there", folder.path()};
  const KeyedFingerprinter first{here}, other{there};
  CHECK(first.of("secret").size() == 8);
  CHECK(first.of("secret") == first.of("secret"));
  CHECK(first.of("secret") != first.of("Secret"));
  CHECK(first.of("secret") != other.of("secret"));
  CHECK(fs::is_empty(folder.path()));  // in memory until a deploy keeps it
}

TEST_CASE("a key that is kept is found again; a plan's key counts only before") {
  const TemporaryFolder folder;
  const State state{"here", folder.path()};
  KeyedFingerprinter planned{state};
  KeyedFingerprinter deployed{state};
  deployed.adopt(planned.key());
  state.make();
  deployed.keep(state);
  CHECK(mode_of(state.root() / "keys/fingerprint") == 0600);
  CHECK(KeyedFingerprinter{state}.of("x") == planned.of("x"));
  KeyedFingerprinter late{state};
  late.adopt(planned.key());
  try {
    late.adopt(std::string(64, '0'));
    FAIL("fingerprints of two keys would be compared");
  } catch (const StalePlan& error) {
    CHECK(error.data().code == "H0303");
  }
  CHECK(late.of("x") == planned.of("x"));
}

TEST_CASE("of two first deploys, both use the key that was kept first") {
  const TemporaryFolder folder;
  const State state{"here", folder.path()};
  const KeyedFingerprinter one{state}, two{state};
  state.make();
  one.keep(state);
  two.keep(state);
  CHECK(one.of("x") == two.of("x"));
  CHECK(KeyedFingerprinter{state}.of("x") == one.of("x"));
}

TEST_CASE("a damaged key is an error, not another key") {
  const TemporaryFolder folder;
  const State state{"here", folder.path()};
  state.make();
  for (const std::string bad : {"", "abc", "zz"}) {
    std::ofstream{state.root() / "keys/fingerprint", std::ios::trunc} << bad;
    CHECK(code_of([&] { KeyedFingerprinter{state}; }) == "H0206");
  }
  fs::remove(state.root() / "keys/fingerprint");
  KeyedFingerprinter good{state};
  CHECK(code_of([&] { good.adopt("no key"); }) == "H0206");
}

TEST_CASE("text from elsewhere is made printable") {
  CHECK(printable("plain text, 100 %") == "plain text, 100 %");
  CHECK(printable("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8e\xb5") ==
        "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8e\xb5");
  CHECK(printable("a\nb\r\n\tc \n") == "a b   c");
  CHECK(printable("\x1b[31mred\x07\x7f") == "?[31mred??");
  CHECK(printable("\xc2\x9b"
                  "31m") == "?31m");                      // C1
  CHECK(printable("a\xe2\x80\xae"
                  "b\xe2\x80\x8b"
                  "c\xef\xbb\xbf"
                  "d") == "a?b?c?d");  // bidi, zero width
  CHECK(printable("\xf3\xa0\x81\x81") == "?");                        // a tag
  CHECK(printable(std::string("a\0b", 3)) == "a?b");
  CHECK(printable("\xff\xc0\xaf\xed\xa0\x80\xe2\x82") == "????????");  // not UTF-8: every byte
  CHECK(printable("") == "");
}

TEST_CASE("pending endpoints: what was put last") {
  PendingEndpoints pending;
  CHECK_FALSE(pending.find({.port = 1}));
  pending.put({.port = 1}, {.now = std::nullopt, .fresh = true, .because = "process x is only planned"});
  REQUIRE(pending.find({.port = 1}));
  CHECK(pending.find({.port = 1})->fresh);
  CHECK_FALSE(pending.find({.address = "127.0.0.2", .port = 1}));
  pending.put({.port = 1}, {.now = Endpoint{.port = 2}, .because = "it moves"});
  CHECK(pending.find({.port = 1})->now->port == 2);
}
