#include "host/folder.hpp"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>

#include "catch.hpp"
#include "harmony/error.hpp"
#include "support/processes.hpp"
#include "support/temporary.hpp"

using namespace harmony::host;
namespace fs = std::filesystem;

namespace {

std::string code_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const harmony::Error& error) {
    return error.data().code;
  }
  return "";
}

struct Place {
  harmony::testing::TemporaryFolder temporary;
  Folder folder{temporary.path()};
};

/// From now on, what reads a folder in this process fails, as with a disk that reports errors.
bool folders_cannot_be_read() {
  sock_filter rules[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                         BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getdents64, 0, 1),
                         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
                         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program{std::size(rules), rules};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace

TEST_CASE("what is not there is not there, wherever the path ends") {
  const Place at;
  CHECK_FALSE(at.folder.look("a/b/c"));
  CHECK_FALSE(at.folder.read("a"));
  CHECK(at.folder.names("a").empty());
  CHECK_FALSE(Folder{"/nonexistent/state"}.read("a"));
  CHECK(code_of([&] { at.folder.remove("a/b"); }).empty());
}

TEST_CASE("a file is written whole, with its mode, over what was there") {
  const Place at;
  at.folder.make("services/db", 0700, std::nullopt);
  at.folder.write("services/db/conf", "one", 0640, std::nullopt);
  at.folder.write("services/db/conf", "two", 0600, std::nullopt);
  CHECK(at.folder.read("services/db/conf") == "two");
  CHECK(at.folder.look("services/db/conf")->mode == 0600);
  CHECK(at.folder.names("services/db") == std::vector<std::string>{"conf"});
}

TEST_CASE("a draft that a kill left is no obstacle") {
  const Place at;
  at.folder.draft("conf", "half", 0600, std::nullopt);
  CHECK_FALSE(at.folder.look("conf"));
  at.folder.write("conf", "whole", 0600, std::nullopt);
  CHECK(at.folder.read("conf") == "whole");
}

TEST_CASE("no symbolic link is followed, neither at the end of a path nor on its way") {
  const Place at;
  const harmony::testing::TemporaryFolder elsewhere;
  std::ofstream{elsewhere.path() / "file"} << "theirs";
  fs::create_directory_symlink(elsewhere.path(), at.temporary.path() / "link");
  at.folder.make("services", 0700, std::nullopt);
  fs::create_symlink(elsewhere.path() / "file", at.temporary.path() / "services/conf");
  CHECK(code_of([&] { (void)at.folder.look("services/conf"); }) == "H0106");
  CHECK(code_of([&] { (void)at.folder.read("services/conf"); }) == "H0106");
  CHECK(code_of([&] { (void)at.folder.read("link/file"); }) == "H0106");
  CHECK(code_of([&] { at.folder.write("link/file", "ours", 0600, std::nullopt); }) == "H0106");
  CHECK(code_of([&] { at.folder.make("link", 0700, std::nullopt); }) == "H0106");
  CHECK(code_of([&] { at.folder.make("link/new", 0700, std::nullopt); }) == "H0106");
  CHECK_FALSE(fs::exists(elsewhere.path() / "new"));
}

TEST_CASE("removing takes links away, not what they lead to") {
  const Place at;
  const harmony::testing::TemporaryFolder elsewhere;
  std::ofstream{elsewhere.path() / "file"} << "theirs";
  at.folder.make("services/db", 0700, std::nullopt);
  fs::create_directory_symlink(elsewhere.path(), at.temporary.path() / "services/db/link");
  at.folder.remove("services/db");
  CHECK_FALSE(fs::exists(at.temporary.path() / "services/db"));
  CHECK(fs::exists(elsewhere.path() / "file"));
}

TEST_CASE("what is kept stays with the way to it, the rest goes") {
  const Place at;
  at.folder.make("services/db/data/base", 0700, std::nullopt);
  at.folder.make("services/db/other", 0700, std::nullopt);
  at.folder.write("services/db/conf", "x", 0600, std::nullopt);
  at.folder.write("services/db/data/base/1", "x", 0600, std::nullopt);
  at.folder.remove("services/db", {"services/db/data"});
  CHECK(at.folder.names("services/db") == std::vector<std::string>{"data"});
  CHECK(at.folder.read("services/db/data/base/1") == "x");
  at.folder.remove("services/db");
  CHECK_FALSE(at.folder.look("services/db"));
}

TEST_CASE("a folder goes however deep it is, with few open files, and what is kept in it stays") {
  const Place at;
  at.folder.make("services/db/data", 0700, std::nullopt);
  at.folder.write("services/db/data/1", "x", 0600, std::nullopt);
  at.folder.make("services/db/.deep.0", 0700, std::nullopt);  // a name that it takes itself
  at.folder.write("services/db/.deep.0/file", "x", 0600, std::nullopt);
  at.folder.write("services/db/.deep.1", "x", 0600, std::nullopt);
  Descriptor level = at.folder.open("services/db", O_RDONLY | O_DIRECTORY);
  for (int i = 0; i < 3000; ++i) {
    REQUIRE(::mkdirat(level.number(), "a", 0700) == 0);
    REQUIRE(::mkdirat(level.number(), "b", 0700) == 0);
    level = Descriptor{::openat(level.number(), "b", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  }
  const std::string said = harmony::testing::apart([&]() -> std::string {
    const rlimit few{64, 64};
    if (::setrlimit(RLIMIT_NOFILE, &few) != 0) return "no limit";
    at.folder.remove("services/db", {"services/db/data"});
    return "removed";
  });
  CHECK(said == "removed");
  CHECK(at.folder.names("services/db") == std::vector<std::string>{"data"});
  CHECK(at.folder.read("services/db/data/1") == "x");
}

TEST_CASE("a folder is mended to its mode, whatever the umask") {
  const Place at;
  const auto umask = ::umask(077);
  at.folder.make("artefacts", 0755, std::nullopt);
  ::umask(umask);
  CHECK(at.folder.look("artefacts")->mode == 0755);
  at.folder.make("artefacts", 0700, std::nullopt);
  CHECK(at.folder.look("artefacts")->mode == 0700);
}

TEST_CASE("only an empty folder is removed as one") {
  const Place at;
  at.folder.make("a/b", 0700, std::nullopt);
  CHECK_FALSE(at.folder.remove_if_empty("a"));
  CHECK(at.folder.remove_if_empty("a/b"));
  CHECK(at.folder.remove_if_empty("a/b"));
}

TEST_CASE("a pipe that nobody reads is as good as none") {
  const Place at;
  REQUIRE(::mkfifo((at.temporary.path() / "control").c_str(), 0600) == 0);
  CHECK_FALSE(at.folder.open("control", O_WRONLY));
}

TEST_CASE("a folder that cannot be read is not an empty one") {
  const Place at;
  at.folder.make("services/db", 0700, std::nullopt);
  const std::string said = harmony::testing::apart([&]() -> std::string {
    if (!folders_cannot_be_read()) return "no filter";
    return at.folder.names("services").empty() ? "empty" : "read";
  });
  CHECK(said == "H0107: `" + (at.temporary.path() / "services").string() + "` cannot be read: input/output error");
  CHECK(at.folder.names("services/db").empty());
}
