#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "host/printable.hpp"
#include "k8s/explanation_causes.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::string printable_at(const json::value& value, std::string_view path) {
  return host::printable(text_at(value, path));
}

Explanation about(const PodCase& one, std::string code, std::string message) {
  return {.diagnostic = {.code = std::move(code),
                         .message = std::move(message),
                         .subject = one.subject,
                         .facts = {{"pod", printable_at(one.pod, "metadata.name")}}}};
}

bool has_running_container(const json::value& pod) {
  return std::ranges::any_of(
      std::to_array({"status.initContainerStatuses", "status.containerStatuses"}), [&](const char* list) {
        return std::ranges::any_of(list_at(pod, list),
                                   [](const json::value& status) { return find(status, "state.running") != nullptr; });
      });
}

/// "1 Insufficient cpu" of all that the scheduler says: what it says of preemption helps nobody.
std::string scheduler_reasons(std::string_view message) {
  for (const std::string_view rest : {" no new claims to deallocate", " preemption: "})
    message = message.substr(0, message.find(rest));
  while (!message.empty() && (message.back() == ',' || message.back() == '.' || message.back() == ' '))
    message.remove_suffix(1);
  return host::printable(message);
}

/// `"settings"` behind `kind`, where the text ends with "not found".
std::string not_found(std::string_view message, std::string_view kind) {
  const std::string start = std::string(kind) + " \"";
  const auto at = message.find(start);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = message.substr(at + start.size());
  const auto end = rest.find("\" not found");
  return end == std::string_view::npos ? std::string{} : host::printable(rest.substr(0, end));
}

Explanation unbound(const std::string& subject, const std::string& claim, const json::value* event,
                    const Tolerance& tolerance) {
  Explanation found{
      .diagnostic = {.code = "H0460", .message = fmt::format("claim `{}` gets no volume", claim), .subject = subject}};
  found.diagnostic.help = fmt::format(
      "have its StorageClass or a volume that fits made; where it is to be of another class, `kubectl delete pvc {}`, "
      "in which no data is, and deploy again with --storage-class",
      claim);
  found.rule = "a volume may still be made; waited for";
  if (!event) return found;
  found.diagnostic.facts.emplace_back("told", printable_at(*event, "message"));
  if (has(text_at(*event, "message"), "not found") && sightings_of(event) >= tolerance.sightings) {
    found.prospect = Prospect::hopeless;
    found.rule = fmt::format("its StorageClass was not there {} times", sightings_of(event));
  }
  return found;
}

std::string first_claim_of(const json::value& pod) {
  for (const json::value& volume : list_at(pod, "spec.volumes"))
    if (const std::string name = printable_at(volume, "persistentVolumeClaim.claimName"); !name.empty()) return name;
  return "?";
}

/// Not even the runtime's own first process fits into it.
std::optional<Explanation> no_memory_to_start(const PodCase& one) {
  const auto told = std::ranges::find_if(
      one.warnings, [](const json::value* event) { return has(text_at(*event, "message"), "memory limit too low"); });
  if (told == one.warnings.end()) return std::nullopt;
  Explanation found = about(one, "H0454", fmt::format("a pod of `{}` has too little memory to start", one.subject));
  found.diagnostic.facts.emplace_back("told", printable_at(**told, "message"));
  found.diagnostic.help = "give its Score more: .resources = {.mebibytes = …}";
  found.prospect = Prospect::hopeless;
  found.rule = "its limit stays what it is";
  return found;
}

}  // namespace

