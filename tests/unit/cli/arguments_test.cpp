/// Options, their errors, help and completion.
#include "cli/arguments.hpp"
#include "catch.hpp"
#include "cli/completion.hpp"
#include "cli/explain.hpp"
#include "cli/help.hpp"

using namespace harmony;
using namespace harmony::cli;
using namespace std::chrono_literals;

namespace {

struct Root {
  std::string host = "localhost";
  bool debug = false;
};

Application sample(Root& root, bool companions = true) {
  Application made{
      .kind = "shop", .name = [] { return std::string("shop"); }, .version = [] { return std::string("1.4.0"); }};
  made.fields = {detail::field_of(root.host, "host", "public host name"),
                 detail::field_of(root.debug, "debug", "more words")};
  made.topologies = {{"local", {{"state-dir", "DIR", "where the state is"}}, {}},
                     {"edge",
                      {{.name = "context", .value_name = "NAME", .help = "which cluster"},
                       {.name = "space", .value_name = "NAME", .help = "where in it", .letter = 'n', .chooses = true},
                       {.name = "adopt", .help = "takes over what is there"}},
                      {}}};
  made.plans = made.rehearses = made.smoke_tested = companions;
  return made;
}

struct Line {
  Root root;
  Application application = sample(root);
  OptionTable table = option_table(application);

  Arguments read(std::vector<const char*> words) const {
    words.insert(words.begin(), "shop");
    return parse(table, static_cast<int>(words.size()), words.data());
  }
  Diagnostic refused(std::vector<const char*> words) const {
    try {
      check(read(std::move(words)), table);
    } catch (const Error& error) {
      return error.data();
    }
    return {.code = "none", .message = "nothing was thrown"};
  }
  std::string completed(const std::vector<std::string>& words) const {
    return complete(application, table, words, [] {
      return std::vector<std::pair<std::string, std::string>>{{"shop", "process"}, {"shop-db", "database server"}};
    });
  }
};

}  // namespace

TEST_CASE("an option that says where chooses its topology") {
  const Line line;
  const auto named = [&](std::vector<const char*> words) {
    return named_topology(line.read(std::move(words)), line.table);
  };
  CHECK(named({"plan"}).empty());
  CHECK(named({"plan", "--on", "local"}) == "local");
  CHECK(named({"plan", "-n", "shop"}) == "edge");
  CHECK(named({"plan", "--context", "prod"}).empty());
  CHECK(line.refused({"plan", "-n", "shop", "--adopt"}).code == "none");
  CHECK(line.refused({"plan", "--adopt"}).code == "H0505");
  CHECK(line.refused({"plan", "--on", "local", "-n", "shop"}).code == "H0505");
  CHECK(line.refused({"plan", "-n", "shop", "--state-dir", "/tmp"}).code == "H0505");
  CHECK(line.refused({"plan", "-n", "shop", "--adopt=maybe"}).code == "H0504");
}

TEST_CASE("options stand before and behind the verb") {
  const Line line;
  for (const auto& words : {std::vector<const char*>{"--set", "host=a", "deploy", "-y"},
                            {"deploy", "--yes", "--set=host=a"},
                            {"-y", "--set", "host=a", "deploy"}}) {
    const Arguments arguments = line.read(words);
    CHECK(arguments.verb == "deploy");
    CHECK(arguments.has("yes"));
    CHECK(arguments.all("set") == std::vector<std::string>{"host=a"});
    CHECK(line.refused(words).code == "none");
  }
  const Arguments logs = line.read({"logs", "-f", "db", "--lines", "5", "-ojson"});
  CHECK(logs.positional == std::vector<std::string>{"db"});
  CHECK(logs.number("lines", 100, 1000) == 5);
  CHECK(logs.json());
  CHECK(line.read({"deploy", "--lock-timeout", "2"}).duration("lock-timeout", 1s) == 2s);
  CHECK(line.read({"deploy", "--lock-timeout", "1.5m"}).duration("lock-timeout", 1s) == 90s);
  CHECK(line.read({"deploy", "--events", "-"}).value("events") == "-");
  CHECK(line.read({"plan", "--set", "host=a", "--set", "host=b"}).all("set").size() == 2);
}

TEST_CASE("the version is asked for as of any other program") {
  const Line line;
  CHECK(line.read({"--version"}).verb == "version");
  CHECK(line.read({"-V"}).verb == "version");
  CHECK(line.read({"--version", "-o", "json"}).json());
  CHECK(line.refused({"plan", "--version"}).code == "H0503");
}

