/// A deploy binary on the shelf world, for tests of the command line. Several command lines in one process, divided by
/// `+`, share the world: `pantry deploy --yes + plan + destroy --yes`. After each, stderr says `exit N`.
#include <cstdio>
#include <cstring>
#include <thread>

#include "cli/cli.hpp"
#include "companions/default_stack.hpp"
#include "companions/smoke_tested.hpp"
#include "shelf.hpp"

using namespace shelves;

namespace {

struct ItemScore {
  using needs = Needs<Shelf>;
  Item item;
  static constexpr std::string_view kind() { return "item"; }
  std::string_view name() const { return item.name; }
  void interpret(Context<needs>& in) const { in.use<Shelf>().put(in, item); }
};

struct PantryScore {
  using needs = Needs<Shelf>;
  std::string instance = "pantry";
  std::string note = "fresh";
  std::string kind_of_bread = "bread";
  std::string fails;
  int jars = 1;
  bool cheese = true;
  std::chrono::milliseconds takes{};

  static constexpr std::string_view kind() { return "pantry"; }
  std::string_view name() const { return instance; }
  std::string version() const { return "1.4.0"; }
  void interpret(Context<needs>& in) const {
    in.run(ItemScore{
        {.name = "loaf", .kind = kind_of_bread, .note = note, .label = Secret<std::string>("hunter2-hunter2")}});
    if (cheese)
      in.run(ItemScore{{.name = "cheddar", .kind = "cheese", .holds_data = true, .takes = takes, .fails = fails}});
    for (int i = 0; i < jars; ++i) in.run(ItemScore{{.name = "jar-" + std::to_string(i), .kind = "jar"}});
  }
};

struct TastesGood {
  using needs = Needs<Shelf>;
  std::string_view name() const { return "TastesGood"; }
  void test(Context<needs>&, Checks& checks) const {
    while (is_chewy()) std::this_thread::sleep_for(std::chrono::hours{1});  // heeds no stop token
    std::lock_guard hold{world().mutex};
    checks.expect(world().items.contains("loaf"), "a loaf");
    checks.expect(world().items["loaf"].note != "mouldy", "no mould on the loaf",
                  "note: " + world().items["loaf"].note);
  }
  static bool is_chewy() {
    std::lock_guard hold{world().mutex};
    return world().items["loaf"].note == "chewy";
  }
};

int run_once(std::vector<char*> arguments) {
  arguments.push_back(nullptr);
  return cli::run(static_cast<int>(arguments.size()) - 1, arguments.data(),
                  PantryScore{} | smoke_tested(TastesGood{}) | default_stack(), cli::topologies<Box, FarBox>(),
                  cli::set("instance", &PantryScore::instance, "which pantry"),
                  cli::set("note", &PantryScore::note, "what is on the loaf's label"),
                  cli::set("bread", &PantryScore::kind_of_bread, "kind of the loaf"),
                  cli::set("fails", &PantryScore::fails, "why the cheese cannot be put there"),
                  cli::set("jars", &PantryScore::jars, "how many jars"),
                  cli::set("cheese", &PantryScore::cheese, "with cheese"),
                  cli::set("takes", &PantryScore::takes, "how long the cheese takes"));
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<char*> words{argv[0]};
  int code = 0;
  bool several = false;
  for (int i = 1; i <= argc; ++i) {
    if (i < argc && std::strcmp(argv[i], "+") != 0) {
      words.push_back(argv[i]);
      continue;
    }
    several = several || i < argc;
    code = run_once(words);
    if (several) std::fprintf(stderr, "exit %d\n", code);
    words.resize(1);
  }
  return code;
}
