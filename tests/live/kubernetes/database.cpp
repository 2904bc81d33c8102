/// A deploy of one database with one setting, for tests of what a cluster makes of it.
#include "cli/cli.hpp"
#include "companions/default_stack.hpp"
#include "companions/unverified.hpp"
#include "nats/score.hpp"
#include "postgresql/score.hpp"
#include "topologies/k8s_anywhere.hpp"

using namespace harmony;

struct DatabaseScore {
  using needs = Needs<PostgreSql, Nats>;
  std::string instance = "db";
  std::string setting = "work_mem";
  std::string value = "8MB";
  std::string broker = {};
  unsigned memory = 0;

  static constexpr std::string_view kind() { return "database"; }
  std::string_view name() const { return "database"; }
  void interpret(Context<needs>& in) const {
    in.run(PostgresScore{
        .instance = instance, .database = "app", .settings = {{setting, value}}, .resources = {.mebibytes = memory}});
    if (!broker.empty()) in.run(NatsScore{.instance = broker});
  }
};

int main(int argc, char** argv) {
  return cli::run(argc, argv, DatabaseScore{} | unverified("the test asks the server itself") | default_stack(),
                  cli::topologies<K8sAnywhere>(), cli::set("instance", &DatabaseScore::instance, "of the server"),
                  cli::set("setting", &DatabaseScore::setting, "its name in postgresql.conf"),
                  cli::set("value", &DatabaseScore::value, "of the setting"),
                  cli::set("memory", &DatabaseScore::memory, "of the server, in MiB"),
                  cli::set("broker", &DatabaseScore::broker, "instance of a broker beside it"));
}