TEST_CASE("what is wrong is told with its code and a way out") {
  const Line line;
  struct Row {
    std::vector<const char*> words;
    const char *code, *help;
  };
  const std::vector<Row> table = {
      {{"deplo"}, "H0502", "did you mean `deploy`?"},
      {{"deploy", "--yess"}, "H0503", "did you mean `--yes`?"},
      {{"deploy", "--yess=1"}, "H0503", "did you mean `--yes`?"},
      {{"deploy", "-x"}, "H0503", "`--help` lists the options"},
      {{"plan", "--yes"}, "H0503", "it belongs to: deploy, destroy"},
      {{"plan", "-o", "yaml"}, "H0504", "choose one of: human, json"},
      {{"plan", "--out"}, "H0504", "give one: --out FILE"},
      {{"plan", "-o"}, "H0504", "choose one of: human, json"},
      {{"plan", "--out", "--quiet"}, "H0504", "give one: --out FILE; if that is its value, write --out=--quiet"},
      {{"plan", "--out", "-q"}, "H0504", "give one: --out FILE; if that is its value, write --out=-q"},
      {{"deploy", "--yes=banana"}, "H0504", "give --yes alone, or leave it out"},
      {{"help", "-o", "json"},
       "H0503",
       "it belongs to: plan, deploy, smoke-test, status, logs, destroy, graph, explain, version"},
      {{"completion", "bash", "-o", "json"},
       "H0503",
       "it belongs to: plan, deploy, smoke-test, status, logs, destroy, graph, explain, version"},
      {{"plan", "--out", ""}, "H0504", "it wants FILE"},
      {{"plan", "--out=", "--detailed-exitcode"}, "H0504", "give a value, or leave the option out"},
      {{"plan", "--on", "lokal"}, "H0505", "did you mean `local`?"},
      {{"plan", "--context", "x"}, "H0505", "it belongs to: edge"},
      {{"plan", "extra"}, "H0509", "`plan --help` shows what `plan` takes"},
      {{"completion"}, "H0509", "choose one of: bash, zsh, fish"},
      {{"completion", "bahs"}, "H0509", "did you mean `bash`?"},
      {{"plan", "--out", "a", "--out", "b"}, "H0512", "give it once"},
      {{"deploy", "-o", "json", "--events", "-"}, "H0512", "write the events to a file: --events FILE"},
      {{"deploy", "-q", "-v"}, "H0512", "take one of the two away"},
  };
  for (const Row& row : table) {
    INFO(row.words.back());
    const Diagnostic error = line.refused(row.words);
    CHECK(error.code == row.code);
    CHECK(error.help == row.help);
    CHECK(error.category == Category::usage);
  }
  CHECK(line.refused({"deploy", "--yes=false"}).code == "none");  // simply not given
  CHECK(line.read({"plan", "--out=--quiet"}).value("out") == "--quiet");
  CHECK_THROWS_AS(line.read({"deploy", "--lock-timeout", "soon"}).duration("lock-timeout", 1s), Error);
  CHECK_THROWS_AS(line.read({"logs", "--lines", "-1"}).number("lines", 1, 1000), Error);
  CHECK(line.read({"logs", "--lines", "1000"}).number("lines", 1, 1000) == 1000);
  CHECK_THROWS_AS(line.read({"logs", "--lines", "1001"}).number("lines", 1, 1000), Error);
  CHECK_THROWS_AS(line.read({"logs", "--lines", "18446744073709551616"}).number("lines", 1, 1000), Error);
}

TEST_CASE("no words of a library reach whoever mistypes") {
  const Line line;
  const std::vector<const char*> words = {"plan", "--out", "-o", "--yes=banana", "-ybanana", "--out=", "--lines", "-5",
                                          "--",   "---",   "-",  "--=x",         "-=",       "--set",  "-qo"};
  for (const char* first : words)
    for (const char* second : words)
      for (const char* third : words) {
        const Diagnostic error = line.refused({first, second, third});
        INFO(first << " " << second << " " << third << ": " << error.message);
        CHECK((error.code == "none" || error.code.starts_with("H05")));
        CHECK(error.message.find("required") == std::string::npos);
        CHECK(error.message.find("TEXT") == std::string::npos);
        CHECK(error.message.find("onvert") == std::string::npos);
        CHECK((error.code == "none" || !error.help.empty()));
      }
}

