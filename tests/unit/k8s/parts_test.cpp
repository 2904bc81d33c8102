// The pure parts: streams, watches, catalogue, limit, patience.
#include <thread>

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include "catch.hpp"
#include "k8s/client.hpp"
#include "k8s/others.hpp"
#include "k8s/values.hpp"
#include "k8s/watch.hpp"
#include "support/scopes.hpp"

using namespace harmony;
using namespace harmony::k8s;
using namespace std::chrono_literals;

namespace {

struct Read {
  std::vector<std::string> items;
  std::string head;
};
Read read(const std::string& text, std::size_t piece) {
  Read got;
  ListReader reader{{"", "v1", "Pod"},
                    [&](boost::json::value item) { got.items.push_back(boost::json::serialize(item)); }};
  for (std::size_t from = 0; from < text.size(); from += piece) reader.feed(std::string_view(text).substr(from, piece));
  got.head = boost::json::serialize(reader.finish());
  return got;
}
bool malformed(const std::string& text) {
  try {
    read(text, 1);
    return false;
  } catch (const Malformed&) {
    return true;
  }
}

boost::json::value object(const std::string& name, const std::string& version, const std::string& uid = "u") {
  return *parse_json(fmt::format(R"({{"metadata":{{"name":"{}","namespace":"n","uid":"{}","resourceVersion":"{}"}}}})",
                                 name, uid, version));
}
std::string event_line(const std::string& type, const std::string& name, const std::string& version) {
  return fmt::format(R"({{"type":"{}","object":{}}})", type, boost::json::serialize(object(name, version)));
}
std::string text_of(const WatchEvent& event) {
  constexpr const char* words[] = {"added", "modified", "removed", "synced"};
  return fmt::format("{} {}", words[static_cast<int>(event.what)], text_at(event.object, "metadata.name"));
}
std::string told(Watched& watched, const std::string& line) {
  const auto got = watched.line(line);
  return got.failed ? fmt::format("failed {}", got.failed->code) : got.event ? text_of(*got.event) : "nothing";
}
std::vector<std::string> texts(const std::vector<WatchEvent>& events) {
  std::vector<std::string> all;
  for (const WatchEvent& event : events) all.push_back(text_of(event));
  return all;
}
using Texts = std::vector<std::string>;

Reply reply_with(std::multimap<std::string, std::string> headers) {
  return {.status = 429, .headers = std::move(headers)};
}

}  // namespace

TEST_CASE("a list is taken apart the same, however it is cut into pieces") {
  const std::string text =
      R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"5","items":[1]},"items":[
    {"metadata":{"name":"a","note":"br]a}ce \" \\"},"list":[[1],{}]}, {"kind":"Other","apiVersion":"x/v1"}],"more":{"items":[]}})";
  const Read whole = read(text, text.size());
  CHECK(whole.items ==
        Texts{R"({"metadata":{"name":"a","note":"br]a}ce \" \\"},"list":[[1],{}],"apiVersion":"v1","kind":"Pod"})",
              R"({"kind":"Other","apiVersion":"x/v1"})"});
  CHECK(
      whole.head ==
      R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"5","items":[1]},"items":[],"more":{"items":[]}})");
  for (std::size_t piece = 1; piece < 40; ++piece) {
    CHECK(read(text, piece).items == whole.items);
    CHECK(read(text, piece).head == whole.head);
  }
  CHECK(read(R"({"kind":"PodList","items":null})", 3).items.empty());
}

TEST_CASE("what is no list, or not a whole one, is told") {
  for (const char* wrong : {"", "{", "[]", R"({"items":[1]})", R"({"items":[{}])", R"({"items":[{"a":}]})",
                            R"({"items":["a"]})", "}}", "<html>"})
    CHECK(malformed(wrong));
  CHECK(malformed(R"({"kind":")" + std::string(2 << 20, 'x') + R"("})"));
}

TEST_CASE("lines come out whole, however they come in") {
  const std::string text = "one\r\n\ntwo\nrest";
  for (std::size_t piece = 1; piece < 15; ++piece) {
    Lines lines{100, Lines::TooLong::refuse};
    Texts got;
    for (std::size_t from = 0; from < text.size(); from += piece)
      lines.feed(std::string_view(text).substr(from, piece),
                 [&](std::string_view line) { return got.emplace_back(line), true; });
    CHECK(got == Texts{"one", "", "two"});
    CHECK(lines.rest() == "rest");
  }
  Lines cut{4, Lines::TooLong::cut}, refuse{4, Lines::TooLong::refuse};
  std::string got;
  cut.feed("abcdefgh\n", [&](std::string_view line) { return got = line, true; });
  CHECK(got == "abcd");
  CHECK_THROWS_AS(refuse.feed("abcdefgh", [](std::string_view) { return true; }), Malformed);
  CHECK_FALSE(cut.feed("a\nb\n", [](std::string_view) { return false; }));
}

