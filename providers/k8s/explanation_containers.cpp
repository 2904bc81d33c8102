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

bool any_in(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::ranges::any_of(parts, [&](std::string_view part) { return text.find(part) != std::string_view::npos; });
}

std::string lower(std::string_view text) {
  std::string copy(text);
  std::ranges::transform(copy, copy.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return copy;
}

std::string printable_at(const json::value& value, std::string_view path) {
  return host::printable(text_at(value, path));
}
std::string container_of(const json::value& status) { return printable_at(status, "name"); }

Explanation about(const PodCase& one, std::string code, std::string message, Prospect prospect) {
  return {.diagnostic = {.code = std::move(code),
                         .message = std::move(message),
                         .subject = one.subject,
                         .facts = {{"pod", printable_at(one.pod, "metadata.name")}}},
          .prospect = prospect};
}

void add_fact(Explanation& one, const char* name, std::string value) {
  if (!value.empty()) one.diagnostic.facts.emplace_back(name, std::move(value));
}

/// The end of the last run that ended; nothing where none has.
const json::value* last_end(const json::value& status) {
  const json::value* now = find(status, "state.terminated");
  return now ? now : find(status, "lastState.terminated");
}

std::int64_t restarts_of(const json::value& status) { return number_at(status, "restartCount").value_or(0); }

std::string times(std::int64_t number) { return number == 1 ? "once" : fmt::format("{} times", number); }

/// While it runs again, the run that failed is the previous one; while it waits or has ended, kubelet hands out the
/// log of the last run as the current one.
LogPlace log_of(const PodCase& one, const json::value& status) {
  return {printable_at(one.pod, "metadata.name"), container_of(status), find(status, "state.running") != nullptr};
}

/// A container that ends is started again; one of a pod that is not restarted has had its only run.
void judge_restarts(Explanation& one, const PodCase& pod, const json::value& status) {
  const std::int64_t restarts = restarts_of(status);
  const bool runs_again = find(status, "state.running") != nullptr;
  if (restarts >= pod.tolerance.restarts && !runs_again) {
    one.prospect = Prospect::hopeless;
    one.rule = fmt::format("{} runs in a row have failed", restarts + 1);
  } else {
    one.rule =
        fmt::format("it is started again, and given up after {} failed runs in a row", pod.tolerance.restarts + 1);
  }
  if (restarts > 0) add_fact(one, "restarted", times(restarts));
}

enum class Pull { missing, refused, unreachable };

/// By what the registry or the network said, as the container runtime repeats it.
Pull pull_failure(const std::string& message) {
  const std::string text = lower(message);
  if (any_in(text, {"unauthorized", "403 forbidden", "status: 401", "status: 403", "access denied",
                    "authorization failed", "insufficient_scope"}))
    return Pull::refused;
  if (any_in(text, {"not found", "notfound", "manifest unknown", "name unknown", "no such image"}))
    return Pull::missing;
  return Pull::unreachable;
}

/// Of all the layers that repeat an error of a pull, the innermost: `localhost:5000/web:1: not found`.
std::string pull_error(std::string_view message) {
  constexpr std::string_view layer = "failed to resolve reference \"", end = "\": ";
  const auto at = message.rfind(layer);
  const auto close = at == std::string_view::npos ? at : message.find(end, at + layer.size());
  return host::printable(close == std::string_view::npos ? message : message.substr(close + end.size()));
}

/// What the image pull ended with. In back-off, older kubelets say it in an event only.
std::string pull_message(const PodCase& one, const json::value& status) {
  const std::string_view message = text_at(status, "state.waiting.message");
  const bool told = message.find("ErrImagePull: ") != std::string_view::npos;
  if (told || text_at(status, "state.waiting.reason") == "ErrImagePull") return pull_error(message);
  const json::value* event = warning_of(one, "Failed", text_at(status, "name"), "Failed to pull image");
  return pull_error(event ? text_at(*event, "message") : message);
}

Explanation missing_image(const PodCase& one, const std::string& image, const std::string& message) {
  Explanation found = about(one, "H0450", fmt::format("image `{}` does not exist", image), Prospect::hopeless);
  add_fact(found, "told", message);
  found.diagnostic.help = "push the image, or correct its name or tag, and deploy again";
  found.rule = "a registry that answers knows what it has";
  return found;
}

Explanation refused_image(const PodCase& one, const std::string& image, const std::string& message) {
  Explanation found = about(one, "H0451", fmt::format("image `{}` may not be pulled", image), Prospect::hopeless);
  add_fact(found, "told", message);
  found.diagnostic.help =
      "name a Secret of type kubernetes.io/dockerconfigjson with --pull-secret; a name that does not exist looks the "
      "same";
  found.rule = "a registry that answers knows who may";
  return found;
}

Explanation unreachable_registry(const PodCase& one, const std::string& image, const std::string& message) {
  Explanation found = about(one, "H0452", fmt::format("image `{}` cannot be pulled now", image), Prospect::may_heal);
  add_fact(found, "told", message);
  found.diagnostic.help = "see whether the nodes reach the registry";
  found.rule = "registries and networks come back; waited for";
  return found;
}

std::string shown_image(const json::value& status) { return printable_at(status, "image"); }

/// `exec: "/no/such/program": stat /no/such/program: no such file or directory` of all that a runtime says.
std::string cause_of_start(std::string_view message) {
  for (const std::string_view part : {"starting container process caused: ", "unable to start container process: "})
    if (const auto at = message.rfind(part); at != std::string_view::npos) message.remove_prefix(at + part.size());
  return host::printable(message);
}

std::string probe_kind(const json::value& status) {
  const json::value* started = find(status, "started");
  return started && started->is_bool() && !started->get_bool() ? "Startup" : "Readiness";
}

}  // namespace

