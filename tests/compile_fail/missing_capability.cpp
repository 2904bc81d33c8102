// expect: harmony: topology T lacks capability C, which score S needs
// names: GuestbookScore
// names: EdgeBox
// names: PostgreSql
#include "harmony/program.hpp"

#include "cast.hpp"

struct GuestbookScore {
  using needs = harmony::Needs<PostgreSql, Nats>;
  static constexpr std::string_view kind() { return "guestbook"; }
  std::string_view name() const { return "guestbook"; }
  void interpret(harmony::Context<needs>& in) const {
    in.use<PostgreSql>().ensure(in, {.instance = "db", .databases = {}});
    in.use<Nats>().ensure(in, {.instance = "broker", .streams = {}});
  }
};

int main() {
#ifdef WRONG
  using Where = EdgeBox;  // offers no PostgreSql
#else
  using Where = ServerBox;
#endif
  auto stacked = GuestbookScore{} | tested() | watched() | previewed();
  (void)harmony::make_program<decltype(stacked), Where>(stacked);
}
