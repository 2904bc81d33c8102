#include "k8s/credentials.hpp"

#include <sys/stat.h>

#include <fstream>
#include <functional>
#include <thread>

#include "catch.hpp"
#include "k8s/exec_plugin.hpp"
#include "support/certificates.hpp"
#include "support/scopes.hpp"
#include "support/temporary.hpp"

using namespace harmony;
using namespace harmony::k8s;
using namespace std::chrono_literals;

namespace {

struct World {
  testing::Scopes scopes;
  std::stop_source stop;
  Scope at = scopes.reading(stop.get_token());
  testing::TemporaryFolder folder;
  Environment environment{.variables = {{"PATH", "/usr/bin:/bin"}, {"OURS", "given on"}}};

  std::filesystem::path write(const std::string& name, const std::string& text, mode_t mode = 0644) const {
    const auto path = folder.path() / name;
    std::ofstream{path} << text;
    ::chmod(path.c_str(), mode);
    return path;
  }
  /// A plugin that is a script.
  User with_plugin(const std::string& script, std::vector<std::string> arguments = {}) const {
    const auto path = write("plugin", "#!/bin/sh\n" + script, 0755);
    return {.plugin = ExecPlugin{.api_version = "client.authentication.k8s.io/v1",
                                 .command = path,
                                 .arguments = std::move(arguments),
                                 .origin = {.file = "config", .field = "users[u].user.exec", .line = 7}}};
  }
  std::unique_ptr<Credentials> credentials(const User& user) const { return credentials_of(user, {}, environment); }
};

std::string answer(const std::string& status) {
  return R"(echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{)" + status +
         "}}'\n";
}

Diagnostic error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.data();
  }
  return {.code = "none", .message = "no error"};
}
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a token, a password and a certificate are sent as they are given") {
  World world;
  CHECK(world.credentials({.token = Secret<std::string>("abc")})->current(world.at).authorization.reveal() ==
        "Bearer abc");
  CHECK(world.credentials({.password = Secret<std::string>("b"), .name = "a"})
            ->current(world.at)
            .authorization.reveal() == "Basic YTpi");
  CHECK(world.credentials({})->current(world.at) == Credential{});
  const auto pair = testing::certificate({.subject = "/CN=me"});
  const User user{.certificate = {.inside = Secret(pair.chain)}, .key = {.inside = Secret(pair.key)}};
  CHECK(world.credentials(user)->current(world.at).certificate->chain == pair.chain);
  CHECK_FALSE(world.credentials(user)->renew(world.at, {}));
}

TEST_CASE("what is sent shows up nowhere") {
  World world;
  world.credentials({.token = Secret<std::string>("tok-secret")})->current(world.at);
  CHECK(world.scopes.redact("it said tok-secret") == "it said (secret <tok-secret>)");
}

TEST_CASE("a token file is read again when it has changed") {
  World world;
  const auto path = world.write("token", "first\n");
  const auto credentials = world.credentials({.token_file = path});
  CHECK(credentials->current(world.at).authorization.reveal() == "Bearer first");
  CHECK_FALSE(credentials->renew(world.at, credentials->current(world.at)));
  std::filesystem::rename(world.write("next", "second"), path);
  CHECK(credentials->current(world.at).authorization.reveal() == "Bearer second");
  std::filesystem::remove(path);
  CHECK(credentials->current(world.at).authorization.reveal() == "Bearer second");
  world.write("token", "two\nlines\n");
  CHECK(error_of([&] { credentials->current(world.at); }).code == "H0404");
  CHECK(error_of([&] { world.credentials({.token_file = "/gone/token"})->current(world.at); }).code == "H0400");
}

