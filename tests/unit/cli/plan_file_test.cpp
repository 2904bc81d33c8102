/// Plan files: what is written comes back; what is damaged, foreign or unsafe does not.
#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include "catch.hpp"
#include "cli/plan_file.hpp"
#include "harmony/error.hpp"

using namespace harmony;
using namespace harmony::cli;
namespace fs = std::filesystem;

namespace {

SavedPlan sample() {
  SavedPlan saved{.program = "abc123",
                  .root = "shop shop",
                  .deployment = "shop",
                  .topology = "box",
                  .options = {{"lid", "red"}},
                  .made = "2026-11-23T10:00:00.000Z",
                  .fingerprint_key = "00ff",
                  .plan = {}};
  Plan& plan = saved.plan;
  plan.deployment = "shop";
  plan.topology = "box (here)";
  plan.root = "shop shop";
  plan.given.settings = {{"host", "a \"quoted\" name\n"}};
  const Change change{.subject = {"shelf", "item", "bread"},
                      .action = Action::replace,
                      .fields = {{.path = "weight", .before = "1", .after = "2"},
                                 {.path = "key", .after = "", .origin = Origin::generated}},
                      .before = "f1",
                      .after = "f2",
                      .effect = "interrupts service",
                      .fidelity = Fidelity::schema,
                      .reason = "it grew",
                      .identity = "pid 1",
                      .holds_data = true,
                      .loses_data = true,
                      .shared = true};
  plan.outcome.steps.push_back({.kind = "item",
                                .name = "bread",
                                .detail = "on shelf 1",
                                .score_path = "shop > bread",
                                .at = {},
                                .changes = {change},
                                .action = Action::replace,
                                .fidelity = Fidelity::schema,
                                .effect = "interrupts service",
                                .loses_data = true});
  plan.outcome.notes.push_back({"open", "http://127.0.0.1:1"});
  plan.reads.push_back({"shelf", "item/bread", std::string("\xff\x01raw", 5)});
  plan.smoke_tests.push_back({"Works", "shop"});
  plan.settles = true;
  return saved;
}

Diagnostic error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.data();
  }
  return {.code = "none", .message = "nothing was thrown"};
}

