/// The trace: valid JSON, everything that happened, spans that nest.
#include <atomic>
#include <map>
#include <set>
#include <thread>

#include <boost/json.hpp>

#include "catch.hpp"
#include "scores.hpp"

using namespace harmony;
using namespace harmony::testing;
namespace json = boost::json;

namespace {

struct Span {
  std::string name, category, result, path, error;
  bool rehearsed = false;
  double start = 0, end = 0;
  std::int64_t lane = 0;
};

std::string text_of(const json::object& object, const char* key) {
  const auto* value = object.if_contains(key);
  return value ? std::string(value->as_string()) : std::string{};
}

std::vector<Span> spans_of(const std::string& trace) {
  std::vector<Span> spans;
  const json::value parsed = json::parse(trace);
  for (const auto& event : parsed.at("traceEvents").as_array()) {
    if (event.at("ph") != "X") continue;
    const auto& arguments = event.at("args").as_object();
    const double start = event.at("ts").to_number<double>();
    spans.push_back({.name = std::string(event.at("name").as_string()),
                     .category = std::string(event.at("cat").as_string()),
                     .result = text_of(arguments, "result"),
                     .path = text_of(arguments, "path"),
                     .error = text_of(arguments, "error"),
                     .rehearsed = arguments.contains("rehearsed"),
                     .start = start,
                     .end = start + event.at("dur").to_number<double>(),
                     .lane = event.at("tid").as_int64()});
  }
  return spans;
}

const Span* find(const std::vector<Span>& spans, const std::string& category, const std::string& name,
                 bool rehearsed = false) {
  for (const Span& span : spans)
    if (span.category == category && span.name == name && span.rehearsed == rehearsed) return &span;
  return nullptr;
}

}  // namespace

TEST_CASE("a trace holds runs, phases, Scores, steps, changes and smoke tests") {
  const auto layer = traced();
  const LibraryScore library{.body = [](auto& in) { in.all(BookScore{.instance = "a"}, BookScore{.instance = "b"}); }};
  REQUIRE(run_deploy(library | smoke_tested(IsThere{.book = "a", .test_name = "ReadsA"}) | layer).ok());
  const auto spans = spans_of(layer.trace().json());
  for (const auto& [category, name] : std::vector<std::pair<std::string, std::string>>{{"run", "deploy"},
                                                                                       {"phase", "rehearse"},
                                                                                       {"phase", "apply"},
                                                                                       {"phase", "smoke_test"},
                                                                                       {"score", "library"},
                                                                                       {"score", "book a"},
                                                                                       {"score", "book b"},
                                                                                       {"step", "page a"},
                                                                                       {"change", "create value/a"},
                                                                                       {"smoke test", "ReadsA"}}) {
    INFO(category << " " << name);
    const Span* span = find(spans, category, name);
    REQUIRE(span);
    CHECK(span->result == "ok");
  }
  CHECK(find(spans, "score", "book a", true));
  CHECK(find(spans, "score", "book a")->path == "library > a");
}

TEST_CASE("spans of a lane lie within each other, or apart") {
  const auto layer = traced();
  const LibraryScore many{.body = [](auto& in) {
    std::vector<BookScore> books;
    for (int i = 0; i < 50; ++i) books.push_back({.instance = "book-" + std::to_string(i)});
    in.all(books);
  }};
  REQUIRE(run_deploy(many | layer).ok());
  std::map<std::int64_t, std::vector<Span>> lanes;
  for (const Span& span : spans_of(layer.trace().json())) lanes[span.lane].push_back(span);
  constexpr double rounding = 0.002;  // three digits of a microsecond, twice
  for (auto& [lane, spans] : lanes)
    for (std::size_t i = 0; i < spans.size(); ++i)
      for (std::size_t j = i + 1; j < spans.size(); ++j) {
        const bool apart = spans[i].end <= spans[j].start + rounding || spans[j].end <= spans[i].start + rounding;
        const bool within = (spans[i].start <= spans[j].start + rounding && spans[j].end <= spans[i].end + rounding) ||
                            (spans[j].start <= spans[i].start + rounding && spans[i].end <= spans[j].end + rounding);
        INFO(spans[i].name << " and " << spans[j].name << " in lane " << lane);
        CHECK((apart || within));
      }
}

TEST_CASE("a failure is in the trace with its code, without its message") {
  const auto layer = traced();
  REQUIRE_FALSE(run_deploy(LibraryScore{.body = [](auto& in) { in.run(BookScore{.instance = "torn"}); }} | layer,
                           shelf_topology(), 1)
                    .ok());
  const std::string text = layer.trace().json();
  const auto spans = spans_of(text);
  REQUIRE(find(spans, "score", "book torn"));
  CHECK(find(spans, "score", "book torn")->result == "failed");
  CHECK(find(spans, "score", "book torn")->error == "H0901");
  CHECK(find(spans, "run", "deploy")->result == "failed");
  CHECK(text.find("as the test asked") == std::string::npos);
}

TEST_CASE("names with quotes, control characters and bytes that are no text make valid JSON") {
  const auto layer = traced();
  REQUIRE(run_deploy(BookScore{.instance = "odd \"\\\n\x01 \xff name"} | layer).ok());
  CHECK(find(spans_of(layer.trace().json()), "step", "page odd \"\\\n\x01 \xef\xbf\xbd name"));
}

TEST_CASE("no character of a name harms who looks at the trace") {
  for (const std::string harmful : {"\x7f", "\xc2\x9b", "\xe2\x80\xae", "\xf3\xa0\x81\x81"}) {  // DEL, C1, bidi, tag
    const auto layer = traced();
    REQUIRE(run_deploy(BookScore{.instance = "a" + harmful + "b"} | layer).ok());
    const std::string trace = layer.trace().json();
    CHECK(trace.find(harmful) == std::string::npos);
    CHECK(find(spans_of(trace), "step", "page a" + harmful + "b"));
  }
}

TEST_CASE("a trace can be read while events arrive; what has not ended says so") {
  const auto layer = traced();
  std::atomic<bool> done{false};
  std::string middle;
  const LibraryScore many{.body = [&](auto& in) {
    std::vector<BookScore> books;
    for (int i = 0; i < 100; ++i) books.push_back({.instance = "book-" + std::to_string(i)});
    in.all(books);
    middle = layer.trace().json();
  }};
  std::thread reader{[&] {
    do spans_of(layer.trace().json());  // throws where it is no JSON
    while (!done);
  }};
  const Report report = run_deploy(many | layer);
  done = true;
  reader.join();
  REQUIRE(report.ok());
  const auto spans = spans_of(middle);
  REQUIRE(find(spans, "run", "deploy"));
  CHECK(find(spans, "run", "deploy")->result == "unfinished");
  CHECK(find(spans, "phase", "apply")->result == "unfinished");
}

TEST_CASE("on a child, the child's own span is there as well") {
  const auto layer = traced();
  const LibraryScore outer{.body = [&](auto& in) {
    in.run(BookScore{.instance = "beside"});
    in.run(BookScore{.instance = "child"} | layer);
  }};
  REQUIRE(run_deploy(outer).ok());
  const auto spans = spans_of(layer.trace().json());
  CHECK(find(spans, "score", "book child"));
  CHECK(find(spans, "change", "create value/child"));
  CHECK_FALSE(find(spans, "score", "book beside"));
}

TEST_CASE("a trace of nothing is valid") { CHECK(spans_of(traced().trace().json()).empty()); }
