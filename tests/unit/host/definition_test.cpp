#include "host/definition.hpp"

#include <cstdio>
#include <fstream>

#include "catch.hpp"
#include "harmony/testing.hpp"
#include "host/text.hpp"
#include "support/scopes.hpp"
#include "support/temporary.hpp"

using namespace harmony::host;

namespace {

/// A primitive's key, for tests of what primitives are made of.
class KeyOfTests : public harmony::Primitive {
 public:
  using Primitive::key;
};

Rendered plain(const std::string& text) { return {.pieces = {text}, .shown = text}; }

std::string output_of(const std::string& command) {
  std::string all;
  FILE* pipe = ::popen(command.c_str(), "r");
  char buffer[4096];
  for (std::size_t got; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) all.append(buffer, got);
  ::pclose(pipe);
  return all;
}

}  // namespace

TEST_CASE("a record comes back as it was written") {
  const Definition definition{.command = {"/bin/server", "--say", "a \"b\"\n"},
                              .fields = {{"command", "x"}, {"listens", "127.0.0.1:5432"}}};
  const auto again = Definition::parse(definition.json());
  REQUIRE(again);
  CHECK(*again == definition);
  CHECK(again->id() == definition.id());
  CHECK(again->listens() == Endpoint{.port = 5432});
}

TEST_CASE("the data behind a variable is compared, and never in the environment") {
  harmony::testing::Scopes scopes;
  Process process{.name = "server", .command = {"/bin/server"}, .environment = {{"URL", {std::string("db://here")}}}};
  const auto definition = [&](harmony::Deferred<harmony::Secret<std::string>> identity) {
    process.identities = {{"URL", {std::move(identity)}}};
    return wanted(scopes.reading(), process, "", KeyOfTests::key());
  };
  const auto first = definition(harmony::Secret<std::string>("1 of 7")),
             second = definition(harmony::Secret<std::string>("2 of 7"));
  CHECK(first.definition.id() != second.definition.id());
  CHECK(first.definition.id() == definition(harmony::Secret<std::string>("1 of 7")).definition.id());
  CHECK(first.pending.empty());
  CHECK(start_script(first, "/").find("1 of 7") == std::string::npos);
  const auto later = definition(harmony::Deferred<harmony::Secret<std::string>>::pending("it is made"));
  CHECK(later.definition.field("data behind URL") == "(known after it is made)");
  CHECK(later.pending == std::set<std::string>{"data behind URL"});
}

TEST_CASE("a damaged record is none") {
  for (const char* text : {"", "{", "[]", "{}", R"({"command":"x","fields":{}})", R"({"command":[1],"fields":{}})",
                           R"({"command":[],"fields":{"a":1}})"})
    CHECK_FALSE(Definition::parse(text));
}

TEST_CASE("whatever a value holds, the process gets it unchanged") {
  const std::string hostile = "it's $HOME `id` \"x\"\\ * \t\nsecond line\n\n";
  WantedProcess process{
      .definition = {.command = {"/bin/sh", "-c", "printf '%s|%s|%s' \"$HOSTILE\" \"$EMPTY\" \"$1\"", "sh", hostile},
                     .fields = {}},
      .environment = {{"HOSTILE", plain(hostile)}, {"EMPTY", plain("")}}};
  const harmony::testing::TemporaryFolder folder;
  std::ofstream{folder.path() / "start"} << start_script(process, folder.path());
  CHECK(output_of("/bin/sh " + (folder.path() / "start").string()) == hostile + "||" + hostile);
}

TEST_CASE("the home of a process is its own folder, where nothing else is said") {
  const harmony::testing::TemporaryFolder folder;
  const WantedProcess process{.definition = {.command = {"/bin/sh", "-c", "printf %s \"$HOME\""}, .fields = {}},
                              .environment = {}};
  std::ofstream{folder.path() / "start"} << start_script(process, "/some where");
  CHECK(output_of("/bin/sh " + (folder.path() / "start").string()) == "/some where");
}

TEST_CASE("a run script says first what it starts, then becomes it in its folder") {
  const harmony::testing::TemporaryFolder folder;
  const auto start = folder.path() / "st'art", home = folder.path() / "ho me";
  std::filesystem::create_directory(home);
  std::ofstream{start} << "exec /bin/sh -c 'echo $$; pwd; umask'\n";
  const RunScript run{.id = "0123456789abcdef", .start = start, .working_folder = home};
  std::ofstream{folder.path() / "run"} << run.text();
  CHECK(definition_id(run.text()) == run.id);
  const auto lines = lines_of(output_of("cd " + folder.path().string() + " && /bin/sh run"));
  REQUIRE(lines.size() == 3);
  std::ifstream file{folder.path() / "started"};
  const auto started = parse_started(std::string{std::istreambuf_iterator<char>(file), {}});
  REQUIRE(started);
  CHECK(started->id == run.id);
  CHECK(std::to_string(started->pid) == lines[0]);  // the same process, all the way
  CHECK(lines[1] == home);
  CHECK(lines[2] == "0077");
}

TEST_CASE("what says nothing whole says nothing") {
  for (const char* text : {"", "abc", "abc 1", "abc x\n", "abc \n"}) CHECK_FALSE(parse_started(text));
  CHECK(definition_id("#!/bin/sh\necho\n").empty());
}

TEST_CASE("a process with a zero byte or a strange variable is refused") {
  harmony::testing::Scopes scopes;
  const auto at = scopes.rehearsed();
  const auto code = [&](const Process& process) {
    try {
      wanted(at, process, "", KeyOfTests::key());
    } catch (const harmony::Error& error) {
      return error.data().code;
    }
    return std::string{};
  };
  CHECK(code({.name = "x", .command = {"/bin/true", std::string("a\0b", 3)}}) == "H0105");
  CHECK(code({.name = "x", .command = {"/bin/true"}, .environment = {{"A-B", {"1"}}}}) == "H0105");
  CHECK(code({.name = "x", .command = {"/bin/true"}, .environment = {{"A", {std::string("a\0b", 3)}}}}) == "H0105");
  CHECK(code({.name = "x", .command = {"/bin/true"}, .environment = {{"A", {"1"}}}}).empty());
}
