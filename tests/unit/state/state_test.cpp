// Where the state of a deployment lies, and which places are refused before anything is made.
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include <fmt/format.h>

#include "catch.hpp"
#include "harmony/error.hpp"
#include "host/state.hpp"
#include "support/processes.hpp"
#include "support/temporary.hpp"

using namespace harmony;
using namespace harmony::testing;
using host::State;
namespace fs = std::filesystem;

namespace {

std::string root_or_code(const std::string& deployment, const std::string& chosen) {
  try {
    return State(deployment, chosen).root().string();
  } catch (const Error& error) {
    return error.data().code;
  }
}

std::string shape(const fs::path& path) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) return "nothing";
  return fmt::format("{}:{} {:04o}", found.st_uid, found.st_gid, found.st_mode & 07777u);
}

std::string made(const State& state) {
  try {
    state.make();
    return "made";
  } catch (const Error& error) {
    return error.data().code + ": " + error.data().message;
  }
}

void mode(const fs::path& path, mode_t bits) { REQUIRE(::chmod(path.c_str(), bits) == 0); }

}  // namespace

TEST_CASE("names of deployments") {
  const TemporaryFolder folder;
  const std::string base = folder.path();
  for (const std::string& good :
       std::initializer_list<std::string>{"a", "guestbook", "a-b-1", "0", std::string(63, 'a')})
    CHECK(root_or_code(good, base) == base + "/" + good);
  for (const std::string& bad : std::initializer_list<std::string>{"", "-a", "A", "a_b", "a/b", "..", ".", "a.b",
                                                                   "\xc3\xa4", "a\n", std::string(64, 'a')})
    CHECK(root_or_code(bad, base) == "H0105");
}

TEST_CASE("a chosen folder holds one for each deployment, however it is written") {
  const TemporaryFolder folder;
  const std::string base = folder.path();
  CHECK(root_or_code("a", base + "/") == base + "/a");
  CHECK(root_or_code("a", base + "/x/..") == base + "/a");
  CHECK(root_or_code("a", base + "/not/there/yet") == base + "/not/there/yet/a");
  CHECK(apart([&] {
          fs::current_path(base);
          return root_or_code("a", "below");
        }) == base + "/below/a");
  CHECK(fs::is_empty(base));  // asking makes nothing
}

TEST_CASE("what others use is not taken over, and not taken away") {
  const TemporaryFolder folder;
  const fs::path base = folder.path();
  fs::create_directories(base / "used/notes");
  fs::create_directories(base / "disk/lost+found");
  CHECK(root_or_code("used", base) == "H0102");
  CHECK(root_or_code("disk", base) == base / "disk");
  const State state{"mine", base};
  state.make();
  std::ofstream{base / "mine/notes"} << "somebody's";
  state.take_away();
  CHECK(fs::exists(base / "mine/notes"));
  CHECK_FALSE(fs::exists(base / "mine/ledger"));
  CHECK_FALSE(fs::exists(base / "mine/keys"));
}

TEST_CASE("what a kill left of a ledger that was being taken away is ours to end") {
  const TemporaryFolder folder;
  const State state{"mine", folder.path()};
  state.make();
  fs::rename(state.root() / "ledger", state.root() / ".ledger.gone");
  CHECK(root_or_code("mine", folder.path()) == state.root().string());
  state.make();
  state.take_away();
  CHECK_FALSE(state.made());
}

TEST_CASE("a copy of a state folder is refused: it knows passwords and ports of servers that are not its own") {
  const TemporaryFolder folder;
  const fs::path base = folder.path();
  State{"original", base}.make();
  fs::copy(base / "original", base / "copied", fs::copy_options::recursive);
  for (const auto& path : {base / "copied", base / "copied/ledger", base / "copied/keys"})
    fs::permissions(path, fs::perms::owner_all);
  CHECK(root_or_code("copied", base) == "H0102");
  CHECK(root_or_code("original", base) == base / "original");
  fs::remove(base / "copied/ledger/place");
  CHECK(root_or_code("copied", base) == base / "copied");
}

