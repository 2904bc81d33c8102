// The transport and the client against a real TLS server, right and wrong.
#include <functional>
#include <future>
#include <thread>

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include "catch.hpp"
#include "k8s/base64.hpp"
#include "k8s/client.hpp"
#include "k8s/values.hpp"
#include "support/api_server.hpp"
#include "support/scopes.hpp"
#include "support/servers.hpp"

using namespace harmony;
using namespace harmony::k8s;
using namespace harmony::testing;
using namespace std::chrono_literals;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

const std::string version = http_answer(200, R"({"gitVersion":"v1"})");

struct World {
  Scopes scopes;
  std::stop_source stop;
  Scope at = scopes.reading(stop.get_token());

  Access access(const Cluster& cluster, User user = {}) const {
    return {.context = "x", .cluster = cluster, .user = std::move(user)};
  }
  /// "done", or what went wrong: "H0411 its certificate has expired".
  std::string ask(const Cluster& cluster, User user = {}, Environment environment = {}) {
    try {
      Client client{access(cluster, std::move(user)), environment};
      client.raw(at, "/version");
      return "done";
    } catch (const Error& error) {
      last = error.data();
      const auto colon = last.message.rfind(": ");
      return last.code + (colon == std::string::npos ? "" : " " + last.message.substr(colon + 2));
    }
  }
  std::string fact(const std::string& name) const {
    for (const auto& [each, value] : last.facts)
      if (each == name) return value;
    return {};
  }
  Diagnostic last{};
};

User with(const Pair& pair) {
  return {.certificate = {.inside = Secret(pair.chain), .origin = {.field = "client-certificate"}},
          .key = {.inside = Secret(pair.key)}};
}

const Resource config_maps{.what = {"", "v1", "ConfigMap"}, .plural = "configmaps"};
boost::json::value config_map() {
  return *parse_json(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"n"}})");
}
std::string status(int code, const std::string& reason, const std::string& message, const std::string& headers = "") {
  return http_answer(
      code,
      fmt::format(R"({{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"{}","message":"{}","code":{}}})",
                  reason, message, code),
      "Content-Type: application/json\r\n" + headers);
}

/// What a write against this server ends with: "done", "failed H0416", "unknown", "stopped".
std::string outcome_of_write(World& world, const TlsServer& server) {
  Client client{world.access(cluster_at(server.port())), {}};
  try {
    client.apply(world.at, config_maps, config_map(), {.manager = "test"});
    return "done";
  } catch (const OutcomeUnknown& error) {
    world.last = error.data();
    return "unknown";
  } catch (const Error& error) {
    world.last = error.data();
    return "failed " + error.data().code;
  }
}

}  // namespace

TEST_CASE("every mistake of a server's certificate is told by its name, and nothing is sent") {
  World world;
  const auto& all = authorities();
  const auto served = [&](const Pair& identity, const std::function<void(Cluster&)>& change = {}) {
    std::atomic<int> requests{0};
    TlsServer server{{.identity = identity}, answers([&](const std::string&) { return ++requests, version; })};
    Cluster cluster = cluster_at(server.port());
    if (change) change(cluster);
    const std::string told = world.ask(cluster, {.token = Secret<std::string>("tok-secret")});
    INFO(world.fact("detail"));
    CHECK(requests == (told == "done" ? 1 : 0));
    return told;
  };
  CHECK(served(all.server) == "done");
  CHECK(served(certificate(
            {.subject = "/CN=s", .names = "IP:127.0.0.1", .issuer = &all.good, .until = "20210101000000Z"})) ==
        "H0411 its certificate has expired");
  CHECK(served(certificate(
            {.subject = "/CN=s", .names = "IP:127.0.0.1", .issuer = &all.good, .from = "20890101000000Z"})) ==
        "H0411 its certificate is not valid yet");
  CHECK(served(certificate({.subject = "/CN=127.0.0.1", .names = "DNS:elsewhere", .issuer = &all.good})) ==
        "H0411 its certificate is for other names");
  CHECK(world.fact("certificate is for") == "DNS:elsewhere");
  CHECK(served(certificate({.subject = "/CN=s", .names = "IP:127.0.0.1"})) ==
        "H0411 its certificate is signed by nobody but itself");
  CHECK(served(certificate({.subject = "/CN=s", .names = "IP:127.0.0.1", .issuer = &all.other})) ==
        "H0411 its certificate is signed by an authority that the kubeconfig does not name");
  CHECK(
      served(certificate({.subject = "/CN=s", .names = "IP:127.0.0.1", .issuer = &all.good, .usage = "clientAuth"})) ==
      "H0411 its certificate is made for another purpose");
  // Without an authority the system's are asked, and none of them has signed it.
  CHECK(served(all.server, [](Cluster& c) { c.authority = {}; }).starts_with("H0411 its certificate is signed by"));
  CHECK(served(all.server, [](Cluster& c) { c.tls_server_name = "kubernetes"; }) == "done");
  CHECK(served(all.server, [](Cluster& c) { c.tls_server_name = "elsewhere"; }) ==
        "H0411 its certificate is for other names");
  const auto unchecked = [](Cluster& c) {
    c.authority = {};
    c.insecure = true;
  };
  CHECK(served(certificate({.subject = "/CN=s", .until = "20210101000000Z"}), unchecked) == "done");
}