TEST_CASE("certificates and keys that cannot serve are told before anybody connects") {
  const auto good = testing::certificate({.subject = "/CN=me"}), other = testing::certificate({.subject = "/CN=you"});
  const auto expired =
      testing::certificate({.subject = "/CN=me", .from = "20200101000000Z", .until = "20210101000000Z"});
  const auto early = testing::certificate({.subject = "/CN=me", .from = "20900101000000Z", .until = "20910101000000Z"});
  const auto told = [](std::string chain, std::string key) {
    return error_of([&] {
             client_certificate(std::move(chain), Secret(std::move(key)),
                                {.file = "c", .field = "users[u].user", .line = 3});
           })
        .message;
  };
  CHECK(told(good.chain, good.key) == "no error");
  CHECK(has(told(good.chain, other.key), "no pair"));
  CHECK(has(told(expired.chain, expired.key), "expired on Jan  1 00:00:00 2021 GMT"));
  CHECK(has(told(early.chain, early.key), "valid only from Jan  1 00:00:00 2090 GMT"));
  CHECK(has(told("junk", good.key), "no certificate in PEM form"));
  CHECK(has(told(good.chain, "junk"), "no private key in PEM form"));
  CHECK(has(told(good.chain, testing::with_pass_phrase(good.key)), "pass phrase"));
  CHECK(error_of([] { authority_of({.inside = Secret<std::string>("junk"), .origin = {.field = "f"}}); }).code ==
        "H0404");
}