const json::value* warning_of(const PodCase& one, std::string_view reason, std::string_view container,
                              std::string_view part) {
  const auto fits = [&](const json::value* event) {
    const std::string_view place = text_at(*event, "involvedObject.fieldPath");
    const bool elsewhere = !container.empty() && !place.empty() && !place.ends_with("{" + std::string(container) + "}");
    return text_at(*event, "reason") == reason && !elsewhere &&
           text_at(*event, "message").find(part) != std::string_view::npos;
  };
  const auto found = std::find_if(one.warnings.rbegin(), one.warnings.rend(), fits);
  return found == one.warnings.rend() ? nullptr : *found;
}

std::int64_t sightings_of(const json::value* event) {
  if (!event) return 0;
  const auto series = number_at(*event, "series.count");
  return series ? *series : number_at(*event, "count").value_or(1);
}

std::optional<Explanation> image_cause(const PodCase& one, const json::value& status) {
  const std::string_view reason = text_at(status, "state.waiting.reason");
  const std::string image = shown_image(status);
  if (reason == "InvalidImageName") {
    Explanation found = missing_image(one, image, printable_at(status, "state.waiting.message"));
    found.diagnostic.message = fmt::format("`{}` is no name of an image", image);
    found.rule = "a name does not change by waiting";
    return found;
  }
  if (reason == "ErrImageNeverPull") {
    Explanation found = missing_image(one, image, printable_at(status, "state.waiting.message"));
    found.diagnostic.message = fmt::format("image `{}` is not on the node, and is never pulled", image);
    found.diagnostic.help = "load the image on every node, or set imagePullPolicy to IfNotPresent";
    found.rule = "its policy is never to pull";
    return found;
  }
  if (reason != "ErrImagePull" && reason != "ImagePullBackOff" && reason != "ImageInspectError" &&
      reason != "RegistryUnavailable")
    return std::nullopt;
  const std::string message = pull_message(one, status);
  switch (reason == "RegistryUnavailable" ? Pull::unreachable : pull_failure(message)) {
    case Pull::missing: return missing_image(one, image, message);
    case Pull::refused: return refused_image(one, image, message);
    case Pull::unreachable: break;
  }
  return unreachable_registry(one, image, message);
}

