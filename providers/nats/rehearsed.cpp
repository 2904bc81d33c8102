#include "nats/rehearsed.hpp"

#include <fmt/format.h>

#include "nats/difference.hpp"

namespace harmony::nats {

namespace {
/// It is started again with a configuration that knows the login, or the deploy fails there.
std::string refused_now(const Server& server) {
  return fmt::format("broker {} refuses the login now", server.instance);
}
}  // namespace

std::optional<std::string> RehearsedClient::not_accepting(Scope& in, const Server& server) {
  const auto at = host::where_now(pending_, server);
  if (!at.now) return at.because;
  if (!at.now->password.peek(key())) return at.now->password.because();
  try {
    return real_->not_accepting(in, *at.now);
  } catch (const LoginRefused&) {
    return refused_now(server);
  }
}

bool RehearsedClient::refuses_login(Scope& in, const Server& server) {
  const auto at = host::where_now(pending_, server);
  return at.now && at.now->password.peek(key()) && real_->refuses_login(in, *at.now);
}

Deferred<std::optional<StreamState>> RehearsedClient::stream(Scope& in, const Server& server, const std::string& name) {
  using Found = Deferred<std::optional<StreamState>>;
  const std::string whole = server.instance + "/" + name;
  {
    std::lock_guard hold{mutex_};
    if (const auto made = made_.find(whole); made != made_.end()) return made->second;
  }
  const auto at = host::where_now(pending_, server);
  if (at.fresh) return std::optional<StreamState>{};
  if (!at.now) return Found::pending(at.because);
  if (!at.now->password.peek(key())) return Found::pending(at.now->password.because());
  try {
    const Found found = real_->stream(in, *at.now, name);
    if (const auto* state = found.peek(key())) rehearsal_.read(std::string(primitive()), whole, fingerprint(*state));
    return found;
  } catch (const Unreachable& error) {
    return Found::pending(
        fmt::format("broker {} does not answer now: {}", server.instance, error.data().facts.back().second));
  } catch (const LoginRefused&) {
    return Found::pending(refused_now(server));
  }
}

void RehearsedClient::ensure(Scope& in, const Server& server, const Stream& wanted) {
  require_stream_name(wanted.name);
  const auto alone = in.hold(stream_subject(server.instance, wanted.name));
  const auto found = stream(in, server, wanted.name);
  const auto* known = found.peek(key());
  Change change = difference(server.instance, wanted, known ? *known : std::nullopt);
  if (!known) {
    change.fidelity = Fidelity::unknown;
    change.reason = found.because();
  }
  in.change(std::move(change), [&] {
    std::lock_guard hold{mutex_};
    made_.insert_or_assign(server.instance + "/" + wanted.name, StreamState{.subjects = subjects_of(wanted.name)});
    return Settled{};
  });
}

std::unique_ptr<NatsSubscription> RehearsedClient::subscribe(Scope& in, const Server& server,
                                                             const std::string& subject) {
  if (const auto pending = pending_.find(server.at))
    throw Unreachable({.code = "H0240",
                       .category = Category::unreachable,
                       .message = fmt::format("broker `{}` cannot be asked yet", server.instance),
                       .subject = "broker/" + server.instance,
                       .facts = {{"reason", pending->because}},
                       .help = "deploy first"});
  return real_->subscribe(in, server, subject);
}

void RehearsedClient::serves(const Server& server) {
  servers_.put(server);
  // What was read here is read again there, where the server is now.
  if (const auto at = host::where_now(pending_, server); at.now) real_->serves(*at.now);
}

std::optional<Server> RehearsedClient::served(const std::string& instance) const {
  if (auto known = servers_.find(instance)) return known;
  return real_->served(instance);
}

void RehearsedClient::remove(Scope& in, const LedgerEntry& entry) {
  const auto alone = in.hold(entry.subject);
  const auto [instance, name] = place_of(entry.subject.name);
  const auto server = served(instance);
  bool there = server.has_value();
  if (server) {
    const auto found = stream(in, *server, name);
    const auto* known = found.peek(key());
    there =
        !known ||
        known
            ->has_value();  // what cannot be asked now is taken to be there: a plan says rather too much than too little
  }
  in.change(removal(entry.subject, there), [&] {
    std::lock_guard hold{mutex_};
    made_.insert_or_assign(entry.subject.name, std::nullopt);
    return Settled{};
  });
}

std::string RehearsedClient::read_again(Scope& in, std::string_view key) {
  {
    std::lock_guard hold{mutex_};
    if (const auto made = made_.find(std::string(key)); made != made_.end()) return fingerprint(made->second);
  }
  return real_->read_again(in, key);
}

}  // namespace harmony::nats
