// The client against a real API server.
#include "k8s/client.hpp"

#include <cstdlib>
#include <functional>
#include <thread>

#include <fmt/format.h>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "catch.hpp"
#include "k8s/port_forward.hpp"
#include "k8s/values.hpp"
#include "support/api_server.hpp"
#include "support/scopes.hpp"
#include "support/servers.hpp"

using namespace harmony;
using namespace harmony::k8s;
using namespace harmony::testing;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

Access access_to_cluster() {
  const Kubeconfig all = load_kubeconfig(kubeconfig_files(process_environment()));
  return access_of(all, all.current_context);
}

json::value object(const std::string& text) { return *parse_json(text); }
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

const GroupVersionKind namespace_kind{"", "v1", "Namespace"}, config_map_kind{"", "v1", "ConfigMap"},
    pod_kind{"", "v1", "Pod"};

/// A namespace of this test's own.
struct World {
  Scopes scopes;
  std::stop_source stop;
  Scope at = scopes.reading(stop.get_token());
  Scope cleaning = scopes.reading();
  Client client{access_to_cluster(), process_environment()};
  std::string space = fmt::format("client-{}-{}", ::getpid(), count());
  std::string uid;

  World() {
    const auto made = client.create(
        at, client.resource(at, namespace_kind),
        object(fmt::format(R"({{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{}"}}}})", space)),
        {.manager = "test"});
    uid = text_at(made.object, "metadata.uid");
  }
  ~World() {
    try {
      client.remove(cleaning, client.resource(cleaning, namespace_kind), "", space, {.uid = uid});
    } catch (const Error&) {  // the test has told already what is wrong
    }
  }
  static int count() {
    static int made = 0;
    return ++made;
  }
  Resource config_maps() { return client.resource(at, config_map_kind); }
  json::value config_map(const std::string& name, const std::string& data) const {
    return object(
        fmt::format(R"({{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{}","namespace":"{}"}},"data":{}}})",
                    name, space, data));
  }
  std::string version_of(const json::value& it) const { return std::string(text_at(it, "metadata.resourceVersion")); }
};

Diagnostic error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.data();
  }
  return {.code = "none", .message = "no error"};
}

/// A pod that says two lines and serves HTTP on 8080; ready when it is made.
struct Pod {
  explicit Pod(World& world) {
    const char* const image = std::getenv("HARMONY_TEST_IMAGE");
    REQUIRE(image);
    const Resource pods = world.client.resource(world.at, pod_kind);
    world.client.create(
        world.at, pods,
        object(fmt::format(
            R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"web","namespace":"{}"}},"spec":{{"terminationGracePeriodSeconds":0,"containers":[{{
                 "name":"web","image":"{}","imagePullPolicy":"IfNotPresent",
                 "command":["sh","-c","echo one; echo two; mkdir -p /tmp/www; echo hello > /tmp/www/index.html; exec busybox httpd -f -p 8080 -h /tmp/www"],
                 "readinessProbe":{{"tcpSocket":{{"port":8080}},"periodSeconds":1}}}}]}}}})",
            world.space, image)),
        {.manager = "test"});
    world.client.watch(world.at, pods, {.space = world.space},
                       [&](const WatchEvent& event) { return !ready(event.object); });
  }
  static bool ready(const json::value& pod) {
    const json::value* conditions = find(pod, "status.conditions");
    if (!conditions) return false;
    for (const json::value& condition : conditions->as_array())
      if (text_at(condition, "type") == "Ready" && text_at(condition, "status") == "True") return true;
    return false;
  }
};

std::string get_index(int port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  std::string answer;
  if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    const std::string request = "GET /index.html HTTP/1.0\r\n\r\n";
    (void)!::send(socket, request.data(), request.size(), MSG_NOSIGNAL);
    char buffer[4096];
    for (ssize_t got; (got = ::recv(socket, buffer, sizeof buffer, 0)) > 0;)
      answer.append(buffer, static_cast<std::size_t>(got));
  }
  ::close(socket);
  return answer;
}

}  // namespace

TEST_CASE("the server says its version, and which kinds it has") {
  World world;
  CHECK(has(world.client.raw(world.at, "/version"), "gitVersion"));
  const Resource deployments = world.client.resource(world.at, {"apps", "v1", "Deployment"});
  CHECK(deployments.plural == "deployments");
  CHECK(deployments.namespaced);
  CHECK(deployments.has_status);
  CHECK(deployments.verbs.contains("patch"));
  CHECK_FALSE(world.client.resource(world.at, namespace_kind).namespaced);
  CHECK(world.client.catalogue(world.at)->find_preferred("autoscaling", "HorizontalPodAutoscaler")->what.version ==
        "v2");
  const Diagnostic told = error_of([&] { world.client.resource(world.at, {"apps", "v1beta1", "Deployment"}); });
  CHECK(told.code == "H0421");
  CHECK(told.facts.back() == std::pair<std::string, std::string>{"it has", "Deployment (apps/v1)"});
}