TEST_CASE("a plugin is asked by argv, with our environment and its own, and knows what it is asked") {
  World world;
  User user = world.with_plugin("printf '%s|' \"$@\" \"$OURS\" \"$ITS\" > '" + (world.folder.path() / "seen").string() +
                                    "'; printf %s \"$KUBERNETES_EXEC_INFO\" > '" +
                                    (world.folder.path() / "info").string() + "'\n" + answer(R"("token":"t")"),
                                {"a b", "; rm -rf /", "$(id)"});
  user.plugin->variables["ITS"] = "own";
  user.plugin->wants_cluster = true;
  const Cluster cluster{.server = "https://s", .tls_server_name = "n", .exec_config = "anything"};
  CHECK(credentials_of(user, cluster, world.environment)->current(world.at).authorization.reveal() == "Bearer t");
  std::stringstream seen, info;
  seen << std::ifstream{world.folder.path() / "seen"}.rdbuf();
  info << std::ifstream{world.folder.path() / "info"}.rdbuf();
  CHECK(seen.str() == "a b|; rm -rf /|$(id)|given on|own|");
  CHECK(info.str() ==
        R"({"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{"interactive":false,)"
        R"("cluster":{"server":"https://s","tls-server-name":"n","config":"anything"}}})");
}

TEST_CASE("a plugin is run again only when its answer has expired, or the server does not take it") {
  World world;
  const std::string count = "echo x >> '" + (world.folder.path() / "runs").string() + "'\n";
  const auto runs = [&] {
    std::ifstream file{world.folder.path() / "runs"};
    return std::count(std::istreambuf_iterator<char>(file), {}, 'x');
  };
  const auto credentials = world.credentials(
      world.with_plugin(count + answer(R"("token":"t","expirationTimestamp":"2090-01-01T00:00:00Z")")));
  const Credential first = credentials->current(world.at);
  CHECK(credentials->current(world.at) == first);
  CHECK(runs() == 1);
  CHECK_FALSE(credentials->renew(world.at, first));
  CHECK(runs() == 2);
  CHECK(credentials->renew(world.at, {.authorization = Secret<std::string>("Bearer older")}));
  CHECK(runs() == 2);
  const auto expired = world.credentials(
      world.with_plugin(count + answer(R"("token":"t","expirationTimestamp":"2020-01-01T00:00:00Z")")));
  expired->current(world.at);
  expired->current(world.at);
  CHECK(runs() == 3);
}

TEST_CASE("a plugin that fails is named, with its last words, cleaned") {
  World world;
  const User user = world.with_plugin("echo 'not out'; printf 'log \\033[31min first\\n' >&2; exit 3\n");
  const Diagnostic told = error_of([&] { world.credentials(user)->current(world.at); });
  CHECK(told.code == "H0405");
  CHECK(has(told.message, "exited with code 3"));
  CHECK(told.log == std::vector<std::string>{"log ?[31min first"});
  CHECK(told.facts.at(0).second == "users[u].user.exec in config:7");
  User gone = user;
  gone.plugin->command = "no-such-program";
  CHECK(has(error_of([&] { world.credentials(gone)->current(world.at); }).message, "is not in PATH"));
  gone.plugin->command = "/no/such/program";
  CHECK(error_of([&] { world.credentials(gone)->current(world.at); }).code == "H0405");
  gone.plugin->interactive = true;
  CHECK(has(error_of([&] { world.credentials(gone)->current(world.at); }).message, "nobody to ask"));
}

TEST_CASE("a folder of PATH that depends on where we are is passed over") {
  World world;
  world.write("here", "#!/bin/sh\n", 0755);
  world.environment.variables["PATH"] = ".::" + world.folder.path().string();
  CHECK(program_of({.command = "here"}, world.environment) == world.folder.path() / "here");
  world.environment.variables["PATH"] = ".::bin";
  CHECK(error_of([&] { program_of({.command = "here"}, world.environment); }).code == "H0405");
}

TEST_CASE("what a plugin printed is a credential, or is told without being shown") {
  const ExecPlugin plugin{.api_version = "client.authentication.k8s.io/v1", .command = "p", .origin = {.file = "c"}};
  const auto told = [&](const std::string& status) {
    const std::string text =
        R"({"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential")" + status + "}";
    return error_of([&] { plugin_answer(text, plugin); });
  };
  CHECK(told(R"(,"status":{"token":"s3cret"})").code == "none");
  for (const char* wrong : {"", R"(,"status":{})", R"(,"status":{"token":"s3cret\r\nX: y"})",
                            R"(,"status":{"token":"s3cret","clientKeyData":"k"})",
                            R"(,"status":{"token":"s3cret","expirationTimestamp":"soon"})"}) {
    CHECK(told(wrong).code == "H0406");
    CHECK_FALSE(has(told(wrong).message, "s3cret"));
  }
  CHECK(error_of([&] { plugin_answer("s3cret junk", plugin); }).code == "H0406");
  CHECK(error_of([&] {
          plugin_answer(
              R"({"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":"t"}})",
              plugin);
        }).code == "H0406");
}

TEST_CASE("a plugin that does not end is ended by a stop") {
  World world;
  const auto pid_file = world.folder.path() / "pid";
  const auto credentials =
      world.credentials(world.with_plugin("echo $$ > '" + pid_file.string() + ".new'; mv '" + pid_file.string() +
                                          ".new' '" + pid_file.string() + "'; exec sleep 1000\n"));
  std::jthread stopper([&] {
    while (!std::filesystem::exists(pid_file)) std::this_thread::yield();
    world.stop.request_stop();
  });
  CHECK_THROWS_AS(credentials->current(world.at), Stopped);
}

TEST_CASE("times as they are written") {
  const auto seconds = [](std::string_view text) {
    const auto time = time_of(text);
    return time ? std::chrono::duration_cast<std::chrono::seconds>(time->time_since_epoch()).count() : -1;
  };
  CHECK(seconds("2026-11-23T10:00:00Z") == 1795428000);
  CHECK(seconds("2026-11-23T10:00:00.123456Z") == 1795428000);
  CHECK(seconds("2026-11-23T12:00:00+02:00") == 1795428000);
  CHECK(time_of("9999-12-31T23:59:59Z") ==
        std::chrono::system_clock::time_point::max());  // further than the clock goes
  for (const char* wrong : {"", "soon", "2026-11-23", "2026-13-23T10:00:00Z", "2026-11-23T10:00:00",
                            "2026-11-23T25:00:00Z", "2026-11-23T10:00:00+2", "2026-11-23 10:00:00Z"})
    CHECK(seconds(wrong) == -1);
}

TEST_CASE("impersonation goes along as headers") {
  const auto headers = impersonation_of({.as = "me", .as_groups = {"a", "b"}, .as_extra = {{"x/y", {"1"}}}});
  REQUIRE(headers.size() == 4);
  CHECK(headers[0] == std::pair<std::string, std::string>{"Impersonate-User", "me"});
  CHECK(headers[3] == std::pair<std::string, std::string>{"Impersonate-Extra-x%2Fy", "1"});
  CHECK(impersonation_of({}).empty());
}