struct Folder {
  fs::path path = fs::temp_directory_path() / ("harmony-plan-" + std::to_string(getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  std::string file(const char* name) const { return path / name; }
};

}  // namespace

TEST_CASE("what is written comes back") {
  const SavedPlan saved = sample(), read = parse_plan(plan_text(saved), "x");
  CHECK(read.program == saved.program);
  CHECK(read.root == saved.root);
  CHECK(read.deployment == saved.deployment);
  CHECK(read.topology == saved.topology);
  CHECK(read.made == saved.made);
  CHECK(read.fingerprint_key == saved.fingerprint_key);
  CHECK(read.plan.given.settings == saved.plan.given.settings);
  CHECK(read.plan.topology == saved.plan.topology);
  CHECK(read.plan.reads == saved.plan.reads);
  CHECK(read.plan.settles);
  REQUIRE(read.plan.smoke_tests.size() == 1);
  CHECK(read.plan.smoke_tests[0].name == "Works");
  REQUIRE(read.plan.outcome.steps.size() == 1);
  const StepOutcome& step = read.plan.outcome.steps[0];
  CHECK(step.detail == "on shelf 1");
  CHECK(step.loses_data);
  REQUIRE(step.changes.size() == 1);
  const Change &now = step.changes[0], &before = saved.plan.outcome.steps[0].changes[0];
  CHECK(now.subject == before.subject);
  CHECK(now.fields == before.fields);
  CHECK(now.action == before.action);
  CHECK(now.fidelity == before.fidelity);
  CHECK(now.identity == before.identity);
  CHECK(fits(before, now));
  CHECK(differences(saved.plan, read.plan).empty());
  CHECK(plan_text(read) == plan_text(saved));
}

TEST_CASE("whatever was read comes back, and harms nobody who looks at the file") {
  SavedPlan saved = sample();
  std::string& read = saved.plan.reads.front().fingerprint;
  for (int a = 0; a < 256; ++a)
    for (int b = 0; b < 256; ++b) read += {static_cast<char>(a), static_cast<char>(b)};
  for (const char* harmful : {"\x7f", "\xc2\x9b", "\xe2\x80\xae", "\xf3\xa0\x81\x81"}) {  // DEL, C1, bidi, tag
    read += harmful;
    CHECK(plan_text(saved).find(harmful) == std::string::npos);
  }
  CHECK(parse_plan(plan_text(saved), "next.plan").plan.reads.front().fingerprint == read);
}

TEST_CASE("every flipped byte and every cut is found") {
  const std::string whole = plan_text(sample());
  const auto refused = [&](const std::string& text) {
    const std::string code = error_of([&] { parse_plan(text, "x"); }).code;
    return code == "H0521" || code == "H0522";  // a flip may make the version a newer one
  };
  for (std::size_t at = 0; at < whole.size(); ++at) {
    INFO("byte " << at);
    REQUIRE(refused(whole.substr(0, at)));
    for (const int flip : {0x01, 0x20, 0x80, 0xff}) {
      std::string text = whole;
      text[at] = static_cast<char>(text[at] ^ flip);
      REQUIRE(refused(text));
    }
  }
  CHECK(refused(whole + "\n"));
  CHECK(refused(whole + whole));
}

TEST_CASE("other JSON is no plan") {
  for (const char* text : {"", "{}", "null", "[]", "1", R"({"format_version":1})", R"({"format_version":"1.0"})",
                           R"({"format_version":0})", R"({"format_version":-4})"}) {
    INFO(text);
    CHECK(error_of([&] { parse_plan(text, "x"); }).code == "H0521");
  }
  CHECK(error_of([] { parse_plan(R"({"format_version":99})", "x"); }).code == "H0522");
  CHECK(error_of([] { parse_plan(std::string(100000, '['), "x"); }).code == "H0521");
}

TEST_CASE("a plan file is its owner's alone, whole or not there") {
  const Folder folder;
  const std::string file = folder.file("a.plan");
  std::ofstream{file} << "old, and open to all";
  write_plan(sample(), file);
  struct stat info{};
  REQUIRE(stat(file.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  CHECK(read_plan(file).deployment == "shop");
  CHECK(std::distance(fs::directory_iterator{folder.path}, {}) == 1);
  CHECK(error_of([&] { write_plan(sample(), folder.file("no/such/folder")); }).code == "H0514");
  CHECK(error_of([&] { write_plan(sample(), folder.path); }).code == "H0514");
}

TEST_CASE("unsafe and missing plan files are refused") {
  const Folder folder;
  const std::string file = folder.file("a.plan"), link = folder.file("b.plan"), pipe = folder.file("c.plan");
  write_plan(sample(), file);
  fs::create_symlink(file, link);
  CHECK(read_plan(link).deployment == "shop");
  if (geteuid() == 0) {  // a link of somebody else, where anybody can lay one
    const std::string shared = folder.file("shared"), strange = shared + "/strange.plan";
    fs::create_directory(shared);
    chmod(shared.c_str(), 01777);
    fs::create_symlink(file, strange);
    REQUIRE(lchown(strange.c_str(), 12345, 12345) == 0);
    CHECK(error_of([&] { read_plan(strange); }).code == "H0526");
  }
  CHECK(error_of([&] { read_plan(folder.file("none")); }).code == "H0520");
  CHECK(error_of([&] { read_plan(folder.path); }).code == "H0520");
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(error_of([&] { read_plan(pipe); }).code == "H0520");
  for (const mode_t mode : {0640U, 0604U, 0620U}) {
    chmod(file.c_str(), mode);
    CHECK(error_of([&] { read_plan(file); }).code == "H0526");
  }
  chmod(file.c_str(), 0400);
  CHECK(read_plan(file).deployment == "shop");
  if (geteuid() == 0) {
    REQUIRE(chown(file.c_str(), 12345, 12345) == 0);
    CHECK(error_of([&] { read_plan(file); }).code == "H0526");
  }
}

TEST_CASE("a plan is deployed by what it was made for") {
  const SavedPlan saved = sample();
  const auto code = [&](const PlanContext& here) { return error_of([&] { check_plan(saved, here, "x"); }).code; };
  const PlanContext same{.program = "abc123", .root = "shop shop"};
  CHECK(code(same) == "none");
  CHECK(code({.program = "abc123",
              .root = "shop shop",
              .deployment = "shop",
              .topology = "box",
              .settings = saved.plan.given.settings}) == "none");
  CHECK(code({.program = "another", .root = "shop shop"}) == "H0524");
  CHECK(code({.program = "abc123", .root = "mill mill"}) == "H0524");
  CHECK(code({.program = "abc123", .root = "shop shop", .deployment = "blue"}) == "H0523");
  CHECK(code({.program = "abc123", .root = "shop shop", .topology = "edge"}) == "H0523");
  CHECK(code({.program = "abc123", .root = "shop shop", .options = {{"lid", "red"}}}) == "none");
  CHECK(code({.program = "abc123", .root = "shop shop", .options = {{"lid", "blue"}}}) == "H0523");
  CHECK(code({.program = "abc123", .root = "shop shop", .options = {{"adopt", ""}}}) == "H0523");
  CHECK_NOTHROW(check_place(saved, "box (here)", "next.plan"));
  CHECK_THROWS_AS(check_place(saved, "box (there)", "next.plan"), Error);
  CHECK(code({.program = "abc123", .root = "shop shop", .settings = {{"host", "other"}}}) == "H0525");
  CHECK(code({.program = "abc123", .root = "shop shop", .settings = {{"replicas", "2"}}}) == "H0525");
}

TEST_CASE("this very program has an identity that lasts") {
  CHECK(program_identity().size() >= 16);
  CHECK(program_identity() == program_identity());
}
