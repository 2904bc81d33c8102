#include "topologies/k8s_anywhere.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "host/printable.hpp"
#include "http/rehearsed.hpp"
#include "k8s/image_name.hpp"
#include "k8s/rehearsed.hpp"
#include "k8s/secret_fingerprinter.hpp"
#include "k8s/server_api.hpp"
#include "k8s/small_file.hpp"
#include "k8s/space.hpp"
#include "k8s/volume.hpp"
#include "nats/on_kubernetes.hpp"
#include "nats/rehearsed.hpp"
#include "postgresql/on_kubernetes.hpp"
#include "sql/rehearsed.hpp"
#include "topologies/references.hpp"
#include "workloads/on_kubernetes.hpp"
#include "workloads/route_on_kubernetes.hpp"

namespace harmony {

namespace {

const std::string& option_or(const TopologySettings& settings, const std::string& name, const std::string& otherwise) {
  const auto given = settings.options.find(name);
  return given == settings.options.end() ? otherwise : given->second;
}

Error no_kubeconfig(const k8s::KubeconfigFiles& files) {
  std::string names;
  for (const auto& path : files.paths) names += (names.empty() ? "" : ", ") + host::printable(path.string());
  return Error({.code = "H0403",
                .category = Category::usage,
                .message = "there is no kubeconfig with a context",
                .facts = {{"looked at", names}},
                .help = "name one with --kubeconfig FILE, or in $KUBECONFIG"});
}

/// They become names of objects and values of labels.
std::string checked_name(const std::string& what, const std::string& name, std::size_t longest,
                         std::string_view also = "-") {
  const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const bool fits = !name.empty() && name.size() <= longest && is_plain(name.front()) && is_plain(name.back()) &&
                    std::ranges::all_of(name, [&](char c) { return is_plain(c) || also.find(c) != also.npos; });
  if (fits) return name;
  throw Error({.code = "H0407",
               .category = Category::usage,
               .message = fmt::format("`{}` is no name that Kubernetes takes for a {}", host::printable(name), what),
               .help = fmt::format(
                   "give it up to {} lower-case letters, digits and any of `{}`, a letter or a digit at both ends",
                   longest, also)});
}

/// An object of the cluster that an option names; empty where it names none.
std::string named_object(const TopologySettings& settings, const std::string& option, const std::string& kind) {
  const std::string name = option_or(settings, option, "");
  return settings.options.contains(option) ? checked_name(kind, name, 253, "-.") : name;
}

k8s::VolumeDefaults volumes_of(const TopologySettings& settings) {
  k8s::VolumeDefaults asked{.storage_class = named_object(settings, "storage-class", "StorageClass")};
  if (const auto size = settings.options.find("volume-size"); size != settings.options.end())
    asked.size = k8s::checked_volume_size(size->second);
  return asked;
}

/// A kubeconfig that was named, or that is there, wins over the account of the pod we may be in, as with kubectl.
k8s::Access access_to(const TopologySettings& settings, const k8s::Environment& environment) {
  const std::string file = option_or(settings, "kubeconfig", ""), context = option_or(settings, "context", "");
  const auto files = k8s::kubeconfig_files(environment, file);
  const k8s::Kubeconfig found = k8s::load_kubeconfig(files);
  if (found.contexts.empty() && context.empty()) {
    if (auto pod = k8s::access_in_cluster(environment); pod && file.empty()) return *pod;
    throw no_kubeconfig(files);
  }
  return k8s::access_of(found, context.empty() ? found.current_context : context);
}

/// Without it every pod would wait for its image. One that may not be seen is taken at its word.
void require_pull_secret(Scope& in, const k8s::Place& place) {
  const std::string& name = place.pull_secret;
  if (name.empty()) return;
  if (!place.create_space && !k8s::space_is_there(in, place)) return;  // which is told in its place
  try {
    const auto secrets = place.client->resource(in, {"", "v1", "Secret"});
    if (place.client->get(in, secrets, place.space, name)) return;
  } catch (const k8s::ApiError& error) {
    if (error.status().code == 403) return;
    throw;
  }
  throw Error(
      {.code = "H0409",
       .category = Category::refused,
       .message = fmt::format("there is no Secret `{}` in namespace `{}` to pull images with", name, place.space),
       .help = fmt::format("make it: kubectl create secret docker-registry {} -n {} --docker-server=… "
                           "--docker-username=…; the namespace has to be there first",
                           name, place.space)});
}

/// In pods, every cluster has the same address, and the file of its authority the same name.
std::string mark_of(const k8s::Cluster& cluster) {
  constexpr std::size_t largest = 1 << 20;
  const k8s::Material& authority = cluster.authority;
  std::optional<std::string> file;
  if (!authority.file.empty()) file = k8s::read_small_file(authority.file, largest, authority.origin, k8s::Guard::none);
  return cluster.server + "\n" + authority.inside.reveal() + file.value_or("");
}

std::string image_option(const TopologySettings& settings, const char* option, const std::string& otherwise) {
  const std::string image = option_or(settings, option, otherwise);
  if (image == otherwise || k8s::is_image_name(image)) return image;
  throw Error({.code = "H0408",
               .category = Category::usage,
               .message = fmt::format("`{}` is no name of an image", host::printable(image)),
               .help = fmt::format("give --{} a name such as registry.example/mirror/{}", option,
                                   otherwise.empty() ? "postgres:17" : otherwise)});
}

}  // namespace

struct K8sAnywhere::Shared {
  k8s::Access access;
  std::shared_ptr<const k8s::Place> place;
  std::shared_ptr<k8s::Lease> lease;
  std::shared_ptr<k8s::SecretLedger> ledger;
  k8s::SecretFingerprinter fingerprinter;
  std::string postgresql_image, nats_image;
  workloads::RouteOptions routes;
  std::optional<postgresql::ServerKind> postgresql_kind;