TEST_CASE("the usual places") {
  if (::geteuid() == 0) CHECK(root_or_code("guestbook", "") == "/var/lib/harmony/guestbook");
  const auto as_user = [](const char* state_home, const char* home) {
    return as_nobody([=] {
      ::unsetenv("XDG_STATE_HOME");
      ::unsetenv("HOME");
      if (state_home) ::setenv("XDG_STATE_HOME", state_home, 1);
      if (home) ::setenv("HOME", home, 1);
      return root_or_code("guestbook", "");
    });
  };
  CHECK(as_user("/not/there", "/home/x") == "/not/there/harmony/guestbook");
  CHECK(as_user(nullptr, "/home/x") == "/home/x/.local/state/harmony/guestbook");
  CHECK(as_user("relative", "/home/x") == "/home/x/.local/state/harmony/guestbook");
  CHECK(as_user("", "/home/x") == "/home/x/.local/state/harmony/guestbook");
  CHECK(as_user(nullptr, nullptr) == "H0101");
  CHECK(as_user(nullptr, "") == "H0101");
  CHECK(as_user("", "relative") == "H0101");
  CHECK(as_user("/not/there", nullptr) == "/not/there/harmony/guestbook");
  CHECK(as_nobody([] {
          ::unsetenv("HOME");
          return root_or_code("guestbook", "/not/there");
        }) == "/not/there/guestbook");
}

TEST_CASE("links and files are no place for a state") {
  const TemporaryFolder folder;
  const fs::path base = folder.path();
  fs::create_directory(base / "real");
  fs::create_directory_symlink(base / "real", base / "link");
  std::ofstream{base / "file"} << "x";
  CHECK(root_or_code("a", base / "link") == "H0102");
  CHECK(root_or_code("a", base / "file") == "H0102");
  CHECK(root_or_code("a", base / "file/below") == "H0102");
  CHECK(root_or_code("link", base) == "H0102");
  CHECK(root_or_code("file", base) == "H0102");
  CHECK(root_or_code("a", base / "link/below") ==
        (base / "link/below/a").string());  // a link above is the owner's affair
  for (const char* part : {"ledger", "keys"}) {
    fs::create_directories(base / "real/a");
    mode(base / "real/a", 0700);
    fs::create_directory_symlink(base, base / "real/a" / part);
    CHECK(root_or_code("a", base / "real") == "H0102");
    fs::remove_all(base / "real/a");
  }
}

TEST_CASE("a folder that others may write to") {
  const TemporaryFolder folder;
  const fs::path base = folder.path() / "all";
  fs::create_directories(base / "a/ledger");
  const auto with = [&](const fs::path& path, mode_t bits) {
    struct stat before{};
    REQUIRE(::stat(path.c_str(), &before) == 0);
    mode(path, bits);
    const std::string said = root_or_code("a", base);
    mode(path, before.st_mode & 07777);
    return said == (base / "a").string() ? "fits" : said;
  };
  for (const fs::path& path : {base, base / "a", base / "a/ledger"}) mode(path, 0755);
  CHECK(with(base, 0755) == "fits");
  for (const fs::path& path : {base, base / "a", base / "a/ledger"}) {
    CHECK(with(path, 0775) == "H0102");
    CHECK(with(path, 0777) == "H0102");
  }
  fs::create_directory(base / "a/keys");
  mode(base / "a/keys", 0700);
  CHECK(with(base / "a/keys", 0750) == "H0102");  // passwords are not even read by others
  CHECK(with(base / "a/keys", 0701) == "H0102");
  CHECK(with(base, 01777) == "fits");  // as /tmp: nobody can swap what is ours
  CHECK(with(base / "a", 01777) == "H0102");
  CHECK(with(folder.path(), 0777) == "H0102");
  CHECK(with(folder.path(), 01777) == "fits");
}

