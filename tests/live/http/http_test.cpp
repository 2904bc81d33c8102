// The HTTP probe and its twin against a real HTTP server, and against odd ones.
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <fmt/format.h>

#include "catch.hpp"
#include "http/rehearsed.hpp"
#include "support/scopes.hpp"
#include "support/servers.hpp"

using namespace harmony;
using namespace harmony::testing;
using namespace std::chrono_literals;

namespace {

/// server.py in a process of its own.
class HttpServer {
 public:
  HttpServer() {
    until("the server says its port", [&] {
      std::ifstream{folder_.path() / "log"} >> port_;
      return port_ != 0;
    });
  }
  host::Endpoint at() const { return {.port = port_}; }

 private:
  /// A copy: the repository may lie where an unprivileged user cannot look.
  std::string script() const {
    std::filesystem::copy_file(HTTP_SERVER, folder_.path() / "server.py");
    return folder_.path() / "server.py";
  }
  TemporaryFolder folder_;
  int port_ = 0;
  OwnProcess process_{{"/usr/bin/python3", script()}, folder_.path() / "log"};
};

host::Endpoint server() {
  static HttpServer one;
  return one.at();
}

struct World {
  Scopes scopes;
  std::shared_ptr<http::Probe> real = http::probe();
  Rehearsal rehearsal;
  std::shared_ptr<http::Probe> twin = twin_of(real, rehearsal);
  Scope reading = scopes.reading();
  http::Answer ask(const HttpRequest& request, host::Endpoint at = server(), std::chrono::milliseconds limit = 60s) {
    return real->request(reading, at, request, limit);
  }
};

std::string code_of(const std::function<void()>& body) {
  try {
    body();
    return "done";
  } catch (const Error& error) {
    return error.data().code;
  }
}
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a request arrives as it was written, and so does its answer") {
  World world;
  const auto got = world
                       .ask({.path = "/a/../b?x=%20y&z",
                             .headers = {{"X-Asked", "yes"}, {"X-Empty", ""}, {"Host", "guestbook.example"}}})
                       .response;
  REQUIRE(got);
  CHECK(got->status == 200);
  CHECK(got->headers.at("x-mixed-case") == "Kept As It Is");
  CHECK(has(got->body, R"("path": "/a/../b?x=%20y&z")"));
  CHECK(has(got->body, R"("x-asked": "yes")"));
  CHECK(has(got->body, R"("x-empty": "")"));
  CHECK(has(got->body, R"("host": "guestbook.example")"));
  CHECK(has(got->body, R"("method": "GET")"));
  CHECK_FALSE(has(got->body, "expect"));
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE"}) {
    const auto sent = world
                          .ask({.method = method,
                                .path = "/in",
                                .headers = {{"Content-Type", "text/plain"}},
                                .body = "line one\nline two"})
                          .response;
    REQUIRE(sent);
    CHECK(has(sent->body, fmt::format(R"("method": "{}")", method)));
    CHECK(has(sent->body, R"(line one\nline two)"));
    CHECK(has(sent->body, R"("content-type": "text/plain")"));
  }
  CHECK(has(world.ask({.method = "POST", .path = "/in"}).response->body, R"("length": "0")"));
  const auto head = world.ask({.method = "HEAD", .path = "/"}).response;
  REQUIRE(head);
  CHECK(head->status == 200);
  CHECK(head->body.empty());
}

TEST_CASE("statuses are answers; redirects are not followed") {
  World world;
  for (const int status : {204, 404, 421, 500, 503})
    CHECK(world.ask({.path = fmt::format("/status/{}", status)}).response->status == status);
  const auto redirect = world.ask({.path = "/redirect"}).response;
  REQUIRE(redirect);
  CHECK(redirect->status == 302);
  CHECK(redirect->headers.at("location") == "/elsewhere");
}