  std::shared_ptr<k8s::ServerApi> server;

  explicit Shared(const TopologySettings& settings)
      : access(access_to(settings, k8s::process_environment())),
        place(std::make_shared<k8s::Place>(
            k8s::Place{.deployment = checked_name("deployment", settings.deployment, 50),
                       .space = checked_name("namespace", option_or(settings, "namespace", access.space), 63),
                       .create_space = settings.options.contains("create-namespace"),
                       .adopt = settings.options.contains("adopt"),
                       .force_conflicts = settings.options.contains("force-conflicts"),
                       .allow_replace = settings.options.contains("allow-replace"),
                       .pull_secret = named_object(settings, "pull-secret", "Secret"),
                       .volumes = volumes_of(settings),
                       .cluster = mark_of(access.cluster),
                       .client = std::make_shared<k8s::Client>(access, k8s::process_environment())})),
        lease(std::make_shared<k8s::Lease>(place)),
        ledger(std::make_shared<k8s::SecretLedger>(place, lease)),
        fingerprinter(ledger),
        postgresql_image(image_option(settings, "postgresql-image", "")),
        nats_image(image_option(settings, "nats-image", "nats:2.11")),
        routes(workloads::route_options(option_or(settings, "route", ""), option_or(settings, "ingress-class", ""),
                                        option_or(settings, "gateway", ""))),
        postgresql_kind(postgresql::server_kind(option_or(settings, "postgresql", ""))),
        server(std::make_shared<k8s::ServerApi>(place, lease)) {}
};

struct K8sAnywhere::World final : workloads::Resolver {
  std::shared_ptr<k8s::Api> api;
  std::shared_ptr<sql::Sql> sql;
  std::shared_ptr<nats::Client> nats_client;
  std::shared_ptr<http::Probe> probe;
  postgresql::OnKubernetes postgresql;
  nats::OnKubernetes nats;
  workloads::OnKubernetes workloads{api, *this};
  workloads::RouteOnKubernetes routes;

  World(const Shared& shared, std::shared_ptr<k8s::Api> a, std::shared_ptr<sql::Sql> s, std::shared_ptr<nats::Client> n,
        std::shared_ptr<http::Probe> p)
      : api(std::move(a)),
        sql(std::move(s)),
        nats_client(std::move(n)),
        probe(std::move(p)),
        postgresql(api, sql, *shared.ledger, shared.postgresql_image, shared.postgresql_kind),
        nats(api, nats_client, shared.nats_image),
        routes(api, probe, shared.routes) {}

