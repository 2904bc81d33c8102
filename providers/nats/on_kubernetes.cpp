#include "nats/on_kubernetes.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "host/text.hpp"
#include "k8s/manifest.hpp"

namespace harmony::nats {

using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

constexpr int port = 4222, monitor_port = 8222, user = 1000;
constexpr auto ready_limit = 180s;  // an image may have to be pulled first

std::string client_secret(const std::string& instance) { return instance + "-client"; }

json::object stateful_set(const NatsServer& wanted, const std::string& image, bool user_assigned) {
  const std::string& instance = wanted.instance;
  json::object container{
      {"name", "nats"},
      {"image", image},
      {"securityContext", k8s::confined()},
      {"command", {"nats-server", "--config", "/configuration/nats.conf"}},
      {"ports", json::array{k8s::container_port("nats", port), k8s::container_port("monitor", monitor_port)}},
      {"readinessProbe", {{"httpGet", {{"path", "/healthz"}, {"port", "monitor"}}}, {"periodSeconds", 2}}},
      {"volumeMounts", json::array{{{"name", "data"}, {"mountPath", "/data"}},
                                   {{"name", "configuration"}, {"mountPath", "/configuration"}}}}};
  k8s::give(container, wanted.resources);
  const json::array volumes{{{"name", "data"}, {"persistentVolumeClaim", {{"claimName", instance + "-data"}}}},
                            {{"name", "configuration"}, {"secret", {{"secretName", instance + "-configuration"}}}}};
  json::object pod{{"containers", json::array{container}}, {"volumes", volumes}};
  if (!user_assigned) pod["securityContext"] = k8s::pod_user(user);
  return k8s::single_pod(instance, std::move(pod));
}

std::string configuration_before_password(const std::string& instance) {
  return fmt::format(
      "listen: \"0.0.0.0:{}\"\nhttp: \"0.0.0.0:{}\"\nserver_name: \"{}\"\njetstream: {{ store_dir: \"/data/jetstream\" "
      "}}\nauthorization: {{ user: \"{}\", password: \"",
      port, monitor_port, instance, instance);
}

}  // namespace

Server OnKubernetes::server(Scope& in, const std::string& instance) const {
  return {.instance = instance,
          .at = api_->forward(in, {"StatefulSet", instance, port}),
          .user = instance,
          .password = api_->value(in, client_secret(instance), "password")};
}

void OnKubernetes::ensure_server(Scope& in, const NatsServer& wanted) {
  const std::string& instance = wanted.instance;
  Scope step = in.step({.kind = "broker", .name = instance, .decides = {"k8s", "statefulset.apps", instance}});
  step.detail(fmt::format("NATS with JetStream ({}) at {}:{}", image_, instance, port));
  api_->ensure(step, k8s::GeneratedSecret{client_secret(instance), {"password"}});
  const host::Content text{configuration_before_password(instance),
                           api_->value(step, client_secret(instance), "password"), std::string("\" }\n")};
  const k8s::ObjectSet set{
      {.object = k8s::named("v1", "Secret", instance + "-configuration"), .data = {{"nats.conf", text}}},
      {.object = k8s::claim(instance + "-data"), .holds_data = true},
      {.object = k8s::service(instance, instance, {{"nats", port}})},
      {.object = stateful_set(wanted, image_, api_->assigns_users(step)),
       .fingerprints = {{k8s::configuration_annotation, text}}}};
  api_->ensure(step, set);
  api_->until_ready(step, set, ready_limit);
  const Server server = this->server(step, instance);
  client_->serves(server);
  step.until({.limit = 60s, .what = "the broker accepts connections", .subject = "statefulset.apps/" + instance}, [&] {
    api_->require_reachable(server.at);
    return client_->not_accepting(step, server);
  });
}

void OnKubernetes::ensure(Scope& in, const NatsServer& wanted) {
  ensure_server(in, wanted);
  for (const std::string& stream : wanted.streams) {
    const std::string name = wanted.instance + "/" + stream;
    Scope step = in.step(
        {.kind = "stream", .name = name, .detail = "subjects " + stream + ".>", .decides = {"nats", "stream", name}});
    client_->ensure(step, server(step, wanted.instance), Stream{stream});
  }
  std::lock_guard hold{mutex_};
  provided_.insert(wanted.instance);
}

std::unique_ptr<NatsSubscription> OnKubernetes::subscribe(Scope& in, std::string_view instance,
                                                          std::string_view subject) {
  return client_->subscribe(in, server(in, std::string(instance)), std::string(subject));
}

host::Content OnKubernetes::resolve(Scope& in, const Reference& reference) const {
  {
    std::lock_guard hold{mutex_};
    if (!provided_.contains(reference.instance) || reference.field != "url") throw not_provided(reference);
  }
  return {fmt::format("nats://{}:", host::url_part(reference.instance)),
          api_->value(in, client_secret(reference.instance), "password"),
          fmt::format("@{}:{}", reference.instance, port)};
}

void OnKubernetes::recall(Scope& in, const std::string& instance) const { client_->serves(server(in, instance)); }

}  // namespace harmony::nats
