/// What metered() counts, and what it says.
#include <atomic>
#include <chrono>
#include <fstream>
#include <regex>
#include <thread>

#include <boost/json.hpp>

#include "catch.hpp"
#include "exposition.hpp"
#include "scores.hpp"

using namespace harmony;
using namespace harmony::testing;

namespace {

/// Two books side by side, one with a test; the second waits, and is tried again.
LibraryScore library() {
  return {.body = [](auto& in) {
    const auto tested = BookScore{.instance = "a"} | smoke_tested(IsThere{.book = "a", .test_name = "ReadsA"});
    const LibraryScore slow{.body =
                                [](Context<Needs<Shelf>>& at) {
                                  at.waiting("the ink is wet");
                                  at.use<Shelf>().put(at, "b", "text");
                                  at.retried("a pen broke");
                                },
                            .instance = "b"};
    in.all(tested, slow);
  }};
}

}  // namespace

TEST_CASE("a deploy's metrics: Scores, phases, changes, retries, smoke tests, success") {
  const auto layer = metered();
  layer.metrics().describe({.deployment = "library", .topology = "memory"});
  REQUIRE(run_deploy(library() | smoke_tested(IsThere{.book = "a"}) | layer).ok());
  const Exposition metrics{layer.metrics().exposition()};

  for (const char* path : {"library", "library > a", "library > b"}) {
    INFO(path);
    CHECK(metrics
              .value("harmony_score_duration_seconds",
                     {{"score", path}, {"result", "ok"}, {"deployment", "library"}, {"topology", "memory"}})
              .value_or(-1) >= 0);
  }
  CHECK(metrics.count("harmony_score_duration_seconds") == 3);
  CHECK(metrics.value("harmony_score_duration_seconds", {{"score", "library > a"}, {"kind", "book"}}));
  CHECK(metrics.value("harmony_score_wait_seconds", {{"score", "library > b"}}).value_or(-1) >= 0);
  CHECK(metrics.count("harmony_score_wait_seconds") == 1);
  for (const char* phase : {"rehearse", "approve", "lock", "apply", "prune", "smoke_test"})
    CHECK(metrics.value("harmony_deploy_phase_duration_seconds", {{"phase", phase}}));
  CHECK(metrics.value("harmony_deploy_changes", {{"action", "create"}}) == 2);
  CHECK(metrics.value("harmony_deploy_changes", {{"action", "delete"}}) == 0);
  CHECK(metrics.value("harmony_deploy_retries_total") == 1);
  CHECK(metrics.value("harmony_deploy_scores", {{"state", "done"}}) == 3);
  for (const char* state : {"pending", "running", "waiting", "failed", "stopped"})
    CHECK(metrics.value("harmony_deploy_scores", {{"state", state}}) == 0);
  CHECK(metrics.value("harmony_smoke_test_success", {{"test", "ReadsA"}, {"score", "library > a"}}) == 1);
  CHECK(metrics.value("harmony_smoke_test_success", {{"test", "IsThere"}, {"score", "library"}}) == 1);
  CHECK(metrics.value("harmony_deploy_success") == 1);
  CHECK(metrics.value("harmony_deploy_duration_seconds").value_or(-1) > 0);
  CHECK(metrics.value("harmony_deploy_last_success_timestamp_seconds") ==
        metrics.value("harmony_deploy_last_completion_timestamp_seconds"));
  CHECK(metrics.types().at("harmony_deploy_retries_total") == "counter");
  CHECK(metrics.types().at("harmony_score_duration_seconds") == "gauge");
}

TEST_CASE("a plan counts nothing") {
  const auto layer = metered();
  REQUIRE(plan_of(library() | layer, shelf_topology()).errors.empty());
  const Exposition metrics{layer.metrics().exposition()};
  CHECK(metrics.count("harmony_score_duration_seconds") == 0);
  CHECK(metrics.value("harmony_deploy_changes", {{"action", "create"}}) == 0);
  CHECK(metrics.value("harmony_deploy_scores", {{"state", "done"}}) == 0);
  CHECK_FALSE(metrics.value("harmony_deploy_success"));
  CHECK_FALSE(metrics.value("harmony_deploy_last_success_timestamp_seconds"));
}