TEST_CASE("verbs and options come with the companions") {
  Root root;
  const Application bare = sample(root, false);
  const OptionTable table = option_table(bare);
  CHECK_FALSE(table.verb("plan"));
  CHECK_FALSE(table.verb("smoke-test"));
  CHECK_FALSE(table.option("dry-run"));
  CHECK_FALSE(table.option("out"));
  CHECK_FALSE(table.option("trace"));
  CHECK(table.verb("deploy"));
  CHECK(help_text(bare, table, "shop", "", Style{false}, 0).find("smoke-test") == std::string::npos);
}

TEST_CASE("help shows examples, fields with their defaults, and every exit code") {
  const Line line;
  const auto help = [&](const std::string& topic) {
    return help_text(line.application, line.table, "shop", topic, Style{false}, 0);
  };
  CHECK(help("").find("Examples") < help("").find("Usage"));
  CHECK(help("").find("host") != std::string::npos);
  CHECK(help("").find("public host name: text [localhost]") != std::string::npos);
  CHECK(help("deploy").find("--lock-timeout DURATION") != std::string::npos);
  CHECK(help("deploy").find("--out FILE") == std::string::npos);
  for (const char* code : {"0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "6 ", "7 ", "8 ", "64 ", "70 ", "130 ", "143 "})
    CHECK(help("exit-codes").find(std::string("  ") + code) != std::string::npos);
  CHECK(help("environment").find("NO_COLOR") != std::string::npos);
}

TEST_CASE("completion knows verbs, options, topologies, fields and codes") {
  const Line line;
  CHECK(line.completed({""}).find("deploy\tMake it so") != std::string::npos);
  CHECK(line.completed({"de"}) ==
        "deploy\tMake it so, then run the smoke tests\ndestroy\tTake down what is deployed; keep its data\n:4\n");
  CHECK(line.completed({"plan", "--on", "l"}) == "local\n:4\n");
  CHECK(line.completed({"plan", "--on=l"}) == "--on=local\n:4\n");
  CHECK(line.completed({"plan", "--set", "h"}) == "host=\tpublic host name\n:6\n");
  CHECK(line.completed({"plan", "--set", "debug="}) == "debug=true\ndebug=false\n:4\n");
  CHECK(line.completed({"plan", "--ou"}) == "--out\tSave the plan, for `deploy --plan`\n--output\thuman or json\n:4\n");
  CHECK(line.completed({"plan", "--yes"}) == ":4\n");
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"plan", "--on", "local", "--"}, {"--on=local", "plan", "--"}}) {
    CHECK(line.completed(words).find("--state-dir\t") != std::string::npos);
    CHECK(line.completed(words).find("--adopt") == std::string::npos);
  }
  CHECK(line.completed({"plan", "--ad"}) == "--adopt\ttakes over what is there\n:4\n");
  CHECK(line.completed({"plan", "--out", ""}) == ":0\n");
  CHECK(line.completed({"plan", "--state-dir", ""}) == ":16\n");
  CHECK(line.completed({"completion", ""}) == "bash\nzsh\nfish\n:4\n");
  CHECK(line.completed({"explain", "H050"}).find("H0501\t") != std::string::npos);
  CHECK(line.completed({}).find("deploy") != std::string::npos);
  CHECK(line.completed({"logs", "shop-"}) == "shop-db\tdatabase server\n:4\n");
  CHECK(line.completed({"logs", "--lines", "20", "sh"}) == "shop\tprocess\nshop-db\tdatabase server\n:4\n");
  CHECK(line.completed({"logs", "x", ""}) == ":4\n");
}

TEST_CASE("each shell gets a script with the program's name in it") {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = completion_script(shell, "harmony-app");
    CHECK(script.find("harmony-app") != std::string::npos);
    CHECK(script.find("_harmony_app") != std::string::npos);
    CHECK(script.find("PROGRAM") == std::string::npos);
    CHECK(script.find("FUNCTION") == std::string::npos);
  }
}

TEST_CASE("every error page is carried along, its first line says its code") {
  REQUIRE(error_pages().size() > 20);
  for (const ErrorPage& page : error_pages()) {
    CHECK(page.text.starts_with("# " + std::string(page.code) + ": "));
    CHECK_FALSE(page.title.empty());
  }
  CHECK(page_of("h0501").code == "H0501");
  CHECK(page_of("0501").code == "H0501");
  CHECK_THROWS_AS(page_of("H9999"), Error);
  CHECK(page_text(page_of("H0501"), Style{false}).find("```") == std::string::npos);
}
