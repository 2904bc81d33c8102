#include <semaphore>
#include <system_error>
#include <thread>

#include "run.hpp"

namespace harmony {

void Checks::expect(bool holds, std::string what, std::string found, std::source_location here) {
  ++count_;
  if (holds) return;
  Diagnostic failed{.code = "H0601",
                    .category = Category::smoke_test,
                    .message = "expected " + what,
                    .label = "expected here",
                    .help = "look at `logs` for what it says itself, put it right, and deploy again",
                    .trail = above_};
  failed.trail.push_back({"smoke test", here});
  if (!found.empty()) failed.facts.emplace_back("found", std::move(found));
  throw Error(std::move(failed));
}

namespace detail {

void guarded(const Scope& at, const std::function<void()>& body) {
  const auto start = std::chrono::steady_clock::now();
  const auto ended = [&](Event::Kind kind, const Diagnostic* error = nullptr) {
    at.run().emit({.kind = kind, .node = &at.node(), .error = error, .took = std::chrono::steady_clock::now() - start});
  };
  const auto failed = [&](Error& error) {
    at.run().fail(at.node(), error);
    ended(Event::Kind::score_failed, &error.data());
  };
  const auto foreign = [&](std::string_view what) {
    ForeignException ours{what};
    failed(ours);
    throw ours;
  };
  at.run().emit({.kind = Event::Kind::score_started, .node = &at.node()});
  try {
    at.check();
    body();
    ended(Event::Kind::score_finished);
  } catch (const Stopped&) {
    ended(Event::Kind::score_stopped);
    throw;
  } catch (Error& error) {
    failed(error);
    throw;
  } catch (const std::exception& error) {
    foreign(error.what());
  } catch (...) {
    foreign({});
  }
}

namespace {
/// Threads that help callers of `all`; the caller works too, so nested ones never wait for each other.
std::counting_semaphore<>& helpers() {
  static std::counting_semaphore<> free{8};
  return free;
}

struct Batch {
  const Scope& at;
  std::vector<Job> jobs;
  std::stop_source stop{};
  std::atomic<std::size_t> next{0};
  std::mutex mutex{};
  std::exception_ptr first{};

  void work() {
    for (std::size_t i; !stop.stop_requested() && (i = next++) < jobs.size();) {
      try {
        jobs[i].body(Scope{at.run(), *jobs[i].node, stop.get_token()});
      } catch (...) {
        std::lock_guard hold{mutex};
        if (!first) first = std::current_exception();
        if (at.run().first_failure_stops_others()) stop.request_stop();
      }
    }
  }
};
/// @returns false where no thread can be started (`ulimit -u`): then those that are there do all the work.
bool add_helper(std::vector<std::jthread>& threads, Batch& batch) {
  try {
    threads.emplace_back([&] {
      batch.work();
      helpers().release();
    });
    return true;
  } catch (const std::system_error&) {
    helpers().release();
    return false;
  }
}
}  // namespace

void run_all(const Scope& at, std::vector<Job> jobs) {
  Batch batch{at, std::move(jobs)};
  std::stop_callback chained{at.stop(), [&] { batch.stop.request_stop(); }};
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < batch.jobs.size() && helpers().try_acquire(); ++i)
      if (!add_helper(threads, batch)) break;
    batch.work();
  }
  if (batch.first) std::rethrow_exception(batch.first);
  at.check();  // stopped from outside before all were started
}

std::optional<Error> attempted(const Scope& at, const std::function<void()>& body) {
  try {
    body();
    return std::nullopt;
  } catch (const Stopped&) {
    throw;
  } catch (Error& error) {
    if (error.data().category == Category::internal) throw;  // a bug of ours is nobody's to forgive
    at.run().forgive(at.node());
    at.node().unswept = true;
    at.node().record(at.run().of_failed_attempt(at.node(), error));
    at.run().emit({.kind = Event::Kind::note,
                   .node = &at.node(),
                   .error = &error.data(),
                   .text = "was allowed to fail, and did"});
    return error;
  }
}

void queue_smoke_test(const Scope& at, std::string name, std::function<void(const Scope&, Checks&)> body) {
  at.run().queue({std::move(name), &at.node(), std::move(body)});
}

}  // namespace detail
}  // namespace harmony