TEST_CASE("a server that wants a client certificate") {
  World world;
  const auto& all = authorities();
  TlsServer server{{.identity = all.server, .client_authority = all.good.chain}, answers(version)};
  CHECK(world.ask(cluster_at(server.port()), with(all.client)) == "done");
  CHECK(world.ask(cluster_at(server.port())) == "H0411 it wants a client certificate");
  CHECK(world.ask(cluster_at(server.port()), with(all.stranger)) == "H0411 it does not take our client certificate");
  CHECK(world.ask(cluster_at(server.port()), with({all.client.chain, all.stranger.key})).starts_with("H0404 "));
}

TEST_CASE("what is no API server is told as what it is") {
  World world;
  TlsServer plain{
      {}, [](TlsConnection& connection) {
        connection.read_some();
        connection.write("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n");
      }};
  CHECK(world.ask(cluster_at(plain.port())) == "H0411 what answers there speaks no TLS");
  CHECK(world.ask(cluster_at(free_port())) == "H0410 nobody listens there");
  const auto told = [&](const std::string& answer) {
    TlsServer server{{.identity = authorities().server}, answers(answer)};
    return world.ask(cluster_at(server.port()));
  };
  CHECK(told(http_answer(404, "<html>\x1b[2J", "Content-Type: text/html\r\n")) == "H0418 HTTP 404, text/html");
  CHECK(world.fact("it begins with") == "<html>?[2J");
  CHECK(has(told(http_answer(302, "", "Location: https://elsewhere/\r\n")), "sends us to https://elsewhere/"));
  CHECK(told("SSH-2.0-x\r\n\r\n").starts_with("H0410"));
  CHECK(told(http_answer(200, "x", "X: " + std::string(300 << 10, 'x') + "\r\n")).starts_with("H0410"));
}

TEST_CASE("an address that is no way in is refused before anybody connects") {
  World world;
  const auto told = [&](const std::string& url, const std::string& proxy = "") {
    Cluster cluster{.server = url, .proxy = proxy, .origin = {.file = "config", .field = "clusters[c].cluster"}};
    return world.ask(cluster);
  };
  for (const char* wrong : {"", "file:///etc/passwd", "https://user:pw@host", "https://[::1", "https://host:99999",
                            "https://host/?a=b", "ftp://host", "https://a b"})
    CHECK(told(wrong).starts_with("H0402"));
  CHECK(has(told("http://10.0.0.1"), "without TLS only this machine itself is spoken to"));
  CHECK(has(told("https://host", "ftp://proxy"), "a proxy is http://"));
}