TEST_CASE("no proxy and no credentials of whoever deploys") {
  ScriptedServer proxy{[](const std::string&) { return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproxy"; }};
  for (const char* name : {"http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"})
    ::setenv(name, ("http://" + proxy.at().text()).c_str(), 1);
  World world;
  const auto got = world.ask({.path = "/direct"}).response;
  for (const char* name : {"http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"}) ::unsetenv(name);
  REQUIRE(got);
  CHECK(has(got->body, "/direct"));
  CHECK(proxy.connections() == 0);
}

TEST_CASE("what could become another request is not sent") {
  World world;
  ScriptedServer listening{[](const std::string&) { return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"; }};
  const auto refused = [&](HttpRequest request) {
    return code_of([&] { (void)world.real->request(world.reading, listening.at(), request, 60s); });
  };
  for (const std::string& path : std::initializer_list<std::string>{
           "", "x", "@example.org/", ":80/", ".example.org/", "/a b", "/a\r\nX: y", "/a#b", std::string("/a\0b", 4)})
    CHECK(refused({.path = path}) == "H0262");
  CHECK(refused({.headers = {{"X", "a\r\nY: b"}}}) == "H0262");
  CHECK(refused({.headers = {{"X\nY", "a"}}}) == "H0262");
  CHECK(refused({.headers = {{"", "a"}}}) == "H0262");
  CHECK(refused({.method = "GET /x HTTP/1.1\r\n"}) == "H0262");
  CHECK(refused({.method = ""}) == "H0262");
  CHECK(listening.connections() == 0);
}

TEST_CASE("why there is no answer") {
  World world;
  CHECK(world.ask({}, {.port = free_port()}).failure == "connection refused");
  ScriptedServer silent{[](const std::string&) { return ""; }};
  CHECK(world.ask({}, silent.at(), 30ms).failure == "no answer in time");
  CHECK(world.ask({}, silent.at(), 0ms).failure == "no answer in time");
  std::string answer;
  ScriptedServer odd{[&](const std::string&) { return answer; }};
  const auto failure_of = [&](std::string text) {
    answer = std::move(text);
    const auto got = world.ask({}, odd.at());
    CHECK_FALSE(got.response);
    CHECK(std::ranges::none_of(got.failure, [](unsigned char c) { return c < 0x20 || c == 0x7f; }));
    return got.failure;
  };
  CHECK_FALSE(failure_of("SSH-2.0-\x1b[31mOpenSSH\r\n").empty());
  CHECK_FALSE(failure_of("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").empty());
  CHECK(failure_of("HTTP/1.1 200 OK\r\n" + std::string(70, 'h') + ": " + std::string(90'000, 'v') + "\r\n\r\n") ==
        "the headers of the answer are larger than 64 KiB");
}

TEST_CASE("an answer of up to 1 MiB") {
  World world;
  const auto most = world.ask({.path = "/bytes/1048576"}).response;
  REQUIRE(most);
  CHECK(most->body.size() == 1'048'576);
  CHECK(world.ask({.path = "/bytes/1048577"}).failure == "the answer is larger than 1 MiB");
}

TEST_CASE("an interim answer is not the answer") {
  World world;
  ScriptedServer early{[](const std::string&) {
    return "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nReal: "
           "yes\r\n\r\nok";
  }};
  const auto got = world.ask({}, early.at()).response;
  REQUIRE(got);
  CHECK(got->status == 200);
  CHECK(got->headers.count("link") == 0);
  CHECK(got->headers.at("real") == "yes");
  CHECK(got->body == "ok");
}

TEST_CASE("every request has a connection of its own") {
  World world;
  ScriptedServer counting{[](const std::string&) { return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"; }};
  for (int i = 0; i < 3; ++i) REQUIRE(world.ask({}, counting.at()).response);
  CHECK(counting.connections() == 3);
}

TEST_CASE("a stop ends a request that would take for ever") {
  World world;
  ScriptedServer silent{[](const std::string&) { return ""; }};
  std::stop_source stop;
  Scope scope = world.scopes.reading(stop.get_token());
  std::jthread stopper{[&] {
    until("it connects", [&] { return silent.connections() == 1; });
    stop.request_stop();
  }};
  CHECK_THROWS_AS(world.real->request(scope, silent.at(), {}, 1h), Stopped);
  CHECK_THROWS_AS(world.real->request(scope, silent.at(), {}, 1h), Stopped);
  CHECK(silent.connections() == 1);
}

TEST_CASE("the twin reads, and speaks to nobody at an endpoint that is only pending") {
  World world;
  ScriptedServer stranger{[](const std::string&) { return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"; }};
  world.rehearsal.facts<host::PendingEndpoints>().put(
      stranger.at(), {.now = std::nullopt, .fresh = true, .because = "process web is only planned"});
  Scope rehearsed = world.scopes.rehearsed();
  const auto pending = world.twin->request(rehearsed, stranger.at(), {}, 60s);
  CHECK_FALSE(pending.response);
  CHECK(pending.failure == "process web is only planned");
  CHECK(stranger.connections() == 0);

  CHECK(world.twin->request(rehearsed, server(), {.path = "/x"}, 60s).response->status == 200);
  CHECK(world.twin->request(rehearsed, server(), {.method = "HEAD", .path = "/x"}, 60s).response->status == 200);
  CHECK(code_of([&] { (void)world.twin->request(rehearsed, server(), {.method = "POST", .path = "/x"}, 60s); }) ==
        "H0263");
  CHECK(world.twin->request(world.reading, server(), {.method = "POST", .path = "/x"}, 60s).response->status ==
        200);  // of a smoke test
}

TEST_CASE("it owns nothing") {
  World world;
  CHECK(code_of([&] { world.real->remove(world.reading, {.subject = {"http", "request", "x"}}); }) == "H0001");
  CHECK(code_of([&] { (void)world.twin->observe(world.reading, {.subject = {"http", "request", "x"}}); }) == "H0001");
  CHECK(world.real->read_again(world.reading, "x").empty());
}

TEST_CASE("many at once") {
  World world;
  std::atomic<int> answered{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([&] {
        for (int n = 0; n < 5; ++n) answered += world.ask({.path = "/many"}).response.has_value();
      });
  }
  CHECK(answered == 40);
}
