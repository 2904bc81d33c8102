/// Typed settings from --set and --config.
#include <cstdint>
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "catch.hpp"
#include "cli/config_file.hpp"
#include "harmony/error.hpp"

using namespace harmony;
using namespace harmony::cli;
using namespace std::chrono_literals;

namespace {

struct Root {
  std::string host = "localhost";
  bool debug = false;
  int replicas = 1;
  std::uint16_t port = 80;
  double ratio = 0.5;
  std::chrono::milliseconds limit = 30s;
  std::chrono::seconds coarse = 1s;
};

Application application_of(Root& root) {
  Application made{.kind = "root", .name = {}, .version = {}};
  made.fields = {detail::field_of(root.host, "host", "h"),         detail::field_of(root.debug, "debug", "d"),
                 detail::field_of(root.replicas, "replicas", "r"), detail::field_of(root.port, "port", "p"),
                 detail::field_of(root.ratio, "ratio", "q"),       detail::field_of(root.limit, "limit", "l"),
                 detail::field_of(root.coarse, "coarse", "c")};
  return made;
}

Diagnostic error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.data();
  }
  return {.code = "none", .message = "nothing was thrown"};
}

Diagnostic refused(std::string assignment) {
  Root root;
  Application application = application_of(root);
  return error_of([&] { set_fields(application, "", {std::move(assignment)}); });
}

/// A file that is gone with it.
class ConfigFile {
 public:
  explicit ConfigFile(std::string_view content)
      : path_(std::filesystem::temp_directory_path() / ("harmony-config-" + std::to_string(getpid()))) {
    std::ofstream{path_, std::ios::binary} << content;
  }
  ~ConfigFile() { std::filesystem::remove(path_); }
  std::string path() const { return path_; }

 private:
  std::filesystem::path path_;
};

Diagnostic refused_file(std::string_view content) {
  const ConfigFile file{content};
  Root root;
  Application application = application_of(root);
  return error_of([&] { set_fields(application, file.path(), {}); });
}

std::string fact(const Diagnostic& error, std::string_view key) {
  for (const auto& [name, value] : error.facts)
    if (name == key) return value;
  return {};
}

}  // namespace

TEST_CASE("--set sets each type, and what was set is part of the plan") {
  Root root;
  Application application = application_of(root);
  const auto set = set_fields(application, "",
                              {"host=example.org", "debug=true", "replicas=-3", "port=65535", "ratio=0.25",
                               "limit=1500ms", "coarse=2m", "host=a=b"});
  CHECK(root.host == "a=b");
  CHECK(root.debug);
  CHECK(root.replicas == -3);
  CHECK(root.port == 65535);
  CHECK(root.ratio == 0.25);
  CHECK(root.limit == 1500ms);
  CHECK(root.coarse == 120s);
  CHECK(set.at("limit") == "1500ms");
  CHECK(set.at("coarse") == "2m");
  CHECK(set.at("host") == "a=b");
  CHECK(set.size() == 7);
}

TEST_CASE("what was set can be set again from its text") {
  Root root, again;
  Application first = application_of(root), second = application_of(again);
  set_fields(second, set_fields(first, "", {"limit=90s", "ratio=1e-3", "port=8080", "debug=on"}));
  CHECK(again.limit == 90s);
  CHECK(again.ratio == 0.001);
  CHECK(again.port == 8080);
  CHECK(again.debug);
}

TEST_CASE("a member that may be empty has a value once one is set") {
  std::optional<int> replicas;
  Application application{.kind = "root", .name = {}, .version = {}};
  application.fields = {detail::field_of(replicas, "replicas", "r")};
  CHECK(value_text(application.fields[0].get()).empty());
  CHECK(type_text(application.fields[0]) == "a whole number");
  CHECK(error_of([&] { set_fields(application, "", {"replicas=many"}); }).help == "for example: --set replicas=1");
  CHECK(error_of([&] { set_fields(application, "", {"replicas=2147483648"}); }).code == "H0507");
  CHECK_FALSE(replicas);
  CHECK(set_fields(application, "", {"replicas=3"}).at("replicas") == "3");
  CHECK(replicas == 3);
}

TEST_CASE("values that are none are refused") {
  for (const char* assignment :
       {"replicas=many", "replicas=", "replicas=1x", "replicas=99999999999999999999", "replicas=2147483648", "port=-1",
        "port=65536", "debug=maybe", "ratio=nan", "ratio=x", "limit=30", "limit=s", "limit=3weeks", "limit=1us",
        "coarse=1500ms", "limit=99999999999h", "host=a\x1b[31mb", "host"}) {
    INFO(assignment);
    const Diagnostic error = refused(assignment);
    CHECK(error.code == "H0507");
    CHECK(error.category == Category::usage);
    CHECK_FALSE(error.help.empty());
  }
}

TEST_CASE("an unknown field says which was meant") {
  const Diagnostic error = refused("hsot=x");
  CHECK(error.code == "H0506");
  CHECK(error.help == "did you mean `host`?");
  CHECK(refused("zzz=1").help.starts_with("choose one of: host, debug"));
}

TEST_CASE("a config file sets fields, --set wins") {
  const ConfigFile file{R"({"host": "from.file", "replicas": 4, "debug": true, "limit": "5s", "ratio": 2})"};
  Root root;
  Application application = application_of(root);
  const auto set = set_fields(application, file.path(), {"host=from.flag"});
  CHECK(root.host == "from.flag");
  CHECK(root.replicas == 4);
  CHECK(root.limit == 5s);
  CHECK(root.ratio == 2);
  CHECK(set.size() == 5);
}

TEST_CASE("a config file that is wrong is named with line and column") {
  CHECK(refused_file("{\n  \"host\": \"a\",\n  \"hots\": \"b\"\n}").code == "H0506");
  CHECK(fact(refused_file("{\n  \"host\": \"a\",\n  \"hots\": \"b\"\n}"), "at").ends_with(":3:3"));
  CHECK(refused_file("{\"host\": ").code == "H0508");
  CHECK(fact(refused_file("{\n\"host\": x}"), "at").find(":2:") != std::string::npos);
  CHECK(refused_file("[1]").code == "H0508");
  CHECK(refused_file("{} {}").code == "H0508");
  CHECK(refused_file("").code == "H0508");
  CHECK(refused_file(R"({"replicas": "3"})").code == "H0507");
  CHECK(refused_file(R"({"host": 3})").code == "H0507");
  CHECK(fact(refused_file("{\n\n \"port\": 99999}"), "at").ends_with(":3:2"));
  CHECK(refused_file(R"({"host": "a", "host": "b"})").message.find("twice") != std::string::npos);
  CHECK(refused_file(R"({"debug": {"host": 1}})").code == "H0507");
  Root root;
  Application application = application_of(root);
  CHECK(error_of([&] { set_fields(application, "/no/such/file", {}); }).code == "H0508");
}
