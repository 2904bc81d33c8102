#include "workloads/on_kubernetes.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <boost/json.hpp>

#include "host/printable.hpp"
#include "k8s/image_name.hpp"
#include "k8s/manifest.hpp"
#include "workloads/wanted.hpp"

namespace harmony::workloads {

namespace json = boost::json;

namespace {

void require_image(const Workload& workload) {
  const std::string& image = workload.artefact.image;
  if (k8s::is_image_name(image)) return;
  if (!image.empty())
    throw Error({.code = "H0252",
                 .category = Category::usage,
                 .message = fmt::format("`{}` is no name of an image", host::printable(image)),
                 .subject = "workload/" + workload.instance,
                 .help = "an image is named as [REGISTRY/]NAME[:TAG][@DIGEST], NAME in lower case: "
                         "registry.example/shop/web:1.4"});
  throw Error(
      {.code = "H0252",
       .category = Category::usage,
       .message = fmt::format("workload `{}` names no image, and a cluster runs images", workload.instance),
       .subject = "workload/" + workload.instance,
       .help = "name one beside the binary: .artefact = {.binary = \"guestbookd\", .image = \"guestbook:1.4\"}"});
}

/// What is no secret stands in the Deployment itself, where people look for it; the rest in a Secret.
struct Environment {
  json::array variables;
  std::map<std::string, host::Content> secrets;
  host::Content fingerprinted;                     ///< what pods read only at their start, and which data
};

std::optional<std::string> plain_text(const host::Content& content) {
  std::string text;
  for (const auto& piece : content) {
    const auto* plain = std::get_if<std::string>(&piece);
    if (!plain) return std::nullopt;
    text += *plain;
  }
  return text;
}

void add(Environment& to, const std::string& variable, const host::Content& content, const std::string& secret) {
  if (const auto plain = plain_text(content)) {
    to.variables.push_back({{"name", variable}, {"value", *plain}});
    return;
  }
  to.variables.push_back(k8s::secret_variable(variable, secret, variable));
  to.secrets.emplace(variable, content);
  to.fingerprinted.push_back("\n" + variable + "=");
  std::ranges::copy(content, std::back_inserter(to.fingerprinted));
}

/// Whoever sends requests to pods hears of one that ends only after it has begun to, and goes on sending for as long.
constexpr int seconds_to_linger = 5;

json::object container(const Workload& workload, const json::array& variables, bool lingers) {
  json::object made{
      {"name", workload.instance},
      {"image", workload.artefact.image},
      {"securityContext", k8s::confined()},
      {"env", variables},
      {"ports", json::array{k8s::container_port("http", OnKubernetes::port)}},
      {"readinessProbe",
       {{"httpGet", {{"path", workload.ready_path}, {"port", "http"}}}, {"periodSeconds", 1}, {"timeoutSeconds", 2}}}};
  if (lingers) made["lifecycle"] = {{"preStop", {{"sleep", {{"seconds", seconds_to_linger}}}}}};
  k8s::give(made, workload.resources);
  if (!workload.arguments.empty()) made["args"] = json::array(workload.arguments.begin(), workload.arguments.end());
  return made;
}

/// The controller gives up later than a deploy, which tells more.
constexpr std::chrono::seconds longer_than_a_deploy{30};

json::object deployment(const Workload& workload, const json::array& variables, bool lingers) {
  json::object made = k8s::named("apps/v1", "Deployment", workload.instance);
  const json::object labels = k8s::selector_of(workload.instance);
  const auto deadline = std::chrono::ceil<std::chrono::seconds>(workload.ready_limit) + longer_than_a_deploy;
  made["spec"] = {
      {"progressDeadlineSeconds", deadline.count()},
      {"selector", {{"matchLabels", labels}}},
      {"strategy", {{"type", "RollingUpdate"}, {"rollingUpdate", {{"maxUnavailable", 0}, {"maxSurge", 1}}}}},
      {"template",
       {{"metadata", {{"labels", labels}}},
        {"spec", {{"containers", json::array{container(workload, variables, lingers)}}}}}}};
  if (workload.replicas) made["spec"].get_object()["replicas"] = *workload.replicas;
  return made;
}

}  // namespace

void OnKubernetes::ensure(Scope& in, const Workload& workload) {
  require_sound(workload);
  require_image(workload);
  const std::string &name = workload.instance, secret = name + "-environment";
  Scope step = in.step({.kind = "workload", .name = name, .decides = {"k8s", "deployment.apps", name}});
  step.detail(workload.artefact.image);
  Environment environment;
  for (const auto& [variable, setting] : workload.environment) {
    add(environment, variable, resolver_.resolve(step, setting), secret);
    std::ranges::move(resolver_.identity(step, setting), std::back_inserter(environment.fingerprinted));
  }
  add(environment, workload.listen_variable, {fmt::format("0.0.0.0:{}", port)}, secret);

  k8s::ObjectSet set;
  k8s::Manifest made{.object = deployment(workload, environment.variables, api_->can_linger(step))};
  if (!environment.secrets.empty()) {
    set.push_back({.object = k8s::named("v1", "Secret", secret), .data = environment.secrets});
    made.fingerprints.emplace(k8s::environment_annotation, environment.fingerprinted);
  }
  set.push_back(std::move(made));
  api_->ensure(step, set);
  api_->until_ready(step, set, workload.ready_limit);
}

}  // namespace harmony::workloads