TEST_CASE("discovery survives an aggregated API that is down, and names it") {
  World world;
  const Resource services = world.client.resource(world.at, {"apiregistration.k8s.io", "v1", "APIService"});
  const std::string group = fmt::format("broken{}.example.com", ::getpid());
  const auto made = world.client.create(
      world.at, services,
      object(fmt::format(
          R"({{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{{"name":"v1.{0}"}},"spec":{{"group":"{0}","version":"v1",
               "groupPriorityMinimum":100,"versionPriority":100,"insecureSkipTLSVerify":true,"service":{{"name":"gone","namespace":"{1}"}}}}}})",
          group, world.space)),
      {.manager = "test"});
  const auto names_it = [&] {
    const Diagnostic told = error_of([&] { world.client.resource(world.at, {group, "v1", "Thing"}); });
    for (const auto& [name, value] : told.facts)
      if (name == "does not answer" && value.starts_with(group + "/v1")) return true;
    return false;
  };
  until("it is known as broken", names_it);
  CHECK(world.client.resource(world.at, {"apps", "v1", "Deployment"}).plural == "deployments");
  CHECK(world.client.remove(world.at, services, "", "v1." + group,
                            {.uid = std::string(text_at(made.object, "metadata.uid"))}) != Removal::nothing_there);
}

TEST_CASE("apply creates, changes, and leaves alone what is as it should be") {
  World world;
  const Resource maps = world.config_maps();
  const ApplyOptions ours{.manager = "ours"};
  auto preview = ours;
  preview.storing = Storing::previewed;
  const auto previewed = world.client.apply(world.at, maps, world.config_map("a", R"({"k":"1"})"), preview);
  CHECK(previewed.created);
  CHECK_FALSE(world.client.get(world.at, maps, world.space, "a"));
  const auto first = world.client.apply(world.at, maps, world.config_map("a", R"({"k":"1"})"), ours);
  CHECK(first.created);
  const auto second = world.client.apply(world.at, maps, world.config_map("a", R"({"k":"1"})"), ours);
  CHECK_FALSE(second.created);
  CHECK(world.version_of(second.object) == world.version_of(first.object));
  world.client.apply(world.at, maps, world.config_map("a", R"({"k":"2"})"), preview);
  CHECK(text_at(*world.client.get(world.at, maps, world.space, "a"), "data.k") == "1");
  const auto third = world.client.apply(world.at, maps, world.config_map("a", R"({"k":"2"})"), ours);
  CHECK(text_at(third.object, "data.k") == "2");
}

TEST_CASE("a field of somebody else's is a conflict that names them, unless it is forced") {
  World world;
  const Resource maps = world.config_maps();
  world.client.apply(world.at, maps, world.config_map("a", R"({"k":"1"})"), {.manager = "theirs"});
  try {
    world.client.apply(world.at, maps, world.config_map("a", R"({"k":"2"})"), {.manager = "ours"});
    FAIL("no error");
  } catch (const ApiError& error) {
    CHECK(error.conflict());
    CHECK(error.data().code == "H0415");
    REQUIRE(error.status().causes.size() == 1);
    CHECK(error.status().causes[0].reason == "FieldManagerConflict");
    CHECK(error.status().causes[0].field == ".data.k");
    CHECK(has(error.status().causes[0].message, "theirs"));
  }
  const auto forced =
      world.client.apply(world.at, maps, world.config_map("a", R"({"k":"2"})"), {.manager = "ours", .force = true});
  CHECK(text_at(forced.object, "data.k") == "2");
}

