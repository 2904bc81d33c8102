#include "k8s/client.hpp"

#include <algorithm>
#include <random>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "host/printable.hpp"
#include "k8s/query.hpp"
#include "k8s/sure_write.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

constexpr std::size_t most_warnings = 20;

std::string subject_of(const Resource& resource, const std::string& space, const std::string& name) {
  return ObjectReference{resource.what, resource.namespaced ? space : "", name}.text();
}

Asked asked_of(std::string doing, const Resource& resource, const std::string& space, const std::string& name) {
  return {.doing = std::move(doing),
          .subject = subject_of(resource, space, name),
          .hides_values = resource.what.group.empty() && resource.what.kind == "Secret"};
}

void add_storing(std::string& path, Storing storing) {
  if (storing == Storing::previewed) add_query(path, "dryRun", "All");
}

/// Of one object: without a name it would be the path of all of them.
std::string named_path(const Resource& resource, const std::string& space, const std::string& name) {
  if (name.empty() || (resource.namespaced && space.empty()))
    throw InternalError(fmt::format("an object of kind {} has no name, or no namespace", resource.what.text()));
  return path_of(resource, space, name);
}

/// A preview may be sent again like any read.
Verb verb_of(Storing storing) { return storing == Storing::previewed ? Verb::read : Verb::write; }

std::string_view text_of(Propagation propagation) {
  switch (propagation) {
    case Propagation::background: return "Background";
    case Propagation::foreground: return "Foreground";
    case Propagation::orphan: return "Orphan";
  }
  return "";
}

std::string body_of(const RemoveOptions& options) {
  json::object preconditions{{"uid", options.uid}};
  if (!options.resource_version.empty()) preconditions["resourceVersion"] = options.resource_version;
  json::object body{{"apiVersion", "v1"},
                    {"kind", "DeleteOptions"},
                    {"propagationPolicy", text_of(options.propagation)},
                    {"preconditions", std::move(preconditions)}};
  if (options.grace) body["gracePeriodSeconds"] = options.grace->count();
  if (options.storing == Storing::previewed) body["dryRun"] = json::array{"All"};
  return json::serialize(body);
}

/// What stands in quotes, where each of these has a backslash before it that is not meant.
std::string unquoted(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) plain += text[i] == '\\' && i + 1 < text.size() ? text[++i] : text[i];
  return plain;
}

/// 299 - "text", each once.
std::vector<std::string> warnings_of(const Reply& reply) {
  std::vector<std::string> warnings;
  const auto [first, last] = reply.headers.equal_range("warning");
  for (auto each = first; each != last && warnings.size() < most_warnings; ++each) {
    const auto begin = each->second.find('"'), end = each->second.rfind('"');
    if (begin == std::string::npos || end <= begin) continue;
    std::string text = host::printable(unquoted(std::string_view(each->second).substr(begin + 1, end - begin - 1)));
    if (std::ranges::find(warnings, text) == warnings.end()) warnings.push_back(std::move(text));
  }
  return warnings;
}

/// A page that speaks for a server that is away.
bool is_of_a_gateway(const Reply& reply) { return may_come_back(reply.status) && !status_of(reply); }

}  // namespace

Client::Client(const Access& access, const Environment& environment)
    : transport_(destination_of(access.cluster, environment)),
      credentials_(credentials_of(access.user, access.cluster, environment)),
      impersonation_(impersonation_of(access.user)),
      random_state_(std::random_device{}()) {}
Client::~Client() = default;

double Client::random() {
  std::lock_guard hold{mutex_};
  random_state_ = random_state_ * 6364136223846793005ull + 1442695040888963407ull;
  return static_cast<double>(random_state_ >> 40) / static_cast<double>(1 << 24);
}

std::optional<std::string> Client::trouble() const {
  std::lock_guard hold{mutex_};
  return trouble_;
}

void Client::note_trouble(std::optional<std::string> why) {
  std::lock_guard hold{mutex_};
  trouble_ = std::move(why);
}

Patience::Clock::time_point Client::silent_since(Patience::Clock::time_point now) {
  std::lock_guard hold{mutex_};
  if (!silent_since_) silent_since_ = now;
  return *silent_since_;
}

void Client::note_answer() {
  answered_ = true;
  std::lock_guard hold{mutex_};
  silent_since_.reset();
}

