#pragma once
/// HttpRoute in a cluster: a Service; with a host name, and where the cluster has a class for it, an Ingress as well.
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "harmony/capabilities/http_route.hpp"
#include "host/host.hpp"
#include "http/http.hpp"
#include "k8s/api.hpp"

namespace harmony::workloads {

class RouteOnKubernetes final : public HttpRoute {
 public:
  RouteOnKubernetes(std::shared_ptr<k8s::Api> api, std::shared_ptr<http::Probe> probe)
      : api_(std::move(api)), probe_(std::move(probe)) {}
  void ensure(Scope&, const Route&) override;
  HttpResponse request(Scope&, std::string_view instance, const HttpRequest&) override;
  /// @throws Error H0012 where no Score provided it.
  host::Content resolve(Scope&, const Reference&) const;

 private:
  Route provided(const Reference&) const;

  std::shared_ptr<k8s::Api> api_;
  std::shared_ptr<http::Probe> probe_;
  mutable std::mutex mutex_;
  std::map<std::string, Route> provided_;
};

}  // namespace harmony::workloads