TEST_CASE("the environment's proxy is used, but not for those that are to be spared") {
  const auto proxy = [](const std::string& host, const std::string& spared) {
    return proxy_for(host, 6443, {.variables = {{"https_proxy", "proxy:3128"}, {"NO_PROXY", spared}}});
  };
  CHECK(proxy("example.org", "") == "http://proxy:3128");
  for (const char* spared : {"*", "example.org", ".org", "*.org", "a, example.org ", "example.org:6443"})
    CHECK(proxy("example.org", spared).empty());
  for (const char* other : {"xample.org", "example.org:443", "10.0.0.0/8"})
    CHECK_FALSE(proxy("example.org", other).empty());
  CHECK(proxy("10.1.2.3", "10.0.0.0/8").empty());
  CHECK_FALSE(proxy("11.1.2.3", "10.0.0.0/8").empty());
  CHECK(proxy("fd00::12", "fd00::/16").empty());
  for (const char* near : {"127.0.0.1", "127.9.9.9", "::1", "localhost"}) CHECK(proxy(near, "").empty());
}

TEST_CASE("a proxy is asked to connect, gets no credential, and is named where it does not let us through") {
  World world;
  std::string asked;
  TlsServer proxy{{}, [&](TlsConnection& connection) {
                    asked = connection.read_request();
                    connection.write("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n");
                  }};
  Cluster cluster = cluster_at(1);
  cluster.server = "https://cluster.example:6443";
  cluster.proxy = fmt::format("http://user:proxy-pw@127.0.0.1:{}", proxy.port());
  Client client{world.access(cluster, {.token = Secret<std::string>("tok-secret")}), {}};
  std::stop_source give_up;
  Transport transport{destination_of(cluster, {})};
  try {
    transport.exchange(world.at, {.path = "/version"}, {.authorization = Secret<std::string>("Bearer tok-secret")});
    FAIL("no error");
  } catch (const ConnectionError& error) {
    CHECK(error.trouble() == Trouble::proxy);
    CHECK_FALSE(error.sent());
    for (const auto& [name, value] : error.data().facts) CHECK_FALSE(has(value, "proxy-pw"));
  }
  CHECK(asked.starts_with("CONNECT cluster.example:6443"));
  CHECK_FALSE(has(asked, "tok-secret"));
}

TEST_CASE("connections are used again, and each client certificate has its own") {
  World world;
  const auto& all = authorities();
  TlsServer server{{.identity = all.server}, answers(version)};
  Transport transport{destination_of(cluster_at(server.port()), {})};
  for (int i = 0; i < 3; ++i) transport.exchange(world.at, {.path = "/version"}, {});
  CHECK(server.greeted() == 1);
  const auto us = client_certificate(all.client.chain, Secret(all.client.key), {});
  transport.exchange(world.at, {.path = "/version"}, {.certificate = us});
  transport.exchange(world.at, {.path = "/version"}, {.certificate = us});
  CHECK(server.greeted() == 2);
}

TEST_CASE("a stop ends what waits for an answer at once") {
  World world;
  std::atomic<bool> asked{false};
  TlsServer server{{.identity = authorities().server}, [&](TlsConnection& connection) {
                     connection.read_request();
                     asked = true;
                     connection.read_some();  // until they go
                   }};
  Client client{world.access(cluster_at(server.port())), {}};
  std::jthread stopper([&] {
    until("the request is there", [&] { return asked.load(); });
    world.stop.request_stop();
  });
  CHECK_THROWS_AS(client.raw(world.at, "/version"), Stopped);
}

TEST_CASE("whoever waits for an answer is told so") {
  struct Waits final : Observer {
    std::promise<std::string> told;
    void on(const Event& event) noexcept override {
      if (event.kind == Event::Kind::waiting) told.set_value(std::string(event.text));
    }
  } waits;
  World world;
  world.scopes.observe(waits);
  auto told = waits.told.get_future().share();
  TlsServer server{{.identity = authorities().server}, [told](TlsConnection& connection) {
                     connection.read_request();
                     told.wait();
                     connection.write(version);
                   }};
  Transport transport{destination_of(cluster_at(server.port()), {})};
  CHECK(transport.exchange(world.at, {.path = "/version"}, {}).status == 200);
  CHECK(told.get() == fmt::format("the API server at https://127.0.0.1:{} does not answer yet", server.port()));
}

