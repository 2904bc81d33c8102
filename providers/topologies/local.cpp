#include "topologies/local.hpp"

#include <fstream>

#include <fmt/format.h>

#include "host/machine.hpp"
#include "host/mark.hpp"
#include "host/rehearsed.hpp"
#include "host/state.hpp"
#include "http/rehearsed.hpp"
#include "nats/on_host.hpp"
#include "nats/rehearsed.hpp"
#include "postgresql/on_host.hpp"
#include "sql/rehearsed.hpp"
#include "topologies/references.hpp"
#include "workloads/on_host.hpp"
#include "workloads/route_on_host.hpp"

namespace harmony {

struct Local::Shared {
  host::State state;
  std::shared_ptr<Ledger> ledger;
  host::KeyedFingerprinter fingerprinter;
  Shared(const std::string& deployment, const std::string& folder)
      : state(deployment, folder),
        ledger(host::file_ledger(state, [this] { fingerprinter.keep(state); })),
        fingerprinter(state) {}
};

struct Local::World final : workloads::Resolver {
  std::shared_ptr<host::Host> host;
  std::shared_ptr<sql::Sql> sql;
  std::shared_ptr<nats::Client> nats_client;
  std::shared_ptr<http::Probe> probe;
  postgresql::OnHost postgresql{host, sql};
  nats::OnHost nats{host, nats_client};
  workloads::OnHost workloads{host, probe, *this};
  workloads::RouteOnHost routes{host, probe, workloads};

  World(std::shared_ptr<host::Host> h, std::shared_ptr<sql::Sql> s, std::shared_ptr<nats::Client> n,
        std::shared_ptr<http::Probe> p)
      : host(std::move(h)), sql(std::move(s)), nats_client(std::move(n)), probe(std::move(p)) {}

  host::Content resolve(Scope& in, const Setting& setting) override {
    return resolve_setting(in, setting, postgresql, nats, routes);
  }
  host::Content identity(Scope& in, const Setting& setting) override { return identity_of(in, setting, postgresql); }
};

std::vector<TopologyOption> Local::options() {
  return {{.name = "state-dir",
           .value_name = "DIR",
           .help = "Where deployments keep their state, each in a folder of its name [$XDG_STATE_HOME/harmony, as root "
                   "/var/lib/harmony]",
           .chooses = true,
           .path = true}};
}

Local::Local(const TopologySettings& settings) {
  const auto chosen = settings.options.find("state-dir");
  shared_ =
      std::make_shared<Shared>(settings.deployment, chosen == settings.options.end() ? std::string{} : chosen->second);
  world_ = std::make_unique<World>(host::machine(shared_->state, shared_->ledger), sql::sessions(), nats::clients(),
                                   http::probe());
}
Local::Local(std::shared_ptr<Shared> shared, std::unique_ptr<World> world)
    : shared_(std::move(shared)), world_(std::move(world)) {}
Local::~Local() = default;

std::shared_ptr<Topology> Local::rehearsed(Rehearsal& rehearsal) {
  auto world = std::make_unique<World>(twin_of(world_->host, rehearsal), twin_of(world_->sql, rehearsal),
                                       twin_of(world_->nats_client, rehearsal), twin_of(world_->probe, rehearsal));
  return std::shared_ptr<Local>(new Local(shared_, std::move(world)));
}

Ledger& Local::ledger() { return *shared_->ledger; }
const Fingerprinter& Local::fingerprinter() const { return shared_->fingerprinter; }
std::vector<Primitive*> Local::primitives() {
  return {world_->host.get(), world_->sql.get(), world_->nats_client.get(), world_->probe.get()};
}

PostgreSql& Local::capability(PostgreSql*) { return world_->postgresql; }
Nats& Local::capability(Nats*) { return world_->nats; }
Workloads& Local::capability(Workloads*) { return world_->workloads; }
HttpRoute& Local::capability(HttpRoute*) { return world_->routes; }

std::string Local::fingerprint_key() const { return shared_->fingerprinter.key(); }
void Local::adopt_fingerprint_key(const std::string& key) { shared_->fingerprinter.adopt(key); }

void Local::recall(Scope& in) {
  recall_servers(in, shared_->ledger->read(), world_->postgresql, world_->sql->primitive(), world_->nats,
                 world_->nats_client->primitive());
}

namespace {
std::string boot_id() {
  std::ifstream file{"/proc/sys/kernel/random/boot_id"};
  std::string id;
  file >> id;
  return id;
}
}  // namespace

std::vector<std::pair<std::string, std::string>> Local::facts(Scope& in) {
  std::vector<std::pair<std::string, std::string>> facts{{"state", shared_->state.root().string()},
                                                         {"boot", boot_id()}};
  const LedgerState ledger = shared_->ledger->read();
  if (ledger.run || !ledger.entries.empty()) return facts;
  if (const std::string what = unclaimed(in); !what.empty()) facts.emplace_back("without a ledger", what);
  if (const std::string others = shared_->state.neighbours(); !others.empty())
    facts.emplace_back("deployments here", others);
  return facts;
}

/// Files that are there; where the whole folder was deleted, what runs on without it.
std::string Local::unclaimed(Scope&) {
  constexpr std::size_t enough = 5;
  std::string text = shared_->state.contents();
  std::size_t running = 0;
  for (const host::MarkedProcess& process : host::Mark{shared_->state.root()}.carriers()) {
    if (!process.main || ++running > enough) continue;
    text += fmt::format("{}process {} (pid {})", text.empty() ? "" : ", ", process.name, process.pid);
  }
  return running > enough ? fmt::format("{}, and {} more", text, running - enough) : text;
}

/// A server that runs may say that it cannot work, and a proxy nothing at all.
void Local::look_closer(Scope& in, Observation& seen) {
  const Subject& subject = seen.entry.subject;
  if (seen.health != Observation::Health::ok || subject.primitive != world_->host->primitive() ||
      subject.kind != "process")
    return;
  const host::ProcessState state = world_->host->process(in, subject.name);
  const bool is_route = seen.entry.step_kind == "route";
  if (!state.listens || (state.ready_path.empty() && !is_route)) return;
  const auto why = is_route ? workloads::not_answering(in, *world_->probe, *state.listens)
                            : workloads::not_ready(in, *world_->probe, *state.listens, state.ready_path);
  if (!why) return;
  seen = world_->host->observe(in, seen.entry);  // it may have ended, or been paused, while it was asked
  if (seen.health != Observation::Health::ok) return;
  seen.health = Observation::Health::degraded;
  seen.detail += ", " + *why;
}

bool Local::prepared() { return shared_->state.made(); }
void Local::clean_up(Scope&) { shared_->state.take_away(); }

}  // namespace harmony
