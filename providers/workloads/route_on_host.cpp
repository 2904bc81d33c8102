#include "workloads/route_on_host.hpp"

#include <algorithm>
#include <csignal>

#include <fmt/format.h>

#include "host/program.hpp"
#include "workloads/host_name.hpp"

namespace harmony::workloads {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

bool letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

/// Names of processes may hold more than those of servers.
std::string server_name(std::string process) {
  std::ranges::replace_if(process, [](char c) { return !letter_or_digit(c) && c != '-' && c != '.'; }, '_');
  return process;
}

/// haproxy.cfg. The second frontend tells which configuration answers: during a reload two processes are there, and
/// only the one that says our identity has our backend. Its socket is named from the folder it runs in: the whole path
/// could be longer than a socket's name may be, and hold what haproxy.cfg cannot quote (`$`).
std::string configuration(const std::string& host, const host::Endpoint& at, const host::Endpoint& identity_at,
                          const std::vector<Replica>& backends) {
  std::string text = fmt::format(
      "global\n  maxconn 2000\n  hard-stop-after 30s\n  stats socket unix@admin.sock mode 600 expose-fd listeners\n"
      "defaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n  timeout http-request "
      "15s\n"
      "  option redispatch\n  option forwardfor\n"
      "frontend route\n  bind {}\n",
      at.text());
  if (!host.empty())
    text += fmt::format(
        "  acl ours hdr(host),field(1,:) -i {} 127.0.0.1 localhost\n  http-request deny deny_status 421 unless ours\n",
        host);
  text += "  default_backend workload\nbackend workload\n";
  for (const Replica& backend : backends)
    text += fmt::format("  server {} {}{}\n", server_name(backend.process), backend.at.text(),
                        backends.size() > 1 ? " check inter 2s" : "");
  return text + fmt::format("frontend identity\n  bind {}\n", identity_at.text());
}

}  // namespace

void RouteOnHost::ensure(Scope& in, const Route& route) {
  require_host_name(route);
  const std::string process_name = route.instance + ".route";
  Scope step = in.step({.kind = "route", .name = route.instance, .decides = {"host", "process", process_name}});
  Provided made{.process = process_name,
                .host = route.host,
                .identity = {},
                .at = {.port = host_->port(step, process_name)},
                .identity_at = {.port = host_->port(step, process_name + ".identity")},
                .backends = workloads_.replicas(route.workload)};
  step.detail("http://" + made.at.text());

  const fs::path folder = fs::path("services") / process_name;
  std::string text = configuration(route.host, made.at, made.identity_at, made.backends);
  made.identity = in.fingerprinter().of(text);
  text += fmt::format("  http-request return status 200 content-type text/plain string {}\n", made.identity);
  host_->ensure(step, host::Directory{.path = folder});
  host_->ensure(step, host::File{.path = folder / "haproxy.cfg", .content = {text}, .owner = host::Owner::service});
  const host::Process process{
      .name = process_name,
      .command = {host::program("haproxy", "haproxy"), "-W", "-f", host_->absolute(folder / "haproxy.cfg")},
      .listens = made.at,
      .configuration = {made.identity},
      .reload_signal = SIGUSR2};
  host_->ensure(step, process);
  host_->until_listening(step, process, 30s);
  host_->until_ready(step, process, 30s, [&] { return not_switched(step, made); });
  step.note("open", "http://" + made.at.text());
  std::lock_guard hold{mutex_};
  provided_[route.instance] = std::move(made);
}

std::optional<std::string> RouteOnHost::not_switched(Scope& in, const Provided& route) const {
  const http::Answer answer = probe_->request(in, route.identity_at, {}, 2s);
  if (!answer.response) return "the proxy does not answer: " + answer.failure;
  if (answer.response->body == route.identity) return std::nullopt;
  return "the proxy still answers with its old configuration";
}

HttpResponse RouteOnHost::request(Scope& in, std::string_view instance, const HttpRequest& request) {
  const Provided route = provided(std::string(instance));
  host_->prove(in, route.process, route.at);
  for (const Replica& backend : route.backends) host_->prove(in, backend.process, backend.at);
  if (const auto why = not_switched(in, route))
    throw Error({.code = "H0260",
                 .message = fmt::format("route `{}` does not lead to the version just deployed", instance),
                 .subject = "route/" + std::string(instance),
                 .facts = {{"reason", *why}},
                 .help = "deploy again; if it stays, look at `logs`"});
  HttpRequest asked = request;
  if (!route.host.empty()) asked.headers.try_emplace("Host", route.host);
  const http::Answer answer = probe_->request(in, route.at, asked, 10s);
  if (!answer.response)
    throw Error(
        {.code = "H0261",
         .message = fmt::format("{} {} through route `{}` got no answer", request.method, request.path, instance),
         .subject = "route/" + std::string(instance),
         .facts = {{"reason", answer.failure}, {"address", route.at.text()}},
         .help = "look at `logs`: the application's own log says why"});
  return *answer.response;
}

RouteOnHost::Provided RouteOnHost::provided(const std::string& instance) const {
  std::lock_guard hold{mutex_};
  const auto found = provided_.find(instance);
  if (found != provided_.end()) return found->second;
  throw not_provided(route_url(instance));
}

host::Content RouteOnHost::resolve(Scope&, const Reference& reference) const {
  return {"http://" + provided(reference.instance).at.text()};
}

}  // namespace harmony::workloads
