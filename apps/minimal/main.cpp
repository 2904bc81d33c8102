/// The smallest possible deploy: one server, no database, a smoke test of one line.
#include "cli/cli.hpp"
#include "companions/default_stack.hpp"
#include "companions/smoke_tested.hpp"
#include "topologies/local.hpp"
#include "workloads/score.hpp"

using namespace harmony;

struct HelloScore {
  using needs = Needs<Workloads, HttpRoute>;
  static constexpr std::string_view kind() { return "hello"; }
  std::string_view name() const { return "hello"; }
  void interpret(Context<needs>& in) const {
    in.run(HttpServerScore{.instance = "hello", .artefact = {.binary = "hellod"}, .ready_path = "/"});
  }
};

struct HelloAnswers {
  using needs = Needs<HttpRoute>;
  std::string_view name() const { return "HelloAnswers"; }
  void test(Context<needs>& in, Checks& checks) const {
    checks.expect(in.use<HttpRoute>().request(in, "hello", {.path = "/"}).status == 200, "an answer");
  }
};

int main(int argc, char** argv) {
  return cli::run(argc, argv, HelloScore{} | smoke_tested(HelloAnswers{}) | default_stack(), cli::topologies<Local>());
}