/// Streams hold no permit: they would keep it for as long as somebody watches.
Reply Client::try_once(Scope& at, const Call& call, const Credential& credential, const BodySink& body) {
  if (body) return transport_.exchange(at, call.request, credential, body);
  auto permit = limiter_.acquire(at);
  Reply reply = transport_.exchange(at, call.request, credential);
  if (reply.status == 429 || (reply.status == 503 && retry_after_of(reply))) permit.turned_away();
  else permit.answered();
  return reply;
}

/// @returns false where it was tried often enough.
bool Client::wait(Scope& at, Patience& patience, std::optional<std::chrono::seconds> asked_for, const std::string& why,
                  int most) {
  const auto time = patience.next(Patience::Clock::now(), asked_for, most);
  if (!time) return false;
  note_trouble(why);
  at.retried(why);
  at.pause(*time);
  return true;
}

/// After a reply that is no success. @returns whether to send it again; else the reply is the last word.
/// @throws OutcomeUnknown
bool Client::again_after(Scope& at, Patience& patience, const Reply& reply, const Call& call) {
  Status status = status_of(reply).value_or(Status{.message = "no API server's"});
  status.code = reply.status;
  status.retry_after = retry_after_of(reply);
  const bool away = is_of_a_gateway(reply);
  const std::string told = http_text(status);
  std::optional<Patience::Clock::time_point> since;
  if (away) patience.nobody_answers_since(since.emplace(silent_since(Patience::Clock::now())));
  switch (outcome_of(status, call.verb)) {
    case Outcome::failed: return false;
    case Outcome::unknown: throw outcome_unknown(call.asked, "the answer is " + told, destination(), since);
    case Outcome::again: break;
  }
  return wait(at, patience, status.retry_after,
              away ? fmt::format("a gateway answers {} for the API server", told) : "the API server answers " + told,
              away && !answered_ ? Patience::most_connects : Patience::most_tries);
}

Reply Client::send(Scope& at, Call call, const BodySink& body) {
  auto& headers = call.request.headers;
  headers.insert(headers.end(), impersonation_.begin(), impersonation_.end());
  if (std::ranges::find(headers, "Accept", [](const auto& header) { return header.first; }) == headers.end())
    headers.emplace_back("Accept", "application/json");
  Patience patience{Patience::Clock::now(), random()};
  bool begun = false, renewed = false;
  BodySink marked;
  if (body)
    marked = [&](std::string_view part) {
      begun = true;
      return body(part);
    };
  for (;;) {
    const Credential credential = credentials_->current(at);
    if (call.still_wanted) call.still_wanted(at);
    try {
      Reply reply = try_once(at, call, credential, marked);
      if (!is_of_a_gateway(reply)) note_answer();
      if (reply.ok()) {
        note_trouble(std::nullopt);
        return reply;
      }
      if (reply.status == 401 && !renewed) {
        renewed = true;
        if (credentials_->renew(at, credential)) continue;
      }
      if (!again_after(at, patience, reply, call)) refuse(reply, call.asked, destination(), patience.tries());
    } catch (ConnectionError& error) {
      // A stream that has begun is the caller's to begin again: nobody else knows what was taken already.
      const Outcome outcome = begun ? Outcome::failed : outcome_of(error, call.verb);
      const auto since = silent_since(Patience::Clock::now());
      if (outcome == Outcome::unknown) throw outcome_unknown(call.asked, error.data().message, destination(), since);
      patience.nobody_answers_since(since);
      const int most = error.sent() || answered_ ? Patience::most_tries : Patience::most_connects;
      if (outcome == Outcome::failed || !wait(at, patience, std::nullopt, error.data().message, most)) {
        if (patience.tries() > 1) error.data().facts.emplace_back("tried", fmt::format("{} times", patience.tries()));
        throw;
      }
    }
  }
}

json::value Client::object_of(const Reply& reply, const Asked& asked) const {
  auto value = parse_json(reply.body);
  if (!value || !value->is_object()) throw no_api_server(reply, asked, destination());
  return std::move(*value);
}

std::string Client::raw(Scope& at, const std::string& path) {
  return send(at, {.request = {.path = path}, .asked = {"get", path}}).body;
}

json::value Client::ask(Scope& at, const std::string& path, const json::object& question) {
  const Asked asked{"post", path};
  return object_of(send(at, {.request = {.method = "POST",
                                         .path = path,
                                         .headers = {{"Content-Type", "application/json"}},
                                         .body = json::serialize(question)},
                             .asked = asked}),
                   asked);
}