TEST_CASE("a folder of somebody else", "[root]") {
  if (::geteuid() != 0) {
    WARN("needs root to give folders away");
    return;
  }
  const TemporaryFolder folder;
  const fs::path base = folder.path() / "all";
  fs::create_directories(base / "a/keys");
  fs::permissions(base / "a/keys", fs::perms::owner_all);
  CHECK(root_or_code("a", base) == (base / "a").string());
  for (const fs::path& path : {base, base / "a", base / "a/keys"}) {
    REQUIRE(::chown(path.c_str(), nobody, nobody) == 0);
    CHECK(root_or_code("a", base) == "H0102");
    REQUIRE(::chown(path.c_str(), 0, 0) == 0);
  }
  // As a normal user: what root made is not ours, a parent of root's is as it should be.
  CHECK(as_nobody([&] { return root_or_code("a", base); }) == "H0102");
  CHECK(as_nobody([&] { return root_or_code("b", base); }) == (base / "b").string());
  mode(base, 0700);
  CHECK(as_nobody([&] { return root_or_code("a", base); }) == "H0102");
}

TEST_CASE("as root, services must be able to reach it", "[root]") {
  if (::geteuid() != 0) {
    WARN("needs root");
    return;
  }
  const TemporaryFolder folder;
  const fs::path base = folder.path() / "all";
  mode(folder.path(), 0700);
  CHECK(root_or_code("a", base) == "H0103");
  mode(folder.path(), 0711);
  CHECK(root_or_code("a", base) == (base / "a").string());
  fs::create_directory(base);
  mode(base, 0750);
  CHECK(root_or_code("a", base) == "H0103");
}

TEST_CASE("what is made, as a normal user") {
  const TemporaryFolder folder;
  REQUIRE((::geteuid() != 0 || ::chown(folder.path().c_str(), nobody, nobody) == 0));
  const std::string said = as_nobody([&] {
    ::umask(0);
    const State state{"a", folder.path() / "deep/down"};
    if (!state.service_user().empty() || state.as_root()) return std::string("wrong user");
    if (const auto wrong = made(state); wrong != "made") return wrong;
    std::string all;
    for (const char* path : {"deep", "deep/down", "deep/down/a", "deep/down/a/ledger", "deep/down/a/keys"})
      all += shape(folder.path() / path) + "\n";
    ::chmod((folder.path() / "deep/down/a/keys").c_str(), 0755);
    if (const auto wrong = made(state); wrong != "made") return wrong;
    return all + shape(folder.path() / "deep/down/a/keys");
  });
  const std::string ours = ::geteuid() == 0 ? "65534:65534 0700" : fmt::format("{}:{} 0700", ::geteuid(), ::getegid());
  CHECK(said == fmt::format("{0}\n{0}\n{0}\n{0}\n{0}\n{0}", ours));
}

TEST_CASE("what is made, as root, before and after there is a group for services", "[root]") {
  if (::geteuid() != 0) {
    WARN("needs root");
    return;
  }
  const TemporaryFolder folder;
  const std::string said = apart([&]() -> std::string {
    // An /etc/group of our own: the machine's is nobody's business.
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      return "no mounts of one's own";
    std::ofstream{folder.path() / "without"} << "root:x:0:\nnogroup:x:65534:\n";
    std::ofstream{folder.path() / "with"} << "root:x:0:\nharmony:x:4711:\n";
    ::umask(0);
    const State state{"a", folder.path() / "deep/down"};
    if (state.service_user() != "harmony") return "wrong user";
    std::string all;
    for (const char* groups : {"without", "with", "with"}) {
      if (::mount((folder.path() / groups).c_str(), "/etc/group", nullptr, MS_BIND, nullptr) != 0)
        return "no /etc/group of one's own";
      if (const auto wrong = made(state); wrong != "made") return wrong;
      for (const char* path : {"deep", "deep/down", "deep/down/a", "deep/down/a/ledger", "deep/down/a/keys"})
        all += shape(folder.path() / path) + "\n";
    }
    return all;
  });
  const std::string with = "0:0 0755\n0:0 0755\n0:4711 0710\n0:0 0700\n0:0 0700\n";
  CHECK(said == "0:0 0755\n0:0 0755\n0:0 0700\n0:0 0700\n0:0 0700\n" + with + with);
}