std::optional<Explanation> start_cause(const PodCase& one, const json::value& status) {
  if (find(status, "state.running")) return std::nullopt;  // it could be started since
  const std::string_view waiting = text_at(status, "state.waiting.reason");
  const json::value* end = last_end(status);
  const std::string_view ended = end ? text_at(*end, "reason") : std::string_view{};
  const bool not_started = ended == "StartError" || ended == "ContainerCannotRun";
  std::string message;
  if (not_started) message = cause_of_start(text_at(*end, "message"));
  else if (any_in(waiting, {"RunContainerError", "CreateContainerError", "CreateContainerConfigError"}))
    message = cause_of_start(text_at(status, "state.waiting.message"));
  else return std::nullopt;
  if (waiting == "CreateContainerConfigError") {
    const json::value* event = warning_of(one, "Failed", text_at(status, "name"), "Error: ");
    if (auto missing = missing_cause(one.subject, message, sightings_of(event), one.tolerance)) {
      missing->diagnostic.facts.insert(missing->diagnostic.facts.begin(),
                                       {"pod", printable_at(one.pod, "metadata.name")});
      return missing;
    }
  }
  Explanation found =
      about(one, "H0455", fmt::format("container `{}` cannot be started", container_of(status)), Prospect::may_heal);
  add_fact(found, "told", message);
  add_fact(found, "image", shown_image(status));
  found.diagnostic.help = "correct the command, or what the image holds; they are the same at the next start";
  if (any_in(message, {"runAsNonRoot", "non-root"}))
    found.diagnostic.help = "give the image a USER by number, and not root's: `USER 1000`";
  // What the image does not hold it will not hold at the next start.
  if (any_in(message, {"no such file", "executable file not found", "permission denied", "exec format", "runAsNonRoot",
                       "invalid"})) {
    found.prospect = Prospect::hopeless;
    found.rule = "the same image and command fail again";
    if (restarts_of(status) > 0) add_fact(found, "restarted", times(restarts_of(status)));
  } else {
    judge_restarts(found, one, status);
  }
  return found;
}

std::optional<Explanation> crash_cause(const PodCase& one, const json::value& status) {
  const json::value* end = last_end(status);
  if (!end) return std::nullopt;
  const std::int64_t code = number_at(*end, "exitCode").value_or(0);
  const bool finished = find(status, "state.terminated") && code == 0 && restarts_of(status) == 0;
  if (finished) return std::nullopt;  // an init container, or a Job's, that is done
  const std::string container = container_of(status);
  const bool no_memory = text_at(*end, "reason") == "OOMKilled";
  Explanation found =
      about(one, no_memory ? "H0454" : "H0453",
            no_memory ? fmt::format("container `{}` is killed: it takes more memory than its limit", container)
                      : fmt::format("container `{}` exits with code {}", container, code),
            Prospect::may_heal);
  if (const json::value* probe = warning_of(one, "Unhealthy", text_at(status, "name"), "Liveness probe failed");
      probe && code >= 128 && !no_memory) {
    found.diagnostic.code = "H0456";
    found.diagnostic.message = fmt::format("container `{}` is killed: its liveness probe fails", container);
    add_fact(found, "probe", printable_at(*probe, "message"));
  }
  judge_restarts(found, one, status);
  add_fact(found, "message", printable_at(*end, "message"));
  found.diagnostic.help = no_memory ? "give its Score more: .resources = {.mebibytes = …}; or make it take less"
                          : found.diagnostic.code == "H0456"
                              ? "correct the probe, or give the container longer: initialDelaySeconds, a startupProbe"
                              : "its log says why; correct it and deploy again";
  found.log = log_of(one, status);
  return found;
}

std::optional<Explanation> probe_cause(const PodCase& one, const json::value& status) {
  if (!find(status, "state.running") || true_at(status, "ready")) return std::nullopt;
  const std::string kind = probe_kind(status);
  const json::value* event = warning_of(one, "Unhealthy", text_at(status, "name"), kind + " probe");
  if (!event) return std::nullopt;
  Explanation found =
      about(one, "H0456",
            fmt::format("container `{}` runs and is not ready: its {} probe fails", container_of(status), lower(kind)),
            Prospect::may_heal);
  add_fact(found, "probe", printable_at(*event, "message"));
  add_fact(found, "failed", times(sightings_of(event)));
  found.diagnostic.help = "its log says what it waits for; correct that, or the probe";
  found.rule = "a container may take its time to get ready; waited for";
  found.log = LogPlace{printable_at(one.pod, "metadata.name"), container_of(status), false};
  return found;
}

}  // namespace harmony::k8s
