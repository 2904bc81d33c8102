#pragma once
/// HttpRoute on this machine: a supervised HAProxy holds the route's port for good; a new version of the workload
/// takes over by a new backend, without a connection being refused.
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "harmony/capabilities/http_route.hpp"
#include "host/host.hpp"
#include "http/http.hpp"
#include "workloads/on_host.hpp"

namespace harmony::workloads {

class RouteOnHost final : public HttpRoute {
 public:
  RouteOnHost(std::shared_ptr<host::Host> host, std::shared_ptr<http::Probe> probe, const OnHost& workloads)
      : host_(std::move(host)), probe_(std::move(probe)), workloads_(workloads) {}
  void ensure(Scope&, const Route&) override;
  HttpResponse request(Scope&, std::string_view instance, const HttpRequest&) override;
  host::Content resolve(Scope&, const Reference&) const;

 private:
  struct Provided {
    std::string process, host, identity;
    host::Endpoint at, identity_at;
    std::vector<Replica> backends;
  };
  std::optional<std::string> not_switched(Scope&, const Provided&) const;
  Provided provided(const std::string& instance) const;

  std::shared_ptr<host::Host> host_;
  std::shared_ptr<http::Probe> probe_;
  const OnHost& workloads_;
  mutable std::mutex mutex_;
  std::map<std::string, Provided> provided_;
};

}  // namespace harmony::workloads