TEST_CASE("making again changes nothing") {
  const TemporaryFolder folder;
  const State state{"a", folder.path()};
  state.make();
  struct stat before{}, after{};
  REQUIRE(::stat(state.root().c_str(), &before) == 0);
  state.make();
  REQUIRE(::stat(state.root().c_str(), &after) == 0);
  CHECK(before.st_ctim.tv_sec == after.st_ctim.tv_sec);
  CHECK(before.st_ctim.tv_nsec == after.st_ctim.tv_nsec);
}

TEST_CASE("other deployments in a place are known by their ledgers") {
  const TemporaryFolder folder;
  const fs::path base = folder.path() / "base";
  CHECK(State{"a", base}.neighbours().empty());
  for (const char* name : {"a/ledger", "c/ledger", "b/ledger", "no-deployment/keys"})
    fs::create_directories(base / name);
  CHECK(State{"a", base}.neighbours() == "b, c");
}

TEST_CASE("a place that cannot be written to is named with its cause") {
  const TemporaryFolder folder;
  const fs::path base = folder.path() / "all";
  fs::create_directory(base);
  mode(base, 0755);
  const std::string said = as_nobody([&] { return made(State{"a", base}); });
  if (::geteuid() == 0)
    CHECK(said == fmt::format("H0104: `{}` cannot be written: permission denied", (base / "a").string()));
  mode(folder.path(), 0755);
  CHECK(as_nobody([] { return made(State{"a", "/proc/no"}); }).starts_with("H0104: `/proc/no` cannot be written: "));
}

TEST_CASE("what somebody put in the way of a folder above is not followed, nor made passable") {
  const TemporaryFolder folder;
  const fs::path base = folder.path(), draft = base / ".all.next";
  std::ofstream{base / "file"} << "x";
  fs::create_directory(base / "other");
  mode(base / "file", 0600);
  mode(base / "other", 0700);
  const State state{"a", base / "all"};
  const auto refused = [&] {
    const std::string before = shape(base / "file") + shape(base / "other") + shape(draft);
    CHECK(made(state) == fmt::format("H0102: `{}` cannot hold the state of a deployment: `{}` is in the way, and no "
                                     "folder of ours",
                                     (base / "all").string(), draft.string()));
    CHECK(shape(base / "file") + shape(base / "other") + shape(draft) == before);
    CHECK_FALSE(fs::exists(fs::symlink_status(base / "all")));
    fs::remove(draft);
  };
  for (const char* target : {"file", "other"}) {
    fs::create_symlink(base / target, draft);
    refused();
  }
  if (::geteuid() == 0) {
    fs::create_directory(draft);
    REQUIRE(::chown(draft.c_str(), nobody, nobody) == 0);
    refused();
  }
  fs::create_directory(draft);  // what a kill left
  CHECK(made(state) == "made");
}

TEST_CASE("something swapped in between is not followed", "[root]") {
  if (::geteuid() != 0) {
    WARN("needs root to give folders away");
    return;
  }
  const TemporaryFolder folder;
  const State state{"a", folder.path()};
  fs::create_directory(folder.path() / "elsewhere");
  fs::create_directory_symlink(folder.path() / "elsewhere", folder.path() / "a");
  CHECK(made(state).starts_with("H0104"));
  fs::remove(folder.path() / "a");
  fs::create_directory(folder.path() / "a");
  REQUIRE(::chown((folder.path() / "a").c_str(), nobody, nobody) == 0);
  CHECK(made(state).starts_with("H0102"));
  CHECK(fs::is_empty(folder.path() / "elsewhere"));
}