TEST_CASE("a limit ends what does not answer") {
  World world;
  TlsServer server{{.identity = authorities().server}, [](TlsConnection& connection) {
                     connection.read_request();
                     connection.read_some();
                   }};
  Transport transport{destination_of(cluster_at(server.port()), {})};
  try {
    transport.exchange(world.at, {.path = "/version", .limit = 50ms}, {});
    FAIL("no error");
  } catch (const ConnectionError& error) {
    CHECK(error.trouble() == Trouble::slow);
    CHECK(error.sent());
    CHECK(error.data().category == Category::timed_out);
  }
}

TEST_CASE("a write is done, or failed, or nobody knows") {
  World world;
  std::atomic<int> requests{0};
  const auto ends = [&](std::function<std::string(int)> answer) {
    requests = 0;
    TlsServer server{{.identity = authorities().server},
                     answers([&, answer](const std::string&) { return answer(++requests); })};
    return outcome_of_write(world, server);
  };
  const std::string applied = http_answer(201, boost::json::serialize(config_map()));
  CHECK(ends([&](int) { return applied; }) == "done");
  // The connection broke when the request was out: it may have been done.
  CHECK(ends([](int) { return std::string(); }) == "unknown");
  CHECK(requests == 1);
  CHECK(world.last.code == "H0420");
  CHECK(ends([](int) { return status(504, "Timeout", "still processing"); }) == "unknown");
  CHECK(ends([](int) { return status(500, "InternalError", "etcdserver: request timed out"); }) == "unknown");
  CHECK(ends([](int) { return http_answer(502, "<html>", "Content-Type: text/html\r\n"); }) == "unknown");
  // The user's mistake, though it looks like the server's: not sent again.
  CHECK(ends([](int) {
          return status(500, "", "failed to create typed patch object: .bogus: field not declared in schema");
        }) == "failed H0416");
  CHECK(requests == 1);
  CHECK(has(world.last.message, ".bogus: field not declared in schema"));
  // Webhooks are asked before anything is stored.
  CHECK(ends([](int) {
          return status(500, "InternalError", "failed calling webhook \\\"w.example\\\": context deadline exceeded");
        }) == "failed H0416");
  CHECK(requests == 1);
  // Turned away before any work: sent again.
  CHECK(ends([&](int n) { return n < 3 ? status(429, "TooManyRequests", "later", "Retry-After: 0\r\n") : applied; }) ==
        "done");
  CHECK(requests == 3);
  CHECK(ends([&](int n) { return n < 2 ? status(503, "", "not yet", "Retry-After: 0\r\n") : applied; }) == "done");
  CHECK(ends([](int) { return status(429, "TooManyRequests", "later", "Retry-After: 86400\r\n"); }) == "failed H0417");
  CHECK(requests == 1);
  CHECK(ends([&](int) { return http_answer(200, R"({"kind":"ConfigMap","metadata":{"name":"other"}})"); }) ==
        "failed H0418");
}

TEST_CASE("before each try of a write it is asked whether it is still wanted") {
  World world;
  std::atomic<int> requests{0};
  TlsServer server{{.identity = authorities().server}, answers([&](const std::string&) {
                     ++requests;
                     return status(429, "TooManyRequests", "later", "Retry-After: 0\r\n");
                   })};
  Client client{world.access(cluster_at(server.port())), {}};
  int asked = 0;
  const StillWanted twice = [&](Scope&) {
    if (++asked > 2) throw Error({.code = "H0434", .message = "the lock was lost"});
  };
  const auto code_of = [](const std::function<void()>& act) {
    try {
      act();
      return std::string("done");
    } catch (const Error& error) {
      return error.data().code;
    }
  };
  CHECK(code_of([&] {
          client.apply(world.at, config_maps, config_map(), {.manager = "test", .still_wanted = twice});
        }) == "H0434");
  CHECK(requests == 2);
  CHECK(code_of([&] { client.remove(world.at, config_maps, "n", "a", {.uid = "u", .still_wanted = twice}); }) ==
        "H0434");
  CHECK(requests == 2);
}

