#include <algorithm>
#include <condition_variable>
#include <thread>

#include "engine_impl.hpp"

namespace harmony {

void Engine::Impl::smoke_tests(const std::vector<QueuedSmokeTest>& tests, Report& report) {
  if (tests.empty()) return;
  phase(Phase::smoke_test, [&] {
    for (const auto& test : tests) smoke_test(test, report);
    return std::ranges::all_of(report.smoke_tests, &SmokeResult::passed);
  });
}

namespace {
/// A smoke test on a thread of its own, so that one that ignores its stop token cannot hold the deploy for ever.
struct SmokeAttempt {
  explicit SmokeAttempt(const QueuedSmokeTest& test) : checks(test.node->trail()) {}
  std::mutex mutex;
  std::condition_variable_any ended;
  bool done = false;
  std::optional<Error> error;
  Checks checks;
  std::stop_source stop;

  void work(const QueuedSmokeTest& test, Run& run) {
    std::optional<Error> failure;
    try {
      test.body(Scope{run, *test.node, stop.get_token()}, checks);
    } catch (Error& thrown) {
      failure = thrown;
    } catch (const std::exception& thrown) {
      failure = ForeignException{thrown.what()};
    } catch (...) {
      failure = ForeignException{{}};
    }
    std::lock_guard hold{mutex};
    error = std::move(failure);
    done = true;
    ended.notify_all();
  }
  /// Until the end, the limit or a stop, whichever comes first. @returns whether it has ended.
  bool wait(std::chrono::milliseconds limit, const std::stop_token& until_stop = {}) {
    std::unique_lock hold{mutex};
    return ended.wait_for(hold, until_stop, limit, [&] { return done; });
  }
};

struct Ran {
  std::optional<Error> error = {};
  int checks = 0;
  bool abandoned = false;
};

Error not_in_time(const std::string& name, std::chrono::milliseconds limit) {
  return Error({.code = "H0603",
                .category = Category::smoke_test,
                .message = fmt::format("smoke test `{}` did not end within {:g} s", name,
                                       std::chrono::duration<double>(limit).count()),
                .help = "it waits for something that does not come; look at `logs`, and at what the test waits for"});
}

Error checks_nothing(const std::string& name) {
  return Error({.code = "H0602",
                .category = Category::smoke_test,
                .message = fmt::format("smoke test `{}` checks nothing", name),
                .help = "call `checks.expect(…)` at least once: a test that cannot fail proves nothing"});
}

Ran run_test(const QueuedSmokeTest& test, const std::shared_ptr<Run>& run, std::chrono::milliseconds limit,
             const std::stop_token& stop) {
  constexpr std::chrono::seconds to_clean_up{5};
  auto attempt = std::make_shared<SmokeAttempt>(test);
  std::stop_callback chained{stop, [&] { attempt->stop.request_stop(); }};
  std::thread worker{[=] { attempt->work(test, *run); }};
  const bool in_time = attempt->wait(limit, stop);
  const bool stopped = !in_time && stop.stop_requested();
  if (!in_time) attempt->stop.request_stop();
  Ran ran{.abandoned = !in_time && !attempt->wait(to_clean_up)};
  if (ran.abandoned) {
    worker.detach();
  } else {
    worker.join();
    ran.error = attempt->error;
    ran.checks = attempt->checks.count();
  }
  if (!in_time && !stopped) ran.error = not_in_time(test.name, limit);
  if (!ran.error && ran.checks == 0) ran.error = stopped ? Error{Stopped()} : checks_nothing(test.name);
  return ran;
}
}  // namespace

void Engine::Impl::smoke_test(const QueuedSmokeTest& test, Report& report) {
  const auto start = Clock::now();
  events.emit({.kind = Event::Kind::smoke_test_started, .node = test.node, .text = test.name});
  auto [error, checks, abandoned] =
      run_test(test, std::make_shared<ReadingRun>(services()), options.smoke_test_limit, stop);
  report.abandoned = report.abandoned || abandoned;
  SmokeResult result{.name = test.name,
                     .score_path = test.node->path(),
                     .checks = checks,
                     .passed = !error,
                     .took = Clock::now() - start};
  if (error) {
    Diagnostic& data = error->data();
    if (data.category != Category::stopped) data.category = Category::smoke_test;
    data.subject = data.subject.empty() ? "smoke test/" + test.name : data.subject;
    data.facts.emplace(data.facts.begin(), "smoke test", test.name);
    if (data.trail.empty()) data.trail = test.node->trail();
    if (data.label.empty()) data.label = "this is what was tested";
    report.errors.push_back(data);
  }
  events.emit({.kind = error ? Event::Kind::smoke_test_failed : Event::Kind::smoke_test_passed,
               .node = test.node,
               .error = error ? &error->data() : nullptr,
               .text = test.name,
               .took = result.took,
               .number = checks});
  report.smoke_tests.push_back(std::move(result));
}

}  // namespace harmony