std::optional<json::value> Client::get(Scope& at, const Resource& resource, const std::string& space,
                                       const std::string& name) {
  const Asked asked = asked_of("get", resource, space, name);
  try {
    auto object = object_of(send(at, {.request = {.path = named_path(resource, space, name)}, .asked = asked}), asked);
    require_same(object, resource, name, asked);
    return object;
  } catch (const ApiError& error) {
    // Where the kind itself is not there, the server names no object.
    if (error.not_found() && error.status().reason == "NotFound" && error.status().name == name) return std::nullopt;
    throw;
  }
}

/// A gateway may answer something, and a cache something old: what is not what was asked for is not taken.
void Client::require_same(const json::value& object, const Resource& resource, const std::string& name,
                          const Asked& asked) const {
  if (text_at(object, "kind") == resource.what.kind && text_at(object, "metadata.name") == name) return;
  throw no_api_server("it speaks of another object", {}, asked, destination());
}

Written Client::write(Scope& at, Call call, const Resource& resource, const std::string& name) {
  const Asked asked = call.asked;
  const Reply reply = send(at, std::move(call));
  Written written{.object = object_of(reply, asked), .created = reply.status == 201, .warnings = warnings_of(reply)};
  require_same(written.object, resource, name, asked);
  return written;
}

Written Client::create(Scope& at, const Resource& resource, const json::value& object, const WriteOptions& options) {
  const ObjectReference reference = reference_of(object);
  std::string path = path_of(resource, reference.space);
  add_query(path, "fieldManager", options.manager);
  add_query(path, "fieldValidation", "Strict");
  add_storing(path, options.storing);
  return write(at,
               {.request = {.method = "POST",
                            .path = path,
                            .headers = {{"Content-Type", "application/json"}},
                            .body = json::serialize(object)},
                .asked = asked_of("create", resource, reference.space, reference.name),
                .verb = verb_of(options.storing)},
               resource, reference.name);
}

Written Client::apply(Scope& at, const Resource& resource, const json::value& object, const ApplyOptions& options) {
  const ObjectReference reference = reference_of(object);
  std::string path = named_path(resource, reference.space, reference.name);
  add_query(path, "fieldManager", options.manager);
  add_query(path, "force", options.force ? "true" : "false");
  add_query(path, "fieldValidation", "Strict");
  add_storing(path, options.storing);
  return write(at,
               {.request = {.method = "PATCH",
                            .path = path,
                            .headers = {{"Content-Type", "application/apply-patch+yaml"}},  // JSON is YAML
                            .body = json::serialize(object)},
                .asked = asked_of("apply", resource, reference.space, reference.name),
                .verb = verb_of(options.storing),
                .still_wanted = options.still_wanted},
               resource, reference.name);
}

Written Client::replace(Scope& at, const Resource& resource, const json::value& object, const WriteOptions& options) {
  const ObjectReference reference = reference_of(object);
  if (text_at(object, "metadata.resourceVersion").empty())
    throw InternalError("an object is to be replaced blindly: " + reference.text());
  std::string path = named_path(resource, reference.space, reference.name);
  add_query(path, "fieldManager", options.manager);
  add_query(path, "fieldValidation", "Strict");
  add_storing(path, options.storing);
  return write(at,
               {.request = {.method = "PUT",
                            .path = path,
                            .headers = {{"Content-Type", "application/json"}},
                            .body = json::serialize(object)},
                .asked = asked_of("replace", resource, reference.space, reference.name),
                .verb = verb_of(options.storing)},
               resource, reference.name);
}

Removal Client::remove(Scope& at, const Resource& resource, const std::string& space, const std::string& name,
                       const RemoveOptions& options) {
  if (options.uid.empty()) throw InternalError("an object is to be removed whoever it is: " + name);
  const Asked asked = asked_of("delete", resource, space, name);
  const Call call{.request = {.method = "DELETE",
                              .path = named_path(resource, space, name),
                              .headers = {{"Content-Type", "application/json"}},
                              .body = body_of(options)},
                  .asked = asked,
                  .verb = verb_of(options.storing),
                  .still_wanted = options.still_wanted};
  try {
    const Reply reply = write_surely(at, [&] { return send(at, call); });
    // The object itself, as long as somebody still has to let it go; else a Status.
    return text_at(object_of(reply, asked), "kind") == "Status" ? Removal::gone : Removal::going;
  } catch (const ApiError& error) {
    if (error.not_found() && error.status().name == name) return Removal::nothing_there;
    throw;
  }
}

}  // namespace harmony::k8s
