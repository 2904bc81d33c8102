#pragma once
/// The command line of a deploy binary. A main is:
///
///   int main(int argc, char** argv) {
///     return harmony::cli::run(argc, argv, GuestbookScore{} | smoke_tested(GuestbookWorks{}) | default_stack(),
///                              harmony::cli::topologies<Local>(),
///                              harmony::cli::set("host", &GuestbookScore::host, "public host name"));
///   }
///
/// Verbs and options are those of docs/cli.md; companions at the root bring some of them (`planned` brings `plan`).
#include "cli/application.hpp"
#include "harmony/layer.hpp"
#include "harmony/program.hpp"

namespace harmony::cli {

/// Where this binary can deploy to. `--on` chooses; without it `local` is meant, or else the first.
template <TopologyType... T>
struct Topologies {};
template <TopologyType... T>
constexpr Topologies<T...> topologies() {
  constexpr bool some = sizeof...(T) > 0;
  static_assert(some, "harmony: topologies<>() names nowhere to deploy to; name one: topologies<Local>()");
  return {};
}

/// Lets `--set name=value` and `--config` set this member of the root Score: std::string, bool, integers, floating
/// point, durations of the standard library.
template <class S, class Member>
BoundField<S, Member> set(std::string_view name, Member S::* member, std::string_view help) {
  static_assert(
      detail::is_settable<Member>,
      "harmony: only text, bool, numbers and durations can be set from the command line; bind a member of such a type");
  return {name, member, help};
}

/// Converted from main's argc; remembers where that was, to show it in errors of the root Score.
struct ArgumentCount {
  ArgumentCount(int argc, std::source_location here = std::source_location::current()) : count(argc), at(here) {}
  int count;
  std::source_location at;
};

namespace detail {

template <class S>
consteval bool stacks_gate() {
  if constexpr (requires { typename S::wrapped; }) return S::rank == Rank::gate || stacks_gate<typename S::wrapped>();
  else return false;
}
template <class S>
consteval bool says_whether_it_works() {
  static_assert(stacks_gate<S>(),
                "harmony: the root Score has no smoke test; stack smoke_tested(...) on it, or unverified(\"why\")");
  return stacks_gate<S>();
}

template <class S>
auto& innermost_of(S& stacked) {
  if constexpr (requires { stacked.inner(); }) return innermost_of(stacked.inner());
  else return stacked;
}

template <class S, class T>
TopologyChoice choice_of(S& score, std::source_location declared) {
  return {std::string(T::id), T::options(), [&score, declared](const TopologySettings& settings) {
            auto topology = std::make_shared<T>(settings);
            Instance instance{.topology = topology, .program = make_program<S, T>(score, declared)};
            if constexpr (requires {
                            { topology->fingerprint_key() } -> std::convertible_to<std::string>;
                          })
              instance.fingerprint_key = [topology] { return topology->fingerprint_key(); };
            if constexpr (requires { topology->adopt_fingerprint_key(std::string{}); })
              instance.adopt_fingerprint_key = [topology](const std::string& key) {
                topology->adopt_fingerprint_key(key);
              };
            return instance;
          }};
}

template <class C>
void take_from(C& companion, Application& application) {
  if constexpr (requires { requires C::plans; }) application.plans = true;
  if constexpr (requires { requires C::rehearses; }) application.rehearses = true;
  if constexpr (requires { requires C::smoke_tests; }) application.smoke_tested = true;
  if constexpr (requires {
                  { companion.metrics() } -> std::convertible_to<MetricsSource&>;
                })
    application.metrics = &companion.metrics();
  if constexpr (requires {
                  { companion.trace() } -> std::convertible_to<TraceSource&>;
                })
    application.trace = &companion.trace();
}

template <class S>
Application describe(S& score) {
  auto& root = innermost_of(score);
  Application application{.kind = std::string(S::kind()),
                          .name = [&root] { return std::string(root.name()); },
                          .version = [&root] { return harmony::detail::version_of(root); }};
  each_companion(score, [&](auto& companion) { take_from(companion, application); });
  return application;
}

}  // namespace detail

/// @returns the exit code of the table in docs/cli.md.
template <Score S, TopologyType... T, class... Owner, class... Member>
int run(ArgumentCount argc, char** argv, S score, Topologies<T...>, BoundField<Owner, Member>... settings) {
  constexpr bool fits = (true & ... & runs_on<S, T>());
  constexpr bool tested = detail::says_whether_it_works<S>();
  constexpr bool bound = (std::is_base_of_v<Owner, innermost<S>> & ... & true);
  static_assert(bound, "harmony: set() binds members of the root Score only");
  if constexpr (fits && tested && bound) {
    Application application = detail::describe(score);
    auto& root = detail::innermost_of(score);
    (application.fields.push_back(detail::field_of(root.*settings.member, settings.name, settings.help)), ...);
    (application.topologies.push_back(detail::choice_of<S, T>(score, argc.at)), ...);
    return run_application(application, argc.count, argv);
  }
  return 70;
}

}  // namespace harmony::cli
