#include "k8s/pod_logs.hpp"

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <system_error>
#include <thread>
#include <tuple>
#include <vector>

#include <boost/json/array.hpp>

#include "harmony/background.hpp"
#include "host/printable.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

const GroupVersionKind pod_kind{"", "v1", "Pod"};

struct Source {
  std::string pod, container;
  std::string shown;                         ///< a pod by its name; of several containers each with its own
};

Source source_of(const json::value& pod, const json::value& container) {
  Source source{.pod = std::string(name_of(pod)), .container = std::string(text_at(container, "name"))};
  const bool alone = list_at(pod, "spec.containers").size() == 1;
  source.shown = host::printable(alone ? source.pod : source.pod + "/" + source.container);
  return source;
}

/// A container that has not been started has no log, and one that is gone has none any more.
bool has_none(const ApiError& error) { return error.status().code == 400 || error.status().code == 404; }

/// A line that the API server has put its time before, as it was asked to.
struct Stamped {
  std::string_view time, text;
  explicit Stamped(std::string_view line) {
    const auto space = line.find(' ');
    time = line.substr(0, space);
    if (space != std::string_view::npos) text = line.substr(space + 1);
  }
};

class Follower {
 public:
  Follower(const Scope& in, const Place& place, const LogQuery& query, const LogSink& sink)
      : background_(place.deployment),
        with_the_run_(in.stop(), [this] { stop_.request_stop(); }),
        place_(place),
        query_(query),
        sink_(sink) {}

  void run(const Resource& pods, const std::string& selector) {
    try {
      Scope in = scope();
      place_.client->watch(in, pods, {.space = place_.space, .labels = selector}, [this](const WatchEvent& event) {
        if (event.what == WatchEvent::What::synced) later_ = true;
        else if (event.what != WatchEvent::What::removed) take(event.object);
        return true;
      });
    } catch (const Error&) {
      fail();
    }
    readers_.clear();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  Scope scope() {
    const Scope quiet = background_.scope();
    return {quiet.run(), quiet.node(), stop_.get_token()};
  }
  /// Begins with each run of each container once.
  void take(const json::value& pod) {
    for (const json::value& container : list_at(pod, "status.containerStatuses")) {
      const bool ran = find(container, "state.running") || find(container, "state.terminated") ||
                       find(container, "lastState.terminated");
      if (!ran || !begun_
                       .emplace(text_at(pod, "metadata.uid"), text_at(container, "name"),
                                number_at(container, "restartCount").value_or(0))
                       .second)
        continue;
      const auto lines = later_ ? std::nullopt : std::optional(static_cast<int>(query_.lines));
      try {
        readers_.emplace_back([this, source = source_of(pod, container), lines] { read(source, lines); });
      } catch (const std::system_error&) {  // no thread can be had
        fail();
      }
    }
  }
  /// Until the container ends. A connection that breaks is made again, from the last line that was seen.
  void read(const Source& source, std::optional<int> lines) {
    try {
      Scope in = scope();
      std::string last;
      while (!read_once(in, source, lines, last)) in.pause(1s);
    } catch (const ApiError& error) {
      if (!has_none(error)) fail();
    } catch (const Error&) {
      fail();
    }
  }
  bool read_once(Scope& in, const Source& source, std::optional<int> lines, std::string& last) {
    const bool again = !last.empty();
    try {
      place_.client->logs(in, place_.space, source.pod,
                          {.container = source.container,
                           .follow = true,
                           .lines = again ? std::nullopt : lines,
                           .stamped = true,
                           .since = last},
                          [&](std::string_view line) {
                            const Stamped stamped{line};
                            if (again && stamped.time <= std::string_view(last)) return true;
                            last = stamped.time;
                            sink_(source.shown, host::printable(stamped.text));
                            return true;
                          });
      return true;
    } catch (const ConnectionError&) {
      return false;
    }
  }
  /// The first that failed is told, and ends the others.
  void fail() {
    std::lock_guard hold{mutex_};
    if (!failure_ && !stop_.stop_requested()) failure_ = std::current_exception();
    stop_.request_stop();
  }

  Background background_;                    ///< a connection that is made again is no reason that anybody waits for
  std::stop_source stop_;
  const std::stop_callback<std::function<void()>> with_the_run_;
  const Place& place_;
  const LogQuery query_;
  const LogSink& sink_;
  bool later_ = false;                       ///< what comes now was not there in the beginning
  std::set<std::tuple<std::string, std::string, std::int64_t>> begun_;  ///< by uid, container and number of the run
  std::mutex mutex_;
  std::exception_ptr failure_;
  std::vector<std::jthread> readers_;        ///< last: they use all the others
};

}  // namespace

void read_logs(Scope& in, const Place& place, const std::string& selector, const LogQuery& query, const LogSink& sink) {
  const Resource pods = place.client->resource(in, pod_kind);
  for (const json::value& pod : place.client->list(in, pods, {.space = place.space, .labels = selector}))
    for (const json::value& container : list_at(pod, "spec.containers")) {
      const Source source = source_of(pod, container);
      try {
        place.client->logs(in, place.space, source.pod,
                           {.container = source.container, .lines = static_cast<int>(query.lines)},
                           [&](std::string_view line) {
                             sink(source.shown, host::printable(line));
                             return true;
                           });
      } catch (const ApiError& error) {
        if (!has_none(error)) throw;
      }
    }
}

void follow_logs(const Scope& in, const Place& place, const std::string& selector, const LogQuery& query,
                 const LogSink& sink) {
  Scope at = in;
  const Resource pods = place.client->resource(at, pod_kind);
  Follower{in, place, query, sink}.run(pods, selector);
}

}  // namespace harmony::k8s
