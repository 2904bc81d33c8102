#pragma once
/// Workloads on this machine: supervised processes. Every version (artefact, arguments, environment, readiness) is a
/// process of its own on a port of its own; a new one starts beside the old one, which goes when nothing wants it any
/// more.
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "harmony/capabilities/workloads.hpp"
#include "host/host.hpp"
#include "http/http.hpp"
#include "workloads/resolver.hpp"

namespace harmony::workloads {

/// One running copy of a workload.
struct Replica {
  std::string process;
  host::Endpoint at;
};

/// Nothing where it says that it is ready, else why not: "/readyz answers 503 (no database)".
std::optional<std::string> not_ready(Scope&, http::Probe&, const host::Endpoint&, const std::string& path);
/// Nothing where a request is answered, whatever it says; else why not.
std::optional<std::string> not_answering(Scope&, http::Probe&, const host::Endpoint&);

class OnHost final : public Workloads {
 public:
  OnHost(std::shared_ptr<host::Host> host, std::shared_ptr<http::Probe> probe, Resolver& resolver)
      : host_(std::move(host)), probe_(std::move(probe)), resolver_(resolver) {}
  void ensure(Scope&, const Workload&) override;
  /// Of the version wanted in this run. @throws Error H0012 where no Score has provided the workload.
  std::vector<Replica> replicas(const std::string& instance) const;

 private:
  Replica ensure_replica(Scope&, const Workload&, const host::InstalledArtefact&, const std::string& process);

  std::shared_ptr<host::Host> host_;
  std::shared_ptr<http::Probe> probe_;
  Resolver& resolver_;
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<Replica>> provided_;
};

/// Where the artefact's binary is: its path, or beside the deploy binary. @throws Error H0250
std::filesystem::path find_binary(const Artefact&);

}  // namespace harmony::workloads
