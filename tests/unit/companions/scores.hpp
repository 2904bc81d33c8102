#pragma once
/// The Scores and smoke tests that the tests of the companions wrap.
#include <functional>
#include <string>

#include "companions/metered.hpp"
#include "companions/smoke_tested.hpp"
#include "companions/traced.hpp"
#include "support/memory_topology.hpp"

namespace harmony::testing {

/// Puts one value on the shelf.
struct BookScore {
  using needs = Needs<Shelf>;
  std::string instance = "book";
  std::string text = "once upon a time";
  static constexpr std::string_view kind() { return "book"; }
  std::string_view name() const { return instance; }
  void interpret(Context<needs>& in) const {
    in.use<Shelf>().put(in.step({.kind = "page", .name = instance}), instance, text);
  }
};

/// Whatever a test wants.
struct LibraryScore {
  using needs = Needs<Shelf>;
  std::function<void(Context<needs>&)> body;
  std::string instance = "library";
  static constexpr std::string_view kind() { return "library"; }
  std::string_view name() const { return instance; }
  void interpret(Context<needs>& in) const { body(in); }
};

struct IsThere {
  using needs = Needs<Shelf>;
  std::string book = "book";
  std::string test_name = "IsThere";
  std::string_view name() const { return test_name; }
  void test(Context<needs>& in, Checks& checks) const {
    checks.expect(in.use<Shelf>().get(book).has_value(), "the book");
  }
};

inline std::shared_ptr<MemoryTopology> shelf_topology() { return std::make_shared<MemoryTopology>(TopologySettings{}); }

/// A whole deploy of a stack; approved. @param fail_at_write the n-th write fails; 0: none.
template <Score S>
Report run_deploy(const S& score, std::shared_ptr<MemoryTopology> topology = shelf_topology(), int fail_at_write = 0) {
  return deploy<S, MemoryTopology>(score, std::move(topology), fail_at_write);
}

}  // namespace harmony::testing