std::optional<Explanation> missing_cause(const std::string& subject, std::string_view message, std::int64_t sightings,
                                         const Tolerance& tolerance) {
  std::string what;
  for (const auto& [kind, word] :
       {std::pair{"configmap", "ConfigMap"}, {"secret", "Secret"}, {"persistentvolumeclaim", "claim"}})
    if (const std::string name = not_found(message, kind); !name.empty()) what = fmt::format("{} `{}`", word, name);
  constexpr std::string_view key = "couldn't find key ", in = " in ";
  if (const auto at = message.find(key); what.empty() && at != std::string_view::npos) {
    const std::string_view rest = message.substr(at + key.size());
    const auto middle = rest.find(in);
    if (middle == std::string_view::npos) return std::nullopt;
    what = fmt::format("key `{}` of {}", host::printable(rest.substr(0, middle)),
                       host::printable(rest.substr(middle + in.size())));
  }
  if (what.empty()) return std::nullopt;
  Explanation found{.diagnostic = {.code = "H0459",
                                   .message = fmt::format("{}, which `{}` needs, is not there", what, subject),
                                   .subject = subject}};
  found.diagnostic.help = "make it part of the deploy, or make it before; pods that wait for it start by themselves";
  found.rule = fmt::format("something may still make it; given up when it was missing {} times", tolerance.sightings);
  if (sightings >= tolerance.sightings) {
    found.prospect = Prospect::hopeless;
    found.rule = fmt::format("it was missing {} times", sightings);
  }
  return found;
}

std::optional<Explanation> claim_cause(const std::string& subject, const json::value& claim, const Objects& related,
                                       const Tolerance& tolerance) {
  const std::string_view phase = text_at(claim, "status.phase");
  if (phase == "Bound") return std::nullopt;
  const Selected warnings = warnings_about(related, claim);
  if (warnings.empty() && phase != "Lost") return std::nullopt;  // it takes its time, or waits for its first pod
  return unbound(subject, printable_at(claim, "metadata.name"), warnings.empty() ? nullptr : warnings.back(),
                 tolerance);
}

std::optional<Explanation> scheduling_cause(const PodCase& one, const Objects& related) {
  const Condition scheduled = condition_of(one.pod, "PodScheduled");
  if (!scheduled.fails) return std::nullopt;
  const json::value* event = warning_of(one, "FailedScheduling");
  if (auto missing = missing_cause(one.subject, scheduled.message, sightings_of(event), one.tolerance)) return missing;
  if (has(scheduled.message, "unbound immediate PersistentVolumeClaims")) {
    for (const json::value& volume : list_at(one.pod, "spec.volumes"))
      for (const json::value* claim : of_kind(related, "PersistentVolumeClaim"))
        if (name_of(*claim) == text_at(volume, "persistentVolumeClaim.claimName"))
          if (auto cause = claim_cause(one.subject, *claim, related, one.tolerance)) return cause;
    return unbound(one.subject, first_claim_of(one.pod), nullptr, one.tolerance);
  }
  Explanation found = about(one, "H0457", fmt::format("no node takes the pods of `{}`", one.subject));
  found.diagnostic.facts.emplace_back("scheduler", scheduler_reasons(scheduled.message));
  found.diagnostic.help = "ask for less, loosen its nodeSelector, affinity or tolerations, or add a node";
  found.rule = "a node may come, or room on one; waited for";
  return found;
}

std::optional<Explanation> setup_cause(const PodCase& one) {
  if (has_running_container(one.pod)) return std::nullopt;  // what was told of its volumes and network is over
  if (auto cause = no_memory_to_start(one)) return cause;
  for (const char* reason : {"FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"}) {
    const json::value* event = warning_of(one, reason);
    if (!event) continue;
    if (auto missing = missing_cause(one.subject, text_at(*event, "message"), sightings_of(event), one.tolerance))
      return missing;
    Explanation found = about(one, "H0469", fmt::format("a pod of `{}` cannot be set up on its node", one.subject));
    found.diagnostic.facts.emplace_back("told", printable_at(*event, "message"));
    found.diagnostic.facts.emplace_back("reason", reason);
    found.diagnostic.help = "see to the node's storage or network; kubelet tries again by itself";
    found.rule = "storage and network of a node come back; waited for";
    return found;
  }
  return std::nullopt;
}

}  // namespace harmony::k8s
