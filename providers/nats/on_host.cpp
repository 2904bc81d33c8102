#include "nats/on_host.hpp"

#include <fmt/format.h>

#include "host/program.hpp"
#include "host/text.hpp"

namespace harmony::nats {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// A text in nats.conf, whatever it holds.
std::string in_quotes(std::string_view text) {
  std::string all;
  for (const char c : text) {
    if (c == '"' || c == '\\') all += '\\';
    all += c == '\n' ? "\\n" : std::string(1, c);
  }
  return "\"" + all + "\"";
}

}  // namespace

Server OnHost::server(Scope& in, const std::string& instance) const {
  return {.instance = instance,
          .at = {.port = host_->port(in, instance)},
          .user = instance,
          .password = host_->secret(in, instance + ".client")};
}

void OnHost::ensure_server(Scope& in, const Server& server) {
  const std::string program = host::program("nats-server", "nats-server");
  const fs::path folder = fs::path("services") / server.instance, store = folder / "jetstream";
  host_->ensure(in, host::Directory{.path = folder});
  host_->ensure(in, host::Tree{.path = store, .command = {}, .holds_data = true, .served_by = server.instance});
  const std::string before = fmt::format(
      "listen: {}\nserver_name: {}\njetstream: {{ store_dir: {} }}\nauthorization: {{ user: {}, password: \"",
      in_quotes(server.at.text()), in_quotes(server.instance), in_quotes(host_->absolute(store).string()),
      in_quotes(server.user));
  const std::string after = "\" }\n";
  host_->ensure(in, host::File{.path = folder / "nats.conf",
                               .content = {before, server.password, after},
                               .owner = host::Owner::service});
  const bool runs = host_->process(in, server.instance).up;
  std::optional<FieldChange> outdated;
  if (runs && client_->refuses_login(in, server))
    outdated = {"what it read at its start", "another login", "as declared"};
  const host::Process process{.name = server.instance,
                              .command = {program, "--config", host_->absolute(folder / "nats.conf")},
                              .listens = server.at,
                              .configuration = {before, server.password, after},
                              .outdated = outdated,
                              .data = store,
                              .interruption = "interrupts service"};
  host_->ensure(in, process);
  client_->serves(server);
  host_->until_listening(in, process, 30s);
  host_->until_ready(in, process, 30s, [&] { return client_->not_accepting(in, server); });
}

void OnHost::ensure(Scope& in, const NatsServer& wanted) {
  {
    Scope step = in.step({.kind = "broker", .name = wanted.instance, .decides = {"host", "process", wanted.instance}});
    const Server server = this->server(step, wanted.instance);
    step.detail("NATS with JetStream on " + server.at.text());
    ensure_server(step, server);
  }
  for (const std::string& stream : wanted.streams) {
    const std::string name = wanted.instance + "/" + stream;
    Scope step = in.step(
        {.kind = "stream", .name = name, .detail = "subjects " + stream + ".>", .decides = {"nats", "stream", name}});
    client_->ensure(step, server(step, wanted.instance), Stream{stream});
  }
  std::lock_guard hold{mutex_};
  provided_.insert(wanted.instance);
}

std::unique_ptr<NatsSubscription> OnHost::subscribe(Scope& in, std::string_view instance, std::string_view subject) {
  return client_->subscribe(in, server(in, std::string(instance)), std::string(subject));
}

host::Content OnHost::resolve(Scope& in, const Reference& reference) const {
  {
    std::lock_guard hold{mutex_};
    if (!provided_.contains(reference.instance) || reference.field != "url") throw not_provided(reference);
  }
  const Server at = server(in, reference.instance);
  return {fmt::format("nats://{}:", host::url_part(at.user)), at.password, "@" + at.at.text()};
}

void OnHost::recall(Scope& in, const std::string& instance) const { client_->serves(server(in, instance)); }

}  // namespace harmony::nats
