#include "workloads/route_on_kubernetes.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "k8s/manifest.hpp"
#include "workloads/host_name.hpp"
#include "workloads/on_kubernetes.hpp"

namespace harmony::workloads {

using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

constexpr int service_port = 80;

/// A Service of the route's own name: in a cluster that is the address that other pods know.
json::object service(const Route& route) {
  json::object made = k8s::named("v1", "Service", route.instance);
  made["spec"] = {
      {"selector", k8s::selector_of(route.workload)},
      {"ports", json::array{{{"name", "http"}, {"port", service_port}, {"protocol", "TCP"}, {"targetPort", "http"}}}}};
  return made;
}

json::object ingress(const Route& route) {
  json::object made = k8s::named("networking.k8s.io/v1", "Ingress", route.instance);
  const json::value backend{{"service", {{"name", route.instance}, {"port", {{"name", "http"}}}}}};
  const json::array paths{{{"path", "/"}, {"pathType", "Prefix"}, {"backend", backend}}};
  made["spec"] = {{"rules", json::array{{{"host", route.host}, {"http", {{"paths", paths}}}}}}};
  return made;
}

}  // namespace

void RouteOnKubernetes::ensure(Scope& in, const Route& route) {
  require_host_name(route);
  Scope step = in.step({.kind = "route", .name = route.instance, .decides = {"k8s", "service", route.instance}});
  k8s::ObjectSet set{{.object = service(route)}};
  std::string open = fmt::format("http://{}.{}.svc", route.instance, api_->space());
  if (!route.host.empty() && api_->offers_ingress(step)) {
    set.push_back({.object = ingress(route)});
    open = "http://" + route.host;
  }
  step.detail(open);
  api_->ensure(step, set);
  api_->until_ready(step, set, 60s);
  step.note("open", open);
  std::lock_guard hold{mutex_};
  provided_[route.instance] = route;
}

HttpResponse RouteOnKubernetes::request(Scope& in, std::string_view instance, const HttpRequest& request) {
  const Route route = provided(route_url(std::string(instance)));
  const k8s::ForwardTarget target{"Deployment", route.workload, OnKubernetes::port};
  if (const auto why = api_->not_proven(in, target))
    throw Error({.code = "H0265",
                 .message = fmt::format("what route `{}` leads to is not what was just deployed", instance),
                 .subject = "route/" + std::string(instance),
                 .facts = {{"reason", *why}},
                 .help = "deploy again; if it stays, look at `status` and `logs`"});
  HttpRequest asked = request;
  if (!route.host.empty()) asked.headers.try_emplace("Host", route.host);
  const http::Answer answer = probe_->request(in, api_->forward(in, target), asked, 10s);
  if (answer.response) return *answer.response;
  throw Error({.code = "H0261",
               .message = fmt::format("{} {} through route `{}` got no answer", request.method, request.path, instance),
               .subject = "route/" + std::string(instance),
               .facts = {{"reason", answer.failure}, {"asked", "a pod of deployment.apps/" + route.workload}},
               .help = "look at `logs`: the application's own log says why"});
}

Route RouteOnKubernetes::provided(const Reference& reference) const {
  std::lock_guard hold{mutex_};
  const auto found = provided_.find(reference.instance);
  if (found == provided_.end()) throw not_provided(reference);
  return found->second;
}

host::Content RouteOnKubernetes::resolve(Scope&, const Reference& reference) const {
  return {fmt::format("http://{}", provided(reference).instance)};
}

}  // namespace harmony::workloads
