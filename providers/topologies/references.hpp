#pragma once
/// What every topology of these capabilities does alike: turns what a Score refers to into the text that stands for it,
/// and recalls servers from the ledger.
#include <string>
#include <variant>

#include "harmony/capabilities/http_route.hpp"
#include "harmony/capabilities/nats.hpp"
#include "harmony/capabilities/postgresql.hpp"
#include "harmony/ledger.hpp"
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

/// Of the data that it leads to; empty where that is none, or the broker's, which applications only pass through.
template <class Databases>
host::Content identity_of(Scope& in, const Setting& setting, Databases& databases) {
  const auto* reference = std::get_if<Reference>(&setting);
  if (!reference || reference->capability != PostgreSql::capability_name) return {};
  return databases.identity(in, *reference);
}

/// Tells the clients of servers where those are that the ledger speaks of.
template <class Databases, class Brokers>
void recall_servers(Scope& in, const LedgerState& ledger, Databases& databases, std::string_view sql, Brokers& brokers,
                    std::string_view nats) {
  for (const LedgerEntry& entry : ledger.entries) {
    const std::string instance = entry.subject.name.substr(0, entry.subject.name.find('/'));
    try {
      if (entry.subject.primitive == sql) databases.recall(in, instance);
      if (entry.subject.primitive == nats) brokers.recall(in, instance);
    } catch (const Stopped&) {
      throw;
    } catch (const Error&) {
      // Where it listens, or its password, cannot be told now: the primitive says of such an entry that it cannot know.
    }
  }
}

}  // namespace harmony
