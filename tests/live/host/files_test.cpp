/// Folders, files, trees and secrets on a real disk, with real owners.
#include <sys/mount.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <thread>

#include "host_topology.hpp"

using namespace harmony;
using namespace harmony::host;
using namespace harmony::host::testing;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

struct stat of(const fs::path& path) {
  struct stat found{};
  ::lstat(path.c_str(), &found);
  return found;
}

Tree shell_tree(const std::string& script, Content input = {}) {
  return {.path = "services/db/data",
          .command = {"/bin/sh", "-c", script, "sh", "%OUT%"},
          .input = std::move(input),
          .holds_data = true};
}

Body database(const std::string& configuration) {
  return [=](Host& host, Scope& in) {
    const auto password = host.secret(in, "db.superuser");
    host.ensure(in, Directory{.path = "services/db"});
    host.ensure(in, shell_tree("umask 077; cat /dev/stdin > \"$1/password\"; id -u > \"$1/user\"; echo done",
                               {"pw=", password}));
    host.ensure(in, File{.path = "services/db/db.conf", .content = {configuration}, .owner = Owner::service});
    host.ensure(in, File{.path = "services/db/secret.conf",
                         .content = {"password = ", password, "\n", configuration},
                         .owner = Owner::service});
  };
}

}  // namespace

TEST_CASE("what a service needs is made, belongs to it, and stays as it is") {
  Deployment at;
  const Plan plan = at.plan(database("a = 1\n"));
  REQUIRE(text_of(plan.errors) == "");
  CHECK_FALSE(fs::exists(at.root()));
  const Report made = at.deploy(database("a = 1\n"));
  REQUIRE(text_of(made.errors) == "");
  const fs::path db = at.root() / "services/db";
  const std::string password = text_of_file(at.root() / "keys/db.superuser");
  CHECK(text_of_file(db / "data/password") == "pw=" + password);
  CHECK(text_of_file(db / "db.conf") == "a = 1\n");
  CHECK(text_of_file(db / "secret.conf") == "password = " + password + "\na = 1\n");
  CHECK(of(db).st_mode == (S_IFDIR | 0700));
  CHECK(of(db / "db.conf").st_mode == (S_IFREG | 0600));
  CHECK(of(at.root() / "keys/db.superuser").st_mode == (S_IFREG | 0600));
  CHECK(of(at.root() / "keys/db.superuser").st_uid == ::geteuid());
  for (const char* name : {"data", "db.conf", "secret.conf", "data/password"})
    CHECK(of(db / name).st_uid == of(db).st_uid);
  CHECK(text_of_file(db / "data/user") == std::to_string(of(db).st_uid) + "\n");
  CHECK((of(db).st_uid == 0) == false);
  if (::geteuid() == 0) {
    CHECK(of(at.root()).st_mode == (S_IFDIR | 0710));
    CHECK(of(at.root()).st_gid == of(db).st_gid);
    CHECK(of(at.root() / "services").st_mode == (S_IFDIR | 0710));
  } else {
    CHECK(of(at.root()).st_mode == (S_IFDIR | 0700));
  }
  CHECK(changes_of(at.plan(database("a = 1\n")).outcome) == "");
}

TEST_CASE("a changed configuration shows its lines, one with a secret none") {
  Deployment at;
  REQUIRE(text_of(at.deploy(database("a = 1\nb = 2\n")).errors) == "");
  const Plan plan = at.plan(database("a = 1\nb = 3\n"));
  CHECK(changes_of(plan.outcome) == "update file/services/db/db.conf\nupdate file/services/db/secret.conf\n");
  CHECK(plan.outcome.find({"host", "file", "services/db/db.conf"})->fields ==
        std::vector<FieldChange>{{"line 2", "b = 2", "b = 3"}});
  const auto& secret = plan.outcome.find({"host", "file", "services/db/secret.conf"})->fields;
  REQUIRE(secret.size() == 1);
  CHECK(secret[0].path == "content");
  REQUIRE(text_of(at.deploy(database("a = 1\nb = 3\n")).errors) == "");
  CHECK(changes_of(at.plan(database("a = 1\nb = 3\n")).outcome) == "");
}

TEST_CASE("what somebody changed by hand is put right") {
  Deployment at;
  REQUIRE(text_of(at.deploy(database("a = 1\n")).errors) == "");
  ::chmod((at.root() / "services/db").c_str(), 0755);
  std::ofstream{at.root() / "services/db/db.conf"} << "a = 2\n";
  CHECK(changes_of(at.plan(database("a = 1\n")).outcome) ==
        "update directory/services/db\nupdate file/services/db/db.conf\n");
  REQUIRE(text_of(at.deploy(database("a = 1\n")).errors) == "");
  CHECK(text_of_file(at.root() / "services/db/db.conf") == "a = 1\n");
  CHECK(of(at.root() / "services/db").st_mode == (S_IFDIR | 0700));
}

TEST_CASE("data outlives a destroy with its password, and is taken up again") {
  Deployment at;
  REQUIRE(text_of(at.deploy(database("a = 1\n")).errors) == "");
  const std::string password = text_of_file(at.root() / "keys/db.superuser");
  REQUIRE(text_of(at.destroy(false).errors) == "");
  CHECK(text_of_file(at.root() / "services/db/data/password") == "pw=" + password);
  CHECK_FALSE(fs::exists(at.root() / "services/db/db.conf"));
  CHECK(text_of_file(at.root() / "keys/db.superuser") == password);
  REQUIRE(text_of(at.deploy(database("a = 1\n")).errors) == "");
  CHECK(text_of_file(at.root() / "keys/db.superuser") == password);
  REQUIRE(text_of(at.destroy(true).errors) == "");
  CHECK_FALSE(fs::exists(at.root() / "services"));
  CHECK_FALSE(fs::exists(at.root() / "keys/db.superuser"));
  CHECK_FALSE(fs::exists(at.root() / "logs"));
}