TEST_CASE("a deploy that finds nothing to change succeeds, and its rehearsal is not counted") {
  const auto topology = shelf_topology();
  REQUIRE(run_deploy(library() | metered(), topology).ok());
  const auto layer = metered();
  REQUIRE(run_deploy(library() | layer, topology).ok());
  const Exposition metrics{layer.metrics().exposition()};
  CHECK(metrics.value("harmony_deploy_success") == 1);
  CHECK(metrics.count("harmony_score_duration_seconds") == 0);
  CHECK(metrics.value("harmony_deploy_changes", {{"action", "create"}}) == 0);
}

TEST_CASE("a deploy that fails keeps the time of the last one that worked") {
  const auto layer = metered();
  layer.metrics().describe({.deployment = "library",
                            .topology = "memory",
                            .last_success = std::chrono::sys_seconds{std::chrono::seconds{1700000000}}});
  const LibraryScore torn{.body = [](auto& in) {
    in.run(BookScore{.instance = "a"});
    in.run(BookScore{.instance = "torn"});
  }};
  REQUIRE_FALSE(run_deploy(torn | layer, shelf_topology(), 2).ok());
  const Exposition metrics{layer.metrics().exposition()};
  CHECK(metrics.value("harmony_deploy_success") == 0);
  CHECK(metrics.value("harmony_deploy_last_success_timestamp_seconds") == 1700000000);
  CHECK(metrics.value("harmony_deploy_last_completion_timestamp_seconds").value_or(0) > 1700000000);
  CHECK(metrics.value("harmony_score_duration_seconds", {{"score", "library > a"}, {"result", "ok"}}));
  CHECK(metrics.value("harmony_score_duration_seconds", {{"score", "library > torn"}, {"result", "failed"}}));
  CHECK(metrics.value("harmony_score_duration_seconds", {{"score", "library"}, {"result", "failed"}}));
  CHECK(metrics.value("harmony_deploy_scores", {{"state", "failed"}}) == 2);
  CHECK(metrics.value("harmony_deploy_changes", {{"action", "create"}}) == 1);
}

TEST_CASE("a new run starts with new series") {
  const auto topology = shelf_topology();
  const auto layer = metered();
  REQUIRE(run_deploy(library() | layer, topology).ok());
  REQUIRE(run_deploy(BookScore{.instance = "a"} | layer, topology).ok());
  const Exposition metrics{layer.metrics().exposition()};
  CHECK(metrics.count("harmony_score_duration_seconds") == 1);
  CHECK(metrics.value("harmony_deploy_changes", {{"action", "delete"}}) == 1);
  CHECK(metrics.value("harmony_deploy_retries_total") == 0);
}

TEST_CASE("on a child it sees that child, what is below it and its smoke test, and nothing beside") {
  const auto layer = metered();
  const LibraryScore outer{.body = [&](auto& in) {
    in.run(BookScore{.instance = "beside"});
    in.run(LibraryScore{.body = [](auto& at) { at.run(BookScore{.instance = "below"}); }, .instance = "child"} |
           smoke_tested(IsThere{.book = "below"}) | layer);
  }};
  REQUIRE(run_deploy(outer).ok());
  const Exposition metrics{layer.metrics().exposition()};
  CHECK(metrics.value("harmony_score_duration_seconds", {{"score", "library > child"}}));
  CHECK(metrics.value("harmony_score_duration_seconds", {{"score", "library > child > below"}}));
  CHECK(metrics.count("harmony_score_duration_seconds") == 2);
  CHECK(metrics.value("harmony_smoke_test_success", {{"score", "library > child"}}) == 1);
  CHECK(metrics.value("harmony_deploy_changes", {{"action", "create"}}) == 1);
}

