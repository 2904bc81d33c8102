#pragma once
/// A Score is a value: the wanted state of one deployable component. This is all there is to one:
///
///   struct CacheScore {
///     using needs = harmony::Needs<Workloads, HttpRoute>;    // capabilities, checked by the compiler
///     std::string instance = "cache";                        // fields: whatever a user of it decides
///     int megabytes = 64;
///
///     static constexpr std::string_view kind() { return "cache"; }   // what it is, for every instance
///     std::string_view name() const { return instance; }             // which one
///     void interpret(harmony::Context<needs>& in) const {            // make it so: through capabilities…
///       in.use<Workloads>().ensure(in, {.instance = instance, .artefact = {.binary = "cached"}});
///       in.run(PageScore{.of = instance});                           // …and other Scores
///     }
///   };
///
/// `interpret` states what is wanted; it runs in a rehearsal too, and never asks which of the two it is. An error is
/// thrown. What was done is recorded by the engine. To be shown with its line, a Score may have the field
///
///   std::source_location declared = std::source_location::current();
///
/// Everything else (planning, dry runs, metrics, smoke tests, traces) is a companion that wraps the Score:
/// `CacheScore{} | smoke_tested(CacheAnswers{}) | metered() | dry_run() | planned()`, see layer.hpp.
#include <concepts>
#include <string_view>

#include "harmony/needs.hpp"

namespace harmony {

template <class Needs>
class Context;

template <class S>
concept Score = std::copy_constructible<S> && requires(const S& score, Context<typename S::needs>& in) {
  { S::kind() } -> std::convertible_to<std::string_view>;
  { score.name() } -> std::convertible_to<std::string_view>;
  { score.interpret(in) } -> std::same_as<void>;
};

}  // namespace harmony