TEST_CASE("a write on a connection that had died is not sent twice") {
  World world;
  std::atomic<int> writes{0};
  TlsServer server{{.identity = authorities().server}, [&](TlsConnection& connection) {
                     for (std::string request = connection.read_request(); !request.empty();
                          request = connection.read_request()) {
                       if (request.starts_with("PATCH")) {
                         ++writes;
                         return connection.reset();
                       }
                       connection.write(version);
                     }
                   }};
  Client client{world.access(cluster_at(server.port())), {}};
  client.raw(world.at, "/version");
  CHECK_THROWS_AS(client.apply(world.at, config_maps, config_map(), {.manager = "test"}), OutcomeUnknown);
  CHECK(writes == 1);
}

TEST_CASE("a read is sent again when its connection breaks") {
  World world;
  std::atomic<int> requests{0};
  TlsServer server{{.identity = authorities().server},
                   answers([&](const std::string&) { return ++requests < 3 ? std::string() : version; })};
  CHECK(world.ask(cluster_at(server.port())) == "done");
  CHECK(requests == 3);
}

TEST_CASE("401 is answered with another credential, once") {
  World world;
  const TemporaryFolder folder;
  const auto path = folder.path() / "token";
  std::ofstream{path} << "old-token";
  std::vector<std::string> asked;
  TlsServer server{{.identity = authorities().server}, answers([&](const std::string& request) {
                     const auto begin = request.find("Bearer ") + 7;
                     asked.push_back(request.substr(begin, request.find('\r', begin) - begin));
                     if (asked.back() == "new-token") return version;
    // Written in place, and of the same length: only a server tells.
                     std::ofstream{path} << (asked.size() == 1 ? "new-token" : "x");
                     return status(401, "Unauthorized", "Unauthorized");
                   })};
  CHECK(world.ask(cluster_at(server.port()), {.token_file = path}) == "done");
  CHECK(asked == std::vector<std::string>{"old-token", "new-token"});
  CHECK(world.ask(cluster_at(server.port()), {.token = Secret<std::string>("third-token")}) == "H0412 Unauthorized");
  CHECK(world.last.category == Category::unreachable);
  CHECK(asked.size() == 3);
}

TEST_CASE("refusals keep what the server knows, and are cleaned where they are shown") {
  World world;
  const std::string refused = http_answer(
      409,
      R"({"kind":"Status","reason":"Conflict","message":"Apply failed\u001b[31m","code":409,"details":{"name":"a","kind":"configmaps",)"
      R"("causes":[{"reason":"FieldManagerConflict","message":"conflict with \"kubectl\"","field":".data.a"}]}})");
  TlsServer server{{.identity = authorities().server}, answers(refused)};
  Client client{world.access(cluster_at(server.port())), {}};
  try {
    client.apply(world.at, config_maps, config_map(), {.manager = "test"});
    FAIL("no error");
  } catch (const ApiError& error) {
    CHECK(error.conflict());
    CHECK(error.status().causes.at(0).field == ".data.a");
    CHECK(error.data().code == "H0415");
    CHECK(has(error.data().message, "Apply failed?[31m"));
  }
}

TEST_CASE("what a server says of a Secret is not shown") {
  World world;
  const std::string refused = http_answer(
      422,
      R"({"kind":"Status","reason":"Invalid","message":"Invalid value: \"hunter-2\"","code":422,"details":{"name":"a",)"
      R"("causes":[{"reason":"FieldValueInvalid","message":"Invalid value: \"hunter-2\"","field":"data[a]"}]}})");
  TlsServer server{{.identity = authorities().server}, answers(refused)};
  Client client{world.access(cluster_at(server.port())), {}};
  const Resource secrets{.what = {"", "v1", "Secret"}, .plural = "secrets"};
  const auto secret = *parse_json(R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"a","namespace":"n"}})");
  try {
    client.create(world.at, secrets, secret, {.manager = "test"});
    FAIL("no error");
  } catch (const ApiError& error) {
    CHECK_FALSE(has(error.data().message, "hunter-2"));
    for (const auto& [name, value] : error.data().facts) CHECK_FALSE(has(value, "hunter-2"));
    CHECK(has(error.data().facts.back().second, "data[a]"));
  }
}