TEST_CASE("what the server refuses is told in its words, and asked once") {
  World world;
  const Resource maps = world.config_maps();
  const auto bogus = object(fmt::format(
      R"({{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"a","namespace":"{}"}},"bogus":1}})", world.space));
  const Diagnostic applied = error_of([&] { world.client.apply(world.at, maps, bogus, {.manager = "ours"}); });
  CHECK(applied.code == "H0416");
  CHECK(has(applied.message, "field not declared in schema"));
  for (const auto& [name, value] : applied.facts) CHECK(name != "tried");
  CHECK(error_of([&] { world.client.create(world.at, maps, bogus, {.manager = "ours"}); }).code == "H0416");
  const auto nowhere =
      object(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"there-is-no-such"}})");
  CHECK(error_of([&] {
          world.client.apply(world.at, maps, nowhere, {.manager = "ours", .storing = Storing::previewed});
        }).code == "H0414");
  // A list without such a kind is no empty list, and an object of such a kind is not just missing.
  const Resource unknown{.what = {"", "v1", "Bogus"}, .plural = "boguses"};
  CHECK(error_of([&] { world.client.list(world.at, unknown, {.space = world.space}); }).code == "H0414");
  CHECK(error_of([&] { world.client.get(world.at, unknown, world.space, "a"); }).code == "H0414");
}

TEST_CASE("an object that is gone does not come back by an apply that knows it by uid") {
  World world;
  const Resource maps = world.config_maps();
  auto known = world.config_map("a", "{}");
  known.at("metadata").as_object()["uid"] = "00000000-0000-0000-0000-000000000000";
  CHECK(error_of([&] { world.client.apply(world.at, maps, known, {.manager = "ours"}); }).code == "H0415");
}

TEST_CASE("replace and remove act on what was meant, and on nothing else") {
  World world;
  const Resource maps = world.config_maps();
  const auto first = world.client.create(world.at, maps, world.config_map("a", R"({"k":"1"})"), {.manager = "ours"});
  CHECK(first.created);
  CHECK(error_of([&] { world.client.create(world.at, maps, world.config_map("a", "{}"), {.manager = "ours"}); }).code ==
        "H0415");
  auto changed = first.object;
  changed.at("data").as_object()["k"] = "2";
  CHECK(text_at(world.client.replace(world.at, maps, changed, {.manager = "ours"}).object, "data.k") == "2");
  CHECK(error_of([&] { world.client.replace(world.at, maps, changed, {.manager = "ours"}); }).code ==
        "H0415");  // of an old version
  const std::string uid{text_at(first.object, "metadata.uid")};
  CHECK(error_of([&] {
          world.client.remove(world.at, maps, world.space, "a", {.uid = "00000000-0000-0000-0000-000000000000"});
        }).code == "H0415");
  CHECK(world.client.remove(world.at, maps, world.space, "a", {.uid = uid, .storing = Storing::previewed}) !=
        Removal::nothing_there);
  CHECK(world.client.get(world.at, maps, world.space, "a"));
  CHECK(world.client.remove(world.at, maps, world.space, "a", {.uid = uid}) == Removal::gone);
  CHECK(world.client.remove(world.at, maps, world.space, "a", {.uid = uid}) == Removal::nothing_there);
  // Somebody holds it: it goes when they let go.
  auto held = world.config_map("b", "{}");
  held.at("metadata").as_object()["finalizers"] = json::array{"example.com/held"};
  auto there = world.client.create(world.at, maps, held, {.manager = "ours"}).object;
  const std::string its{text_at(there, "metadata.uid")};
  CHECK(world.client.remove(world.at, maps, world.space, "b", {.uid = its}) == Removal::going);
  auto going = *world.client.get(world.at, maps, world.space, "b");
  going.at("metadata").as_object().erase("finalizers");
  world.client.replace(world.at, maps, going, {.manager = "ours"});
  CHECK_FALSE(world.client.get(world.at, maps, world.space, "b"));
}

TEST_CASE("many writes side by side, and lists of them in one piece and in pages") {
  World world;
  const Resource maps = world.config_maps();
  side_by_side(world.client.limiter(), 60, [&](std::size_t i) {
    world.client.apply(world.at, maps, world.config_map(fmt::format("m{:02}", i), R"({"k":"v"})"), {.manager = "ours"});
  });
  const auto names = [&](const ListQuery& query) {
    std::set<std::string> all;
    for (const json::value& each : world.client.list(world.at, maps, query))
      all.emplace(text_at(each, "metadata.name"));
    all.erase("kube-root-ca.crt");  // the cluster makes it, sooner or later
    return all;
  };
  CHECK(names({.space = world.space}).size() == 60);
  CHECK(names({.space = world.space, .page = 7}) == names({.space = world.space}));
  CHECK(names({.space = world.space, .fields = "metadata.name=m07"}) == std::set<std::string>{"m07"});
  CHECK(names({.space = world.space, .labels = "no=such"}).empty());
  for (const json::value& each : world.client.list(world.at, maps, {.space = world.space}))
    CHECK(text_at(each, "kind") == "ConfigMap");
}