TEST_CASE("a watch goes on where it was, and tells what happened while nobody looked") {
  Watched watched{{"", "v1", "Pod"}};
  CHECK(watched.version().empty());
  CHECK(texts(watched.listed({object("a", "1"), object("b", "2")}, "10")) == Texts{"added a", "added b"});
  CHECK(watched.version() == "10");
  CHECK(told(watched, event_line("ADDED", "c", "11")) == "added c");
  CHECK(told(watched, event_line("MODIFIED", "a", "12")) == "modified a");
  CHECK(told(watched, event_line("MODIFIED", "a", "12")) == "nothing");  // told again after a reconnection
  CHECK(told(watched, event_line("DELETED", "b", "13")) == "removed b");
  CHECK(told(watched, event_line("DELETED", "b", "13")) == "nothing");
  CHECK(told(watched, R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"20"}}})") == "nothing");
  CHECK(watched.version() == "20");
  CHECK(told(watched, R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}})") == "failed 410");
  watched.forget_version();
  CHECK(texts(watched.listed({object("a", "12"), object("c", "30"), object("d", "31")}, "40")) ==
        Texts{"modified c", "added d"});
  CHECK(texts(watched.listed({object("a", "12", "anew"), object("d", "31")}, "41")) ==
        Texts{"removed a", "added a", "removed c"});
}

TEST_CASE("a watch that makes no sense is told, not passed over") {
  Watched watched{{"", "v1", "Pod"}};
  for (const char* wrong :
       {"", "junk", "[]", R"({"type":"ADDED"})", R"({"type":"NEW","object":{"metadata":{"resourceVersion":"1"}}})",
        R"({"type":"ADDED","object":{"metadata":{"name":"a"}}})"})
    CHECK_THROWS_AS(watched.line(wrong), Malformed);
  CHECK(told(watched, R"({"type":"ERROR","object":{}})") == "failed 500");
}

TEST_CASE("a catalogue of the aggregated form knows the broken group by its name") {
  Catalogue catalogue;
  REQUIRE(catalogue.add_aggregated(*parse_json(R"({"kind":"APIGroupDiscoveryList","items":[
    {"metadata":{"name":"apps"},"versions":[
      {"version":"v1","resources":[{"resource":"deployments","responseKind":{"group":"","version":"","kind":"Deployment"},"scope":"Namespaced","verbs":["get","patch"],
        "subresources":[{"subresource":"status"}]}],"freshness":"Current"},
      {"version":"v1beta1","resources":[{"resource":"deployments","responseKind":{"kind":"Deployment"},"scope":"Namespaced"}]}]},
    {"metadata":{"name":"metrics.k8s.io"},"versions":[{"version":"v1beta1","freshness":"Stale"}]},
    {"metadata":{"name":"x"},"versions":[{"version":"v1","resources":[{"resource":"things","responseKind":{"kind":"Thing"},"scope":"Cluster"}]}]}]})")));
  const Resource* deployments = catalogue.find({"apps", "v1", "Deployment"});
  REQUIRE(deployments);
  CHECK(deployments->has_status);
  CHECK(deployments->verbs == std::set<std::string>{"get", "patch"});
  CHECK(path_of(*deployments, "shop", "web") == "/apis/apps/v1/namespaces/shop/deployments/web");
  CHECK(path_of(*deployments, "") == "/apis/apps/v1/deployments");
  CHECK(catalogue.find_preferred("apps", "Deployment")->what.version == "v1");
  CHECK(path_of(*catalogue.find({"x", "v1", "Thing"}), "shop", "a:b") == "/apis/x/v1/things/a%3Ab");
  REQUIRE(catalogue.broken().size() == 1);
  CHECK(catalogue.broken()[0].text() == "metrics.k8s.io/v1beta1");
  CHECK(catalogue.is_broken("metrics.k8s.io"));
  CHECK_FALSE(catalogue.is_broken("apps"));
  CHECK_FALSE(catalogue.add_aggregated(*parse_json(R"({"kind":"APIGroupList"})")));
  for (const char* wrong : {"..", ".", "a/b", "a%2Fb"}) CHECK_THROWS_AS(path_of(*deployments, "shop", wrong), Error);
  CHECK_THROWS_AS(path_of(*deployments, "..", "a"), Error);
}

