#pragma once
/// HttpRoute in a cluster: a Service, and what leads to it from outside: an Ingress, an HTTPRoute of the Gateway API, or a
/// Route of OpenShift.
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "harmony/capabilities/http_route.hpp"
#include "host/host.hpp"
#include "http/http.hpp"
#include "k8s/api.hpp"
#include "workloads/route_choice.hpp"

namespace harmony::workloads {

class RouteOnKubernetes final : public HttpRoute {
 public:
  RouteOnKubernetes(std::shared_ptr<k8s::Api> api, std::shared_ptr<http::Probe> probe, RouteOptions options)
      : api_(std::move(api)), probe_(std::move(probe)), options_(std::move(options)) {}
  void ensure(Scope&, const Route&) override;
  HttpResponse request(Scope&, std::string_view instance, const HttpRequest&) override;
  /// @throws Error H0012 where no Score provided it.
  host::Content resolve(Scope&, const Reference&) const;

 private:
  void require_proven(Scope&, std::string_view instance, const k8s::ForwardTarget&);
  Route provided(const Reference&) const;
  RouteOffers offers(Scope&, const Route&);
  k8s::Others gateways(Scope&);
  boost::json::object space_labels(Scope&);
  const k8s::Others& others(Scope&, const k8s::OthersQuery&);

  std::shared_ptr<k8s::Api> api_;
  std::shared_ptr<http::Probe> probe_;
  RouteOptions options_;
  mutable std::mutex mutex_;
  std::map<std::string, Route> provided_;
  std::map<k8s::OthersQuery, k8s::Others> others_;  ///< asked once for all routes of a run
};

}  // namespace harmony::workloads