TEST_CASE("a watch tells what is there, then what happens, until it is stopped") {
  World world;
  const Resource maps = world.config_maps();
  world.client.apply(world.at, maps, world.config_map("a", "{}"), {.manager = "ours"});
  std::vector<std::string> seen;
  std::mutex mutex;
  const auto saw = [&](const std::string& what) {
    std::lock_guard hold{mutex};
    return std::ranges::find(seen, what) != seen.end();
  };
  bool stopped = false;
  std::jthread watching([&] {
    try {
      world.client.watch(world.at, maps, {.space = world.space, .fields = "metadata.name!=kube-root-ca.crt"},
                         [&](const WatchEvent& event) {
                           constexpr const char* words[] = {"added", "modified", "removed", "synced"};
                           std::lock_guard hold{mutex};
                           seen.push_back(fmt::format("{} {}", words[static_cast<int>(event.what)],
                                                      text_at(event.object, "metadata.name")));
                           return true;
                         });
    } catch (const Stopped&) {
      stopped = true;
    }
  });
  until("it is synced", [&] { return saw("synced "); });
  const auto made =
      world.client.apply(world.cleaning, maps, world.config_map("b", R"({"k":"1"})"), {.manager = "ours"});
  world.client.apply(world.cleaning, maps, world.config_map("b", R"({"k":"2"})"), {.manager = "ours"});
  world.client.remove(world.cleaning, maps, world.space, "b",
                      {.uid = std::string(text_at(made.object, "metadata.uid"))});
  until("all is seen", [&] { return saw("removed b"); });
  world.stop.request_stop();
  watching.join();
  CHECK(stopped);
  CHECK(seen == std::vector<std::string>{"added a", "synced ", "added b", "modified b", "removed b"});
}

TEST_CASE("a pod: its logs, its events, its port") {
  World world;
  const Pod pod{world};
  std::vector<std::string> lines;
  world.client.logs(world.at, world.space, "web", {},
                    [&](std::string_view line) { return lines.emplace_back(line), true; });
  CHECK(lines == std::vector<std::string>{"one", "two"});
  lines.clear();
  world.client.logs(world.at, world.space, "web", {.lines = 1},
                    [&](std::string_view line) { return lines.emplace_back(line), true; });
  CHECK(lines == std::vector<std::string>{"two"});
  // Without an end of its own: until somebody has enough.
  world.client.logs(world.at, world.space, "web", {.follow = true},
                    [&](std::string_view line) { return line != "two"; });
  CHECK(error_of([&] {
          world.client.logs(world.at, world.space, "gone", {}, [](std::string_view) { return true; });
        }).code == "H0414");

  std::set<std::string> reasons;
  for (const EventNote& note : world.client.events(world.at, {pod_kind, world.space, "web"}))
    reasons.insert(note.reason);
  CHECK(reasons.contains("Scheduled"));
  CHECK(reasons.contains("Started"));

  probe_port(world.at, world.client, {world.space, "web", 8080});
  PortForward forward{world.at, world.client, {world.space, "web", 8080}};
  CHECK(has(get_index(forward.endpoint().port), "hello"));
  CHECK(has(get_index(forward.endpoint().port), "hello"));
  forward.check();

  // The reason is sometimes lost between kubelet and API server, where bytes that nobody reads reset the connection
  // that carries it: whoever asks again hears it.
  PortForward nobody{world.at, world.client, {world.space, "web", 81}};
  until("it is known why", [&] {
    CHECK(get_index(nobody.endpoint().port).empty());
    std::string told = "no error";
    until("it is known that it failed",
          [&] { return (told = error_of([&] { nobody.check(); }).message) != "no error"; });
    return has(told, "onnection refused");
  });
  CHECK(error_of([&] { probe_port(world.at, world.client, {world.space, "gone", 80}); }).code == "H0414");
}

TEST_CASE("whoever is not known, or may not, is told so") {
  World world;
  Access access = access_to_cluster();
  const auto told = [&](const Access& with) {
    return error_of([&] {
             Client other{with, {}};
             other.list(world.at, world.config_maps(), {.space = world.space});
           })
        .code;
  };
  access.user = {.token = Secret<std::string>("no-such-token")};
  CHECK(told(access) == "H0412");
  access.user = {};
  CHECK(told(access) == "H0461");
  access.cluster.authority.inside = Secret(authorities().other.chain);
  access.cluster.authority.file.clear();
  CHECK(told(access) == "H0411");
  access.user = access_to_cluster().user;
  access.cluster = access_to_cluster().cluster;
  access.user.as = "somebody";
  CHECK(told(access) == "H0461");
}