TEST_CASE("a command that fails leaves nothing, and its last lines in the error") {
  Deployment at;
  const auto body = [](const std::string& script) -> Body {
    return [=](Host& host, Scope& in) { host.ensure(in, shell_tree(script)); };
  };
  const Report failed = at.deploy(body("echo half > \"$1/half\"; echo why it failed >&2; exit 3"));
  REQUIRE(failed.errors.size() == 1);
  CHECK(failed.errors[0].code == "H0114");
  CHECK(failed.errors[0].log == std::vector<std::string>{"why it failed"});
  CHECK_FALSE(fs::exists(at.root() / "services/db/data"));
  CHECK_FALSE(fs::exists(at.root() / "services/db/data.next"));
  const Report full = at.deploy(body("echo 'cannot extend file: No space left on device' >&2; exit 1"));
  REQUIRE(full.errors.size() == 1);
  CHECK(full.errors[0].code == "H0115");
  REQUIRE(text_of(at.deploy(body("echo whole > \"$1/whole\"")).errors) == "");
  CHECK(text_of_file(at.root() / "services/db/data/whole") == "whole\n");
}

TEST_CASE("a stop while a command runs ends it, and the next deploy goes on") {
  Deployment at;
  const fs::path running = at.folder() / "running";
  const Body endless = [&](Host& host, Scope& in) {
    host.ensure(in, shell_tree("echo $$ > \"$1/pid\"; sleep 1000 & wait"));
  };
  std::stop_source stop;
  const fs::path pid_file = at.root() / "services/db/data.next/pid";
  std::jthread stopper{[&] {
    comes_true([&] { return !text_of_file(pid_file).empty(); });
    stop.request_stop();
  }};
  const Report stopped = at.deploy(endless, nullptr, stop.get_token());
  REQUIRE(stopped.errors.size() == 1);
  CHECK(stopped.errors[0].category == Category::stopped);
  const int pid = std::atoi(text_of_file(pid_file).c_str());
  REQUIRE(pid > 1);
  CHECK(::kill(pid, 0) != 0);
  REQUIRE(text_of(at.deploy([](Host& host, Scope& in) {
                      host.ensure(in, shell_tree("echo whole > \"$1/whole\""));
                    }).errors) == "");
  CHECK_FALSE(fs::exists(at.root() / "services/db/data/pid"));
}

TEST_CASE("data of another version is an error of the plan") {
  Deployment at;
  const auto version = [](const std::string& made, const std::string& wanted) -> Body {
    return [=](Host& host, Scope& in) {
      Tree tree = shell_tree("echo " + made + " > \"$1/VERSION\"");
      tree.version_file = "VERSION";
      tree.version = wanted;
      host.ensure(in, tree);
    };
  };
  const Report wrong = at.deploy(version("14", "15"));
  REQUIRE(wrong.errors.size() == 1);
  CHECK(wrong.errors[0].code == "H0113");
  CHECK_FALSE(fs::exists(at.root() / "services/db/data"));
  REQUIRE(text_of(at.deploy(version("15", "15")).errors) == "");
  CHECK(changes_of(at.plan(version("15", "15")).outcome) == "");
  const Plan plan = at.plan(version("16", "16"));
  REQUIRE(plan.errors.size() == 1);
  CHECK(plan.errors[0].code == "H0113");
}

TEST_CASE("a link where a file should be is refused, and what it leads to stays") {
  Deployment at;
  REQUIRE(text_of(at.deploy(database("a = 1\n")).errors) == "");
  std::ofstream{at.folder() / "theirs"} << "theirs";
  fs::remove(at.root() / "services/db/db.conf");
  fs::create_symlink(at.folder() / "theirs", at.root() / "services/db/db.conf");
  const Plan plan = at.plan(database("a = 1\n"));
  REQUIRE(plan.errors.size() == 1);
  CHECK(plan.errors[0].code == "H0106");
  CHECK(text_of_file(at.folder() / "theirs") == "theirs");
}

TEST_CASE("a full disk is told as such, and what was there stays") {
  become_who_was_asked();
  if (::geteuid() != 0) return;  // only root can mount a small one
  Deployment at;
  REQUIRE(::mount("tmpfs", at.folder().c_str(), "tmpfs", 0, "size=400k,mode=0755") == 0);
  struct Unmounted {
    fs::path path;
    ~Unmounted() { ::umount2(path.c_str(), MNT_DETACH); }
  } unmounted{at.folder()};
  REQUIRE(text_of(at.deploy(database("a = 1\n")).errors) == "");
  const Report no_room = at.deploy([](Host& host, Scope& in) {
    database("a = 1\n")(host, in);
    host.ensure(in, Tree{.path = "services/db/more",
                         .command = {"/bin/dd", "if=/dev/zero", "of=%OUT%/zero", "bs=1k", "count=1000"}});
  });
  REQUIRE(no_room.errors.size() == 1);
  CHECK(no_room.errors[0].code == "H0115");
  CHECK_FALSE(fs::exists(at.root() / "services/db/more.next"));
  const std::string large(1'000'000, 'x');
  const Report no_room_either = at.deploy(database(large));
  REQUIRE(no_room_either.errors.size() == 1);
  CHECK(no_room_either.errors[0].code == "H0104");
  CHECK(no_room_either.errors[0].message.find("no space left") != std::string::npos);
  CHECK(text_of_file(at.root() / "services/db/db.conf") == "a = 1\n");
  REQUIRE(text_of(at.deploy(database("a = 2\n")).errors) == "");
  REQUIRE(text_of(at.destroy(true).errors) == "");
}
