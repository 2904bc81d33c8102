/// A deploy that can be asked to go wrong, each way one that a user's Score could go wrong. For failures_test.py.
#include <thread>

#include "cli/cli.hpp"
#include "companions/default_stack.hpp"
#include "companions/smoke_tested.hpp"
#include "nats/score.hpp"
#include "postgresql/score.hpp"
#include "topologies/local.hpp"
#include "workloads/score.hpp"

using namespace harmony;
using namespace std::chrono_literals;

struct VariantScore {
  using needs = Needs<PostgreSql, Nats, Workloads, HttpRoute>;
  std::string scenario = "plain";
  std::string binary = "hellod";
  bool database = false;
  bool broker = false;
  int ready_seconds = 20;
  int replicas = 1;
  std::string host = {};

  static constexpr std::string_view kind() { return "variant"; }
  std::string_view name() const { return "variant"; }

  HttpServerScore server(std::string instance, std::string program) const {
    return {.instance = std::move(instance),
            .artefact = {.binary = std::move(program)},
            .host = host,
            .replicas = replicas,
            .ready_path = "/",
            .ready_limit = ready_seconds * 1000ms};
  }
  void interpret(Context<needs>& in) const {
    if (database) in.run(PostgresScore{.instance = "db", .database = "app"});
    if (broker) in.run(NatsScore{.instance = "broker", .streams = {"events"}});
    if (scenario == "two fail") {
      in.all(server("first", "/bin/false"), server("second", "/bin/false"));
    } else if (scenario == "swallows") {
      try {
        in.run(server("broken", "/bin/false"));
      } catch (const Error&) {
        // What no Score should do: the deploy has failed all the same.
      }
    } else if (scenario == "attempts") {
      (void)in.attempt(server("broken", "/bin/false"));
    }
    in.run(server("web", binary));
  }
};

struct VariantWorks {
  using needs = Needs<HttpRoute>;
  std::string scenario = std::getenv("SMOKE") ? std::getenv("SMOKE") : "";

  std::string_view name() const { return "VariantWorks"; }
  void test(Context<needs>& in, Checks& checks) const {
    if (scenario == "checks nothing") return;
    if (scenario == "hangs")
      while (true) in.pause(1s);
    if (scenario == "ignores its stop")
      while (true) std::this_thread::sleep_for(1s);
    const auto answer = in.use<HttpRoute>().request(in, "web", {.path = "/"});
    checks.expect(answer.status == (scenario == "fails" ? 418 : 200), scenario == "fails" ? "a teapot" : "an answer",
                  std::to_string(answer.status));
  }
};

int main(int argc, char** argv) {
  return cli::run(argc, argv, VariantScore{} | smoke_tested(VariantWorks{}) | default_stack(), cli::topologies<Local>(),
                  cli::set("scenario", &VariantScore::scenario, "how to go wrong"),
                  cli::set("binary", &VariantScore::binary, "the server"),
                  cli::set("database", &VariantScore::database, "with a database"),
                  cli::set("broker", &VariantScore::broker, "with a broker"),
                  cli::set("ready-seconds", &VariantScore::ready_seconds, "how long to wait until the server is ready"),
                  cli::set("replicas", &VariantScore::replicas, "instances of the server"),
                  cli::set("host", &VariantScore::host, "public host name"));
}