TEST_CASE("what a server asks for is heeded as far as it makes sense") {
  const auto asked = [](const char* text) {
    const auto time = retry_after_of(reply_with({{"retry-after", text}, {"date", "Mon, 23 Nov 2026 10:00:00 GMT"}}));
    return time ? static_cast<long>(time->count()) : -1;
  };
  CHECK(asked("32") == 32);
  CHECK(asked("-1") == 0);
  CHECK(asked("99999999999999999999") == 1'000'000);
  CHECK(asked("Mon, 23 Nov 2026 10:00:07 GMT") == 7);
  CHECK(asked("Mon, 23 Nov 2026 09:00:00 GMT") == 0);
  CHECK(asked("soon") == -1);
  CHECK_FALSE(retry_after_of(reply_with({})));
}

TEST_CASE("patience ends: after so many tries, and where the wait would be longer than it") {
  const Patience::Clock::time_point start{};
  Patience often{start, 0};
  int waits = 0;
  for (auto now = start; often.next(now, 0s); now += 1ms) ++waits;
  CHECK(waits == Patience::most_tries - 1);
  Patience grows{start, 0};
  CHECK(*grows.next(start, {}) == 200ms);
  CHECK(*grows.next(start, {}) == 400ms);
  CHECK(*grows.next(start, 5s) == 5s);
  CHECK_FALSE(Patience(start, 0).next(start, 61s));
  CHECK_FALSE(Patience(start, 0).next(start + 60s, {}));
  Patience last{start, 0};
  CHECK(*last.next(start + 59'900ms, {}) == 100ms);
  Patience late{start + 50s, 0};  // ten of the sixty seconds are left to all requests together
  late.nobody_answers_since(start);
  CHECK(*late.next(start + 59'900ms, {}) == 100ms);
  CHECK_FALSE(late.next(start + 60s, {}));
  CHECK(*Patience(start, 1).next(start, {}) == 300ms);
}

TEST_CASE("the limit grows while answers are quick, and shrinks when they are not") {
  AdaptiveLimit limit{8, 32};
  for (int i = 0; i < 1000; ++i) limit.answered(10ms, true);
  CHECK(limit.now() == 32);
  limit.turned_away();
  CHECK(limit.now() == 16);
  limit.turned_away();  // of the same burst
  CHECK(limit.now() == 16);
  for (int i = 0; i < 100; ++i) limit.answered(10ms, false);
  CHECK(limit.now() == 16);  // nobody wanted more
  for (int i = 0; i < 100; ++i) limit.answered(100ms, true);
  CHECK(limit.now() < 16);
  for (int i = 0; i < 100; ++i) {
    limit.answered(1ms, false);
    limit.turned_away();
  }
  CHECK(limit.now() == 1);
}

TEST_CASE("no more run at once than the limit says, and all run") {
  testing::Scopes scopes;
  Scope at = scopes.reading();
  Limiter limiter{3, 8};
  std::atomic<int> now{0}, most{0}, all{0};
  side_by_side(limiter, 100, [&](std::size_t) {
    const auto permit = limiter.acquire(at);
    const int running = ++now;
    for (int seen = most; running > seen && !most.compare_exchange_weak(seen, running);) {
    }
    std::this_thread::yield();
    --now;
    ++all;
  });
  CHECK(all == 100);
  CHECK(most <= 3);
}

TEST_CASE("of several errors the first in order is told, and the others still run") {
  Limiter limiter{4, 4};
  std::atomic<int> all{0};
  try {
    side_by_side(limiter, 10, [&](std::size_t i) {
      ++all;
      if (i == 7 || i == 3) throw std::runtime_error(std::to_string(i));
    });
    FAIL("no error");
  } catch (const std::runtime_error& error) {
    CHECK(std::string(error.what()) == "3");
  }
  CHECK(all == 10);
}

TEST_CASE("who waits for a permit is woken by a stop") {
  testing::Scopes scopes;
  std::stop_source stop;
  Scope at = scopes.reading(stop.get_token());
  Limiter limiter{1, 1};
  const auto held = limiter.acquire(at);
  std::jthread stopper([&] { stop.request_stop(); });
  CHECK_THROWS_AS(limiter.acquire(at), Stopped);
}

TEST_CASE("what others have put into a cluster is read again by its key") {
  const std::vector<OthersQuery> queries{{{"networking.k8s.io", "v1", "IngressClass"}},
                                         {{"gateway.networking.k8s.io", "v1", "Gateway"}, "infra", "public"},
                                         {{"", "v1", "Namespace"}, "", "shop"}};
  for (const OthersQuery& query : queries) CHECK(query_of(read_key(query)) == query);
  CHECK_FALSE(query_of("deployment.apps/guestbook"));
  CHECK_FALSE(query_of("others:a"));
}
