/// Which kinds the server has: asked once, and again where one is missing.
#include <fmt/format.h>

#include "host/printable.hpp"
#include "k8s/client.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

/// All groups in one answer, where the server knows that form (1.27 and later); else the names of the groups.
constexpr const char* aggregated =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

}  // namespace

std::shared_ptr<const Catalogue> Client::discover(Scope& at) {
  auto made = std::make_shared<Catalogue>();
  for (const char* root : {"/api", "/apis"}) {
    const Asked asked{.doing = "discovery", .subject = root};
    const Reply reply = send(at, {.request = {.path = root, .headers = {{"Accept", aggregated}}}, .asked = asked});
    const json::value answer = object_of(reply, asked);
    if (!made->add_aggregated(answer)) discover_plainly(at, *made, answer, root);
  }
  return made;
}

/// A request for each group and version. One whose server does not answer is noted, and the others stay of use.
void Client::discover_plainly(Scope& at, Catalogue& made, const json::value& versions, std::string_view root) {
  for (const GroupVersion& each : versions_of(versions)) {
    const std::string path = each.group.empty() ? fmt::format("{}/{}", root, each.version)
                                                : fmt::format("{}/{}/{}", root, each.group, each.version);
    const Asked asked{.doing = "discovery", .subject = path};
    try {
      made.add_resources(each.group, each.version,
                         object_of(send(at, {.request = {.path = path}, .asked = asked}), asked));
    } catch (const ApiError& error) {
      if (error.status().code < 500 && !error.not_found()) throw;
      made.add_broken({each.group, each.version, fmt::format("HTTP {}", error.status().code)});
    }
  }
}

std::shared_ptr<const Catalogue> Client::catalogue(Scope& at) {
  {
    std::lock_guard hold{mutex_};
    if (catalogue_) return catalogue_;
  }
  auto made = discover(at);
  std::lock_guard hold{mutex_};
  return catalogue_ = std::move(made);
}

Resource Client::resource(Scope& at, const GroupVersionKind& what) {
  if (const Resource* known = catalogue(at)->find(what)) return *known;
  auto anew = discover(at);
  const Resource* known = anew->find(what);
  {
    std::lock_guard hold{mutex_};
    catalogue_ = anew;
  }
  if (known) return *known;
  Diagnostic diagnostic{
      .code = "H0421",
      .message = fmt::format("the API server has no kind {}", host::printable(what.text())),
      .subject = "kind/" + host::printable(what.kind),
      .facts = {{"API server", host::printable(destination().text())}},
      .help = "install what brings it (an operator, its CustomResourceDefinition), or name another version"};
  for (const BrokenGroup& broken : anew->broken())
    diagnostic.facts.emplace_back("does not answer", host::printable(fmt::format("{}: {}", broken.text(), broken.why)));
  if (const Resource* other = anew->find_preferred(what.group, what.kind))
    diagnostic.facts.emplace_back("it has", host::printable(other->what.text()));
  throw NoSuchKind(std::move(diagnostic));
}

}  // namespace harmony::k8s