TEST_CASE("a write brings the warnings of the server, each once, cleaned") {
  World world;
  const std::string stored = R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"b"}})";
  TlsServer server{
      {.identity = authorities().server},
      answers(http_answer(200, stored,
                          "Warning: 299 - \"old\x1b[2J API\"\r\nWarning: 299 - \"other\"\r\n"
                          "Warning: 299 - \"other\"\r\nWarning: 299 - \"of \\\"a\\\"\"\r\nWarning: no text\r\n"))};
  Client client{world.access(cluster_at(server.port())), {}};
  const Written written = client.create(world.at, config_maps, *parse_json(stored), {.manager = "test"});
  CHECK(written.warnings == std::vector<std::string>{"old?[2J API", "other", "of \"a\""});
}

TEST_CASE("a list that breaks off begins anew, and one of many pages is read to its end") {
  World world;
  int breaks = 0;
  const auto item = [](int n) { return fmt::format(R"({{"metadata":{{"name":"i{}"}}}})", n); };
  TlsServer server{
      {.identity = authorities().server}, answers([&](const std::string& request) {
        if (!has(request, "continue="))
          return http_answer(
              200, R"({"kind":"ConfigMapList","metadata":{"resourceVersion":"7","continue":"next/="},"items":[)" +
                       item(1) + "]}");
        CHECK(has(request, "continue=next%2F%3D"));
        const bool breaks_off = ++breaks == 1;
        const std::string whole = http_answer(
            200,
            R"({"kind":"ConfigMapList","metadata":{"resourceVersion":"7"},"items":[)" + item(2) + "," + item(3) + "]}",
            breaks_off ? "Connection: close\r\n" : "");
        return breaks_off ? whole.substr(0, whole.size() - 10) : whole;
      })};
  Client client{world.access(cluster_at(server.port())), {}};
  const auto all = client.list(world.at, config_maps, {.page = 2});
  CHECK(breaks == 2);
  REQUIRE(all.size() == 3);
  CHECK(text_at(all[2], "metadata.name") == "i3");
  CHECK(text_at(all[2], "kind") == "ConfigMap");
}

TEST_CASE("discovery without the aggregated form survives a group that is down") {
  World world;
  TlsServer server{
      {.identity = authorities().server}, answers([&](const std::string& request) {
        const auto is = [&](const char* path) { return request.starts_with(std::string("GET ") + path + " "); };
        if (is("/api")) return http_answer(200, R"({"kind":"APIVersions","versions":["v1"]})");
        if (is("/apis"))
          return http_answer(
              200, R"({"kind":"APIGroupList","groups":[{"name":"metrics.k8s.io","versions":[{"version":"v1beta1"}]},)"
                   R"({"name":"apps","versions":[{"version":"v1"}],"preferredVersion":{"version":"v1"}}]})");
        if (is("/api/v1"))
          return http_answer(
              200,
              R"({"kind":"APIResourceList","resources":[{"name":"pods","kind":"Pod","namespaced":true,"verbs":["get"]},{"name":"pods/status","kind":"Pod"}]})");
        if (is("/apis/apps/v1"))
          return http_answer(
              200,
              R"({"kind":"APIResourceList","resources":[{"name":"deployments","kind":"Deployment","namespaced":true}]})");
        return status(503, "ServiceUnavailable", "the server is currently unable to handle the request",
                      "Retry-After: 86400\r\n");
      })};
  Client client{world.access(cluster_at(server.port())), {}};
  CHECK(client.resource(world.at, {"apps", "v1", "Deployment"}).plural == "deployments");
  CHECK(client.resource(world.at, {"", "v1", "Pod"}).has_status);
  try {
    client.resource(world.at, {"metrics.k8s.io", "v1beta1", "PodMetrics"});
    FAIL("no error");
  } catch (const NoSuchKind& error) {
    CHECK(error.data().facts.at(1) ==
          std::pair<std::string, std::string>{"does not answer", "metrics.k8s.io/v1beta1: HTTP 503"});
  }
}

