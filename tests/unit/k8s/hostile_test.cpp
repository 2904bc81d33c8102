/// What a server says may be anything: whatever stands where something else is expected, nothing is thrown, and nothing
/// that a terminal would act upon comes out.
#include <algorithm>

#include "catch.hpp"
#include "k8s/conflict.hpp"
#include "k8s/difference.hpp"
#include "k8s/explanation.hpp"
#include "k8s/proof.hpp"
#include "k8s/readiness.hpp"
#include "k8s/refusal.hpp"
#include "recorded.hpp"

using namespace harmony;
using namespace harmony::k8s;

namespace {

class Fingerprints final : public Fingerprinter {
 public:
  std::string of(std::string_view value) const override { return std::to_string(std::hash<std::string_view>{}(value)); }
};
const Fingerprints fingerprints;

void check_text(const std::string& text) {
  const bool clean = std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (!clean) FAIL_CHECK("a control character comes out: " << text);
}

void check(const Explanation& one) {
  check_text(one.diagnostic.message);
  check_text(one.rule);
  for (const auto& [name, value] : one.diagnostic.facts) check_text(name + value);
  for (const auto& note : one.diagnostic.notes) check_text(note);
}

/// Calls `use` with `whole` in which each value at or below `at` is in turn something else.
template <class Use>
void spoil(boost::json::value& whole, boost::json::value& at, std::size_t& number, const Use& use) {
  static const std::vector<boost::json::value> others{nullptr,
                                                      -7,
                                                      1e300,
                                                      "\x1b[2J\n\x9b",
                                                      true,
                                                      boost::json::array{nullptr, "x"},
                                                      boost::json::object{{"\x1b", nullptr}}};
  for (const auto& other : others) {
    auto kept = other;
    std::swap(at, kept);
    use();
    ++number;
    std::swap(at, kept);
  }
  if (auto* object = at.if_object())
    for (auto& [name, value] : *object) spoil(whole, value, number, use);
  if (auto* list = at.if_array())
    for (auto& value : *list) spoil(whole, value, number, use);
}

}  // namespace

TEST_CASE("no shape of an object, its pods or its events throws") {
  std::size_t number = 0;
  for (const char* name : {"deployment-ready", "statefulset-ready", "crash", "image-missing-image", "missing-config",
                           "unbound", "over-quota", "job-failed", "service-web", "namespace-terminating", "crd-with",
                           "custom-with", "autoscaler", "budget"}) {
    auto scene = recorded::scene(name);
    const auto use = [&] {
      check_text(readiness_of(&scene.object, scene.related, {.contract = {.subresource = true}}).reason);
      for (const auto& one : explain(scene.object, scene.related)) check(one);
    };
    spoil(scene.object, scene.object, number, use);
    for (auto& one : scene.related)
      if (&one - scene.related.data() < 4) spoil(one, one, number, use);
  }
  CHECK(number > 10'000);
}

TEST_CASE("no shape of a refusal throws") {
  std::size_t number = 0;
  auto all = recorded::parse(recorded::content("refusals.json"));
  for (auto& [name, status] : all.as_object())
    spoil(status, status, number, [&status = status] {
      if (const auto one = explain_refusal("x/y", status)) check(*one);
      if (const auto one = conflict_of(status, {}))
        for (const Claim& claim : one->conflicts) check_text(claim.path + claim.manager + claim.detail);
    });
  CHECK(number > 1'000);
}

TEST_CASE("no shape of a live object throws, or is taken for what is wanted") {
  std::size_t number = 0;
  for (const char* name : {"defaults in list items", "service", "secret with stringData", "finalizer and owner"}) {
    auto apply = recorded::apply(name);
    const auto use = [&] {
      (void)prove_unchanged(apply.desired, apply.live, "harmony");
      for (const FieldChange& one : field_changes(&apply.live, apply.desired, fingerprints))
        check_text(one.path + one.before + one.after);
      check_text(effect_of(apply.live, apply.desired));
      (void)fields_of(apply.live);
      for (const Owner& owner : owners_of(apply.live)) (void)owner.fields.paths();
    };
    spoil(apply.live, apply.live, number, use);
    spoil(apply.desired, apply.desired, number, use);
  }
  CHECK(number > 1'000);
}