TEST_CASE("names with quotes, line breaks and bytes that are no text make valid lines") {
  const auto layer = metered();
  layer.metrics().describe({.deployment = "a \"quoted\"\nname", .topology = "back\\slash"});
  REQUIRE(run_deploy(BookScore{.instance = "odd \"\\\n \xff name"} | layer).ok());
  const Exposition metrics{layer.metrics().exposition()};
  CHECK(metrics.value(
      "harmony_score_duration_seconds",
      {{"score", "odd \"\\\n \xef\xbf\xbd name"}, {"deployment", "a \"quoted\"\nname"}, {"topology", "back\\slash"}}));
}

TEST_CASE("equal metrics are equal texts, and no series is there twice") {
  const auto layer = metered();
  REQUIRE(run_deploy(library() | layer).ok());
  CHECK(layer.metrics().exposition() == layer.metrics().exposition());
  const Exposition metrics{layer.metrics().exposition()};
  std::set<std::pair<std::string, std::map<std::string, std::string>>> seen;
  for (const Sample& sample : metrics.samples()) CHECK(seen.emplace(sample.name, sample.labels).second);
}

TEST_CASE("metrics can be read while events arrive") {
  const auto layer = metered();
  std::atomic<bool> done{false};
  std::atomic<int> read{0};
  std::thread reader{[&] {
    do {
      const Exposition metrics{layer.metrics().exposition()};  // throws where a line is torn
      if (metrics.value("harmony_build_info", {}) == 1) ++read;
    } while (!done);
  }};
  const LibraryScore many{.body = [&](auto& in) {
    std::vector<BookScore> books;
    for (int i = 0; i < 200; ++i) books.push_back({.instance = "book-" + std::to_string(i)});
    in.all(books);
  }};
  const Report report = run_deploy(many | layer);
  done = true;
  reader.join();
  REQUIRE(report.ok());
  CHECK(read > 0);
  CHECK(Exposition{layer.metrics().exposition()}.count("harmony_score_duration_seconds") == 201);
}

TEST_CASE("every metric that the dashboard asks for is exported") {
  const auto layer = metered();
  layer.metrics().describe({.deployment = "library", .topology = "memory"});
  REQUIRE(run_deploy(library() | smoke_tested(IsThere{.book = "a"}) | layer).ok());
  const Exposition metrics{layer.metrics().exposition()};
  std::ifstream file{DASHBOARD};
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto board = boost::json::parse(text).as_object();
  CHECK(board.at("uid") == "harmony-deploys");
  CHECK_FALSE(board.contains("id"));
  CHECK_FALSE(board.contains("__inputs"));
  CHECK(board.at("templating").at("list").at(0).at("type") == "datasource");

  std::set<std::string> asked;
  for (const auto& panel : board.at("panels").as_array()) {
    CHECK(panel.at("datasource").at("uid") == "${datasource}");
    for (const auto& target : panel.at("targets").as_array()) {
      const std::string query{target.at("expr").as_string()};
      const std::regex name{"harmony_[a-z_]+"};
      CHECK(std::regex_search(query, name));
      for (std::sregex_iterator at{query.begin(), query.end(), name}, end; at != end; ++at) asked.insert(at->str());
    }
  }
  CHECK(asked.size() > 8);
  for (const auto& name : asked) {
    INFO(name);
    CHECK(metrics.types().contains(name));
    CHECK(metrics.value(name, {{"deployment", "library"}, {"topology", "memory"}}));
  }
  // And the other way round: nothing is exported that the page does not explain.
  std::ifstream page{METRICS_PAGE};
  const std::string explained{std::istreambuf_iterator<char>(page), {}};
  for (const auto& [name, type] : metrics.types()) {
    INFO(name);
    CHECK(explained.find("`" + name + "` | " + type) != std::string::npos);
  }
}