TEST_CASE("a watch goes on where a connection broke, and lists again where the server has forgotten") {
  World world;
  std::vector<std::string> asked;
  const auto object = [](const char* name, int version) {
    return fmt::format(R"({{"metadata":{{"name":"{}","uid":"u","resourceVersion":"{}"}}}})", name, version);
  };
  const auto list = [](const std::string& items, int version) {
    return http_answer(
        200, fmt::format(R"({{"kind":"ConfigMapList","metadata":{{"resourceVersion":"{}"}},"items":[{}]}})", version,
                         items));
  };
  const auto stream = [](const std::string& lines) { return "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + lines; };
  const auto event = [](const char* type, const std::string& of) {
    return fmt::format(R"({{"type":"{}","object":{}}})", type, of) + "\n";
  };
  TlsServer server{
      {.identity = authorities().server}, answers([&](const std::string& request) {
        const auto version_at = request.find("resourceVersion=");
        asked.push_back(version_at == std::string::npos
                            ? "list"
                            : request.substr(version_at + 16, request.find('&', version_at) - version_at - 16));
        switch (asked.size()) {
          case 1: return list(object("a", 1) + "," + object("b", 2), 10);
          case 2: return stream(event("ADDED", object("c", 11)) + R"({"type":"ADDED","obj)");  // cut off
          case 3:
            return stream(event("MODIFIED", object("a", 12)) +
                          event("ERROR", R"({"kind":"Status","code":410,"reason":"Expired"})"));
          case 4: return list(object("a", 12) + "," + object("d", 20), 30);
          default: return stream(event("BOOKMARK", object("", 40)) + event("ADDED", object("e", 41)));
        }
      })};
  Client client{world.access(cluster_at(server.port())), {}};
  std::vector<std::string> seen;
  client.watch(world.at, config_maps, {.space = "n"}, [&](const WatchEvent& told) {
    constexpr const char* words[] = {"added", "modified", "removed", "synced"};
    seen.push_back(fmt::format("{} {}", words[static_cast<int>(told.what)], text_at(told.object, "metadata.name")));
    return seen.back() != "added e";
  });
  CHECK(asked == std::vector<std::string>{"list", "10", "11", "list", "30"});
  CHECK(seen == std::vector<std::string>{"added a", "added b", "synced ", "added c", "modified a", "added d",
                                         "removed b", "removed c", "added e"});
}

TEST_CASE("a watch that is forbidden, or makes no sense, ends") {
  World world;
  const auto ends = [&](const std::string& line) {
    TlsServer server{{.identity = authorities().server}, answers([&](const std::string& request) {
                       if (!has(request, "watch=true"))
                         return http_answer(
                             200, R"({"kind":"ConfigMapList","metadata":{"resourceVersion":"1"},"items":[]})");
                       return http_answer(200, line + "\n");
                     })};
    Client client{world.access(cluster_at(server.port())), {}};
    try {
      client.watch(world.at, config_maps, {.space = "n"}, [](const WatchEvent&) { return true; });
      return std::string("done");
    } catch (const Error& error) {
      return error.data().code;
    }
  };
  CHECK(ends(R"({"type":"ERROR","object":{"kind":"Status","code":403,"reason":"Forbidden"}})") == "H0413");
  CHECK(ends(R"({"type":"ERROR","object":{"kind":"Status","code":401}})") == "H0412");
  CHECK(ends("junk") == "H0422");
  CHECK(ends(R"({"type":"ELSE","object":{"metadata":{"resourceVersion":"1"}}})") == "H0422");
}

TEST_CASE("who has enough of a list, a log or a watch ends it, and what they throw reaches them") {
  World world;
  const std::string lines = "one\ntwo\nthree";
  TlsServer server{{.identity = authorities().server},
                   answers(http_answer(200, lines, "Content-Type: text/plain\r\n"))};
  Client client{world.access(cluster_at(server.port())), {}};
  std::vector<std::string> seen;
  client.logs(world.at, "n", "p", {}, [&](std::string_view line) { return seen.emplace_back(line), seen.size() < 2; });
  CHECK(seen == std::vector<std::string>{"one", "two"});
  seen.clear();
  client.logs(world.at, "n", "p", {}, [&](std::string_view line) { return seen.emplace_back(line), true; });
  CHECK(seen == std::vector<std::string>{"one", "two", "three"});
  CHECK_THROWS_AS(client.logs(world.at, "n", "p", {}, [](std::string_view) -> bool { throw std::logic_error("mine"); }),
                  std::logic_error);
}
