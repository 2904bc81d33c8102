// expect: harmony: a verb companion (planned, dry_run) stands only at the root; take it off this child Score
// names: CacheScore
#include "harmony/context.hpp"

#include "cast.hpp"

struct GuestbookScore {
  using needs = harmony::Needs<Nats>;
  static constexpr std::string_view kind() { return "guestbook"; }
  std::string_view name() const { return "guestbook"; }
  void interpret(harmony::Context<needs>& in) const {
#ifdef WRONG
    const auto child = CacheScore{} | watched() | previewed();
#else
    const auto child = CacheScore{} | watched();
#endif
    in.all(child);
  }
};
