#pragma once
/// From what a Score refers to, to the text that stands for it: the same for every topology of these capabilities.
#include <string>
#include <variant>

#include "harmony/capabilities/http_route.hpp"
#include "harmony/capabilities/nats.hpp"
#include "harmony/capabilities/postgresql.hpp"
#include "harmony/reference.hpp"
#include "harmony/scope.hpp"
#include "host/host.hpp"

namespace harmony {

/// @throws Error H0012 where no Score has provided it, or no capability of that name is here.
template <class Databases, class Brokers, class Routes>
host::Content resolve_setting(Scope& in, const Setting& setting, Databases& databases, Brokers& brokers,
                              Routes& routes) {
  if (const auto* text = std::get_if<std::string>(&setting)) return {*text};
  if (const auto* secret = std::get_if<Secret<std::string>>(&setting)) {
    in.conceal(*secret);
    return {Deferred<Secret<std::string>>(*secret)};
  }
  const auto& reference = std::get<Reference>(setting);
  if (reference.capability == PostgreSql::capability_name) return databases.resolve(in, reference);
  if (reference.capability == Nats::capability_name) return brokers.resolve(in, reference);
  if (reference.capability == HttpRoute::capability_name) return routes.resolve(in, reference);
  throw Error({.code = "H0012",
               .category = Category::usage,
               .message = "reference to `" + reference.capability + "`, which this topology does not offer",
               .subject = reference.instance,
               .help = "refer to PostgreSql, Nats or HttpRoute"});
}

}  // namespace harmony