  host::Content resolve(Scope& in, const Setting& setting) override {
    return resolve_setting(in, setting, postgresql, nats, routes);
  }
  host::Content identity(Scope& in, const Setting& setting) override { return identity_of(in, setting, postgresql); }
};

std::vector<TopologyOption> K8sAnywhere::options() {
  return {
      {.name = "context", .value_name = "NAME", .help = "Context of the kubeconfig [its current one]", .chooses = true},
      {.name = "kubeconfig",
       .value_name = "FILE",
       .help = "Kubeconfig [$KUBECONFIG, ~/.kube/config]",
       .chooses = true,
       .path = true},
      {.name = "namespace", .value_name = "NAME", .help = "Namespace [the context's]", .letter = 'n', .chooses = true},
      {.name = "create-namespace", .help = "Make the namespace where it is missing"},
      {.name = "adopt", .help = "Take over objects of the same names that no deployment has marked"},
      {.name = "force-conflicts", .help = "Take over fields of these objects that others have set"},
      {.name = "route",
       .value_name = "KIND",
       .help = "How requests come in: service, ingress, gateway or openshift [what the cluster has]",
       .shapes = true},
      {.name = "ingress-class",
       .value_name = "NAME",
       .help = "IngressClass of routes [the default or only one]",
       .shapes = true},
      {.name = "gateway",
       .value_name = "[NAMESPACE/]NAME",
       .help = "Gateway of routes [the only one that takes them]",
       .shapes = true},
      {.name = "allow-replace", .help = "Delete and make anew what cannot be changed in place; never what holds data"},
      {.name = "postgresql",
       .value_name = "KIND",
       .help = "What new PostgreSQL servers are: statefulset, cloudnative-pg [by what the cluster has]",
       .shapes = true},
      {.name = "postgresql-image",
       .value_name = "IMAGE",
       .help = "Of PostgreSQL servers [postgres:17, or the operator's]",
       .shapes = true},
      {.name = "nats-image", .value_name = "IMAGE", .help = "Of NATS servers [nats:2.11]", .shapes = true},
      {.name = "volume-size",
       .value_name = "SIZE",
       .help = "Of new volumes; what is there grows to it where its class can, and never shrinks [1Gi]",
       .shapes = true},
      {.name = "storage-class",
       .value_name = "NAME",
       .help = "StorageClass of new volumes; what is there keeps its own [the default one]",
       .shapes = true},
      {.name = "pull-secret",
       .value_name = "NAME",
       .help = "Secret of the namespace, for a registry that asks who pulls",
       .shapes = true}};
}

K8sAnywhere::K8sAnywhere(const TopologySettings& settings) : shared_(std::make_shared<Shared>(settings)) {
  world_ = std::make_unique<World>(*shared_, shared_->server, sql::sessions(), nats::clients(), http::probe());
}
K8sAnywhere::K8sAnywhere(std::shared_ptr<Shared> shared, std::unique_ptr<World> world)
    : shared_(std::move(shared)), world_(std::move(world)) {}
K8sAnywhere::~K8sAnywhere() = default;

std::shared_ptr<Topology> K8sAnywhere::rehearsed(Rehearsal& rehearsal) {
  auto world = std::make_unique<World>(*shared_, twin_of(world_->api, rehearsal), twin_of(world_->sql, rehearsal),
                                       twin_of(world_->nats_client, rehearsal), twin_of(world_->probe, rehearsal));
  return std::shared_ptr<K8sAnywhere>(new K8sAnywhere(shared_, std::move(world)));
}

std::string K8sAnywhere::label() const {
  const std::string& context = shared_->access.context;
  return fmt::format("k8s ({}, namespace {})", context.empty() ? "the cluster it runs in" : "context " + context,
                     shared_->place->space);
}

Ledger& K8sAnywhere::ledger() { return *shared_->ledger; }
const Fingerprinter& K8sAnywhere::fingerprinter() const { return shared_->fingerprinter; }
std::vector<Primitive*> K8sAnywhere::primitives() {
  return {world_->api.get(), world_->sql.get(), world_->nats_client.get(), world_->probe.get()};
}

PostgreSql& K8sAnywhere::capability(PostgreSql*) { return world_->postgresql; }
Nats& K8sAnywhere::capability(Nats*) { return world_->nats; }
Workloads& K8sAnywhere::capability(Workloads*) { return world_->workloads; }
HttpRoute& K8sAnywhere::capability(HttpRoute*) { return world_->routes; }

std::string K8sAnywhere::fingerprint_key() const { return shared_->fingerprinter.key(); }
void K8sAnywhere::adopt_fingerprint_key(const std::string& key) { shared_->fingerprinter.adopt(key); }

void K8sAnywhere::ground(Scope& in) {
  require_pull_secret(in, *shared_->place);
  world_->api->ensure_space(in);
}

void K8sAnywhere::prepare(Scope& in) {
  shared_->server->make_space(in);
  shared_->fingerprinter.keep();
}

bool K8sAnywhere::prepared() { return shared_->ledger->is_there(); }

void K8sAnywhere::require_removable(Scope& in, const std::vector<LedgerEntry>& entries) {
  shared_->server->require_removable(in, entries);
}

void K8sAnywhere::reach(Scope& in) { (void)shared_->place->client->resource(in, {"", "v1", "Secret"}); }

void K8sAnywhere::recall(Scope& in) {
  recall_servers(in, shared_->ledger->read(), world_->postgresql, world_->sql->primitive(), world_->nats,
                 world_->nats_client->primitive());
}

std::vector<std::pair<std::string, std::string>> K8sAnywhere::facts(Scope& in) {
  const k8s::Space space = k8s::look_at_space(in, *shared_->place);
  const bool there = space != k8s::Space::missing;
  const char* state = space == k8s::Space::going ? ", which is being deleted" : there ? "" : ", which does not exist";
  std::vector<std::pair<std::string, std::string>> facts{{"context", shared_->access.context},
                                                         {"namespace", shared_->place->space + state}};
  if (there && !shared_->ledger->is_there())
    if (const std::string what = unclaimed(in); !what.empty()) facts.emplace_back("without a ledger", what);
  return facts;
}

std::string K8sAnywhere::unclaimed(Scope& in) { return k8s::marked_objects(in, *shared_->place); }

void K8sAnywhere::clean_up(Scope&) { shared_->ledger->take_away(); }

}  // namespace harmony
