#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "api.hpp"
#include "broker.hpp"
#include "configuration.hpp"
#include "database_watch.hpp"
#include "health.hpp"
#include "log.hpp"
#include "metrics.hpp"
#include "server.hpp"
#include "store.hpp"
#include "version.hpp"

namespace {

using namespace guestbook;

constexpr int exit_usage = 64;
constexpr std::chrono::seconds end_limit{5};  // behind the drain's ten: a pod is given thirty in all

constexpr const char* usage =
    "usage: guestbookd [--version | --help]\n"
    "\n"
    "Serves a guestbook over HTTP. Everything is set by the environment:\n"
    "  LISTEN        address and port, default 127.0.0.1:8080\n"
    "  DATABASE_URL  postgresql://user:password@host:5432/database\n"
    "  NATS_URL      nats://user:password@host:4222 or nats://token@host:4222\n"
    "  NATS_SUBJECT  where new entries are announced, default entries.created\n";

std::optional<std::string> read_environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

int answer_argument(int count, char** arguments) {
  const std::string_view argument = count == 2 ? arguments[1] : "";
  if (argument == "--version") {
    std::printf("guestbookd %s\n", std::string(version).c_str());
    return EXIT_SUCCESS;
  }
  if (argument == "--help") {
    std::fputs(usage, stdout);
    return EXIT_SUCCESS;
  }
  std::fprintf(stderr, "error: unknown argument\nhelp: there are `--version` and `--help`\n");
  return exit_usage;
}

/// The server comes first: while the others are on their way to PostgreSQL and NATS, it can say so.
void serve(const Configuration& configuration) {
  Metrics metrics;
  Health health;
  Store store(configuration.database_url);
  Broker broker(configuration.broker, configuration.subject, health);
  Api api(store, broker, health, metrics);
  Server server(configuration.listen, api, health, metrics);
  broker.start();
  const DatabaseWatch watch(configuration.database_url, health);
  const Shutdown shutdown = server.run();
  log_information("stopped");
  // Workers that are still busy would be waited for, and there is no time left to wait.
  if (shutdown == Shutdown::cut_short) std::_Exit(EXIT_SUCCESS);
  // Nor for one that asks a database which does not answer; nothing is left that could be lost.
  std::thread([] {
    std::this_thread::sleep_for(end_limit);
    std::_Exit(EXIT_SUCCESS);
  }).detach();
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1) return answer_argument(count, arguments);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const Configuration configuration = read_configuration(read_environment);
    start_logging();
    log_information("starting", {{"version", std::string(version)}});
    serve(configuration);
    return EXIT_SUCCESS;
  } catch (const ConfigurationError& error) {
    std::fprintf(stderr, "error: %s\nhelp: %s\n", error.what(), error.help().c_str());
    return exit_usage;
  } catch (const std::exception& error) {
    log_error("cannot run", {{"reason", error.what()}});
    return EXIT_FAILURE;
  }
}
