#include "workloads/route_on_kubernetes.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "k8s/manifest.hpp"
#include "k8s/values.hpp"
#include "workloads/host_name.hpp"
#include "workloads/on_kubernetes.hpp"

namespace harmony::workloads {

using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

constexpr int service_port = 80;
constexpr auto time_to_heal = 20s;           // within the limit of a smoke test, which knows no reason

/// A Service of the route's own name: in a cluster that is the address that other pods know.
json::object service(const Route& route) {
  return k8s::service(route.instance, route.workload, {{"http", service_port}});
}

json::object ingress(const Route& route, const ChosenRoute& chosen) {
  json::object made = k8s::named("networking.k8s.io/v1", "Ingress", route.instance);
  const json::value backend{{"service", {{"name", route.instance}, {"port", {{"name", "http"}}}}}};
  const json::array paths{{{"path", "/"}, {"pathType", "Prefix"}, {"backend", backend}}};
  json::object rule{{"http", {{"paths", paths}}}};
  if (!route.host.empty()) rule["host"] = route.host;
  json::object spec{{"rules", json::array{rule}}};
  if (!chosen.ingress_class.empty()) spec["ingressClassName"] = chosen.ingress_class;
  made["spec"] = std::move(spec);
  return made;
}

/// With what the server would put there by itself: its lists belong to whoever sets them as a whole, and one that is
/// equal needs no dry run.
json::object http_route(const Route& route, const ChosenRoute& chosen) {
  json::object made = k8s::named("gateway.networking.k8s.io/v1", "HTTPRoute", route.instance);
  const json::value parent{{"group", "gateway.networking.k8s.io"},
                           {"kind", "Gateway"},
                           {"namespace", chosen.gateway.space},
                           {"name", chosen.gateway.name}};
  const json::value backend{
      {"group", ""}, {"kind", "Service"}, {"name", route.instance}, {"port", service_port}, {"weight", 1}};
  const json::value match{{"path", {{"type", "PathPrefix"}, {"value", "/"}}}};
  json::object spec{{"parentRefs", json::array{parent}},
                    {"rules", json::array{{{"matches", json::array{match}}, {"backendRefs", json::array{backend}}}}}};
  if (!route.host.empty()) spec["hostnames"] = json::array{json::value(route.host)};
  made["spec"] = std::move(spec);
  return made;
}

/// Without a host name OpenShift gives it one.
json::object openshift_route(const Route& route) {
  json::object made = k8s::named("route.openshift.io/v1", "Route", route.instance);
  json::object spec{{"to", {{"kind", "Service"}, {"name", route.instance}, {"weight", 100}}},
                    {"port", {{"targetPort", "http"}}}};
  if (!route.host.empty()) spec["host"] = route.host;
  made["spec"] = std::move(spec);
  return made;
}

std::optional<json::object> way_in(const Route& route, const ChosenRoute& chosen) {
  switch (chosen.kind) {
    case RouteKind::service: return std::nullopt;
    case RouteKind::ingress: return ingress(route, chosen);
    case RouteKind::gateway: return http_route(route, chosen);
    case RouteKind::openshift: return openshift_route(route);
  }
  return std::nullopt;
}

}  // namespace

const k8s::Others& RouteOnKubernetes::others(Scope& in, const k8s::OthersQuery& query) {
  std::lock_guard hold{mutex_};
  const auto known = others_.find(query);
  return known != others_.end() ? known->second : others_.emplace(query, api_->others(in, query)).first->second;
}

/// Who has rights in a namespace alone still sees that one's.
k8s::Others RouteOnKubernetes::gateways(Scope& in) {
  const k8s::GroupVersionKind gateways{"gateway.networking.k8s.io", "v1", "Gateway"};
  if (!options_.gateway.empty()) {
    const auto [space, name] = gateway_name(options_.gateway, api_->space());
    return others(in, {gateways, space, name});
  }
  const k8s::Others& all = others(in, {gateways});
  return !all.served || all.allowed ? all : others(in, {gateways, api_->space()});
}

/// Those that a namespace has from the API server are known of one that may not be looked at, or is yet to be made.
json::object RouteOnKubernetes::space_labels(Scope& in) {
  const k8s::Others& found = others(in, {{"", "v1", "Namespace"}, "", api_->space()});
  const auto* labels = found.objects.empty() ? nullptr : k8s::find(found.objects.front(), "metadata.labels");
  if (labels && labels->is_object()) return labels->get_object();
  return {{"kubernetes.io/metadata.name", api_->space()}};
}

