#pragma once
/// Who plays in these sources: capabilities, topologies, companions and Scores, each as small as it can be.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/capabilities/nats.hpp"
#include "harmony/capabilities/postgresql.hpp"
#include "harmony/program.hpp"
#include "harmony/testing.hpp"

using harmony::Nats;
using harmony::PostgreSql;

/// Where most Scores here run; what it offers is decided by those that derive from it.
class Box : public harmony::Topology {
 public:
  explicit Box(const harmony::TopologySettings&) {}
  static constexpr std::string_view id = "box";
  static std::vector<harmony::TopologyOption> options() { return {}; }
  std::string label() const override { return "box"; }
  harmony::AskBefore asks() const override { return harmony::AskBefore::any_change; }
  harmony::Ledger& ledger() override;
  const harmony::Fingerprinter& fingerprinter() const override;
  std::vector<harmony::Primitive*> primitives() override { return {}; }
  std::shared_ptr<harmony::Topology> rehearsed(harmony::Rehearsal&) override;
};

class EdgeBox : public Box {
 public:
  using Box::Box;
  Nats& capability(Nats*);
};

class ServerBox : public Box {
 public:
  using Box::Box;
  Nats& capability(Nats*);
  PostgreSql& capability(PostgreSql*);
};

/// One companion of each rank, and its layer.
template <class Self, class S>
struct PassingOn : harmony::Companion<Self, S> {
  using harmony::Companion<Self, S>::Companion;
  void interpret(harmony::Context<typename S::needs>& in) const { in.pass(this->inner()); }
};

template <harmony::Score S>
struct Tested : PassingOn<Tested<S>, S> {
  using PassingOn<Tested<S>, S>::PassingOn;
  static constexpr auto rank = harmony::Rank::gate;
  using tag = struct TestedTag;
};
struct TestedLayer : harmony::LayerBase {
  static constexpr auto rank = harmony::Rank::gate;
  using tag = struct TestedTag;
  template <harmony::Score S>
  auto wrap(S score) const {
    return Tested<S>(std::move(score));
  }
};
inline TestedLayer tested() { return {}; }

template <harmony::Score S>
struct Watched : PassingOn<Watched<S>, S> {
  using PassingOn<Watched<S>, S>::PassingOn;
  static constexpr auto rank = harmony::Rank::observer;
  using tag = struct WatchedTag;
};
struct WatchedLayer : harmony::LayerBase {
  static constexpr auto rank = harmony::Rank::observer;
  using tag = struct WatchedTag;
  template <harmony::Score S>
  auto wrap(S score) const {
    return Watched<S>(std::move(score));
  }
};
inline WatchedLayer watched() { return {}; }

template <harmony::Score S>
struct Previewed : PassingOn<Previewed<S>, S> {
  using PassingOn<Previewed<S>, S>::PassingOn;
  static constexpr auto rank = harmony::Rank::verb;
  using tag = struct PreviewedTag;
};
struct PreviewedLayer : harmony::LayerBase {
  static constexpr auto rank = harmony::Rank::verb;
  using tag = struct PreviewedTag;
  template <harmony::Score S>
  auto wrap(S score) const {
    return Previewed<S>(std::move(score));
  }
};
inline PreviewedLayer previewed() { return {}; }

/// A Score to put them on.
struct CacheScore {
  using needs = harmony::Needs<Nats>;
  std::string instance = "cache";
  static constexpr std::string_view kind() { return "cache"; }
  std::string_view name() const { return instance; }
  void interpret(harmony::Context<needs>& in) const {
    in.use<Nats>().ensure(in, {.instance = instance, .streams = {}});
  }
};
