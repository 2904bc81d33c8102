#include "database_watch.hpp"

#include <utility>

#include "database.hpp"
#include "migrations.hpp"

namespace guestbook {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds connect_limit{3000};
constexpr milliseconds answer_limit{2000};
constexpr milliseconds between_questions{1000};

}  // namespace

DatabaseWatch::DatabaseWatch(std::string url, Health& health)
    : url_(std::move(url)), health_(health), thread_([this](const std::stop_token& stop) { run(stop); }) {}

void DatabaseWatch::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    try {
      watch_once(stop);
    } catch (const std::exception& error) {
      if (stop.stop_requested()) return;
      // A lost connection is no outage yet: a restarted server, or one behind a proxy, may take the next at once.
      if (std::exchange(answered_, false)) continue;
      health_.report_down(Dependency::database, doing_ + ": " + error.what());
    }
    pause_unless_stopped(stop, backoff_.next());
  }
}

void DatabaseWatch::watch_once(const std::stop_token& stop) {
  doing_ = "database";
  Connection connection(url_, limit_of(connect_limit, stop));
  const auto show = [this](int version, int newest) {
    doing_ = "migration " + std::to_string(version) + " of " + std::to_string(newest);
    health_.report_down(Dependency::database, doing_);
  };
  migrate(connection, show, stop);
  doing_ = "database";
  while (!stop.stop_requested()) {
    connection.execute("select 1", {}, limit_of(answer_limit, stop));
    health_.report_up(Dependency::database);
    answered_ = true;
    backoff_.reset();
    pause_unless_stopped(stop, between_questions);
  }
}

}  // namespace guestbook