/// No more than the choice needs.
RouteOffers RouteOnKubernetes::offers(Scope& in, const Route& route) {
  RouteOffers found;
  const auto may_be = [&](RouteKind kind) { return options_.kind ? options_.kind == kind : !route.host.empty(); };
  if (may_be(RouteKind::openshift)) found.openshift = api_->serves(in, "route.openshift.io", "Route");
  if (found.openshift) return found;
  if (may_be(RouteKind::gateway)) {
    found.gateways = gateways(in);
    if (!found.gateways.objects.empty()) found.space_labels = space_labels(in);
  }
  if (may_be(RouteKind::ingress))
    found.ingress_classes = others(in, {{"networking.k8s.io", "v1", "IngressClass"}, "", options_.ingress_class});
  return found;
}

void RouteOnKubernetes::ensure(Scope& in, const Route& route) {
  require_host_name(route);
  Scope step = in.step({.kind = "route", .name = route.instance, .decides = {"k8s", "service", route.instance}});
  const ChosenRoute chosen = choose(options_, route, api_->space(), offers(step, route));
  k8s::ObjectSet set{{.object = service(route)}};
  if (auto object = way_in(route, chosen)) set.push_back({.object = std::move(*object)});
  const auto outside = chosen.url(route.host);
  const std::string address = outside.value_or(fmt::format("http://{}.{}.svc", route.instance, api_->space()));
  step.detail(fmt::format("{} ({})", address, chosen.text()));
  api_->ensure(step, set);
  api_->until_ready(step, set, 60s);
  step.note(outside ? "open" : "inside", address);
  const bool is_for_this_machine = route.host.ends_with(".localhost");  // as RFC 6761 has it
  if (!route.host.empty() && !is_for_this_machine && !options_.kind && chosen.kind == RouteKind::service)
    step.note("warning", fmt::format("nothing leads `{}` into the cluster: it has no Gateway and no Ingress controller "
                                     "that may be used",
                                     route.host));
  if (!outside)                              // no name leads into the cluster
    step.note("from here", fmt::format("kubectl port-forward -n {} service/{} 8080:{}", api_->space(), route.instance,
                                       service_port));
  std::lock_guard hold{mutex_};
  provided_[route.instance] = route;
}

namespace {
Error not_proven(std::string_view instance, const k8s::Unproven& why) {
  Error error({.code = "H0265",
               .message = why.subject.empty()
                              ? fmt::format("what route `{}` leads to is not what was just deployed", instance)
                              : fmt::format("`{}` does not work as it was deployed", why.subject),
               .subject = why.subject.empty() ? "route/" + std::string(instance) : why.subject,
               .facts = {{"reason", why.reason}},
               .help = why.help.empty() ? "look at `status`, and deploy again" : why.help});
  if (!why.others.empty()) error.data().facts.emplace_back("others", why.others);
  return error;
}
}  // namespace

/// A pod that has lost what it works with for a moment, since that was made anew, is ready again soon.
void RouteOnKubernetes::require_proven(Scope& in, std::string_view instance, const k8s::ForwardTarget& target) {
  std::optional<k8s::Unproven> why;
  try {
    in.until({.limit = time_to_heal, .what = "what answers is what was deployed"}, [&]() -> std::optional<std::string> {
      why = api_->not_proven(in, target, std::string(instance));
      if (!why || !why->may_heal) return std::nullopt;
      in.pause(200ms);
      return why->reason;
    });
  } catch (const TimedOut&) {                // `why` says more
  }
  if (why) throw not_proven(instance, *why);
}

HttpResponse RouteOnKubernetes::request(Scope& in, std::string_view instance, const HttpRequest& request) {
  const Route route = provided(route_url(std::string(instance)));
  const k8s::ForwardTarget target{"Deployment", route.workload, OnKubernetes::port};
  require_proven(in, instance, target);
  HttpRequest asked = request;
  if (!route.host.empty()) asked.headers.try_emplace("Host", route.host);
  const http::Answer answer = probe_->request(in, api_->forward(in, target), asked, 10s);
  if (answer.response) {
    // Somebody may have changed it meanwhile; that another instance is on its way is no such thing.
    const auto why = api_->not_proven(in, target, std::string(instance));
    if (why && !why->may_heal) throw not_proven(instance, *why);
    return *answer.response;
  }
  throw Error(
      {.code = "H0261",
       .message = fmt::format("{} {} through route `{}` got no answer", request.method, request.path, instance),
       .subject = "route/" + std::string(instance),
       .facts = {{"reason", answer.failure}, {"asked", "a pod of deployment.apps/" + route.workload}},
       .help =
           "look at `logs`: the application's own log says why; where `status` counts 0 pods, somebody has scaled it "
           "to none"});
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
