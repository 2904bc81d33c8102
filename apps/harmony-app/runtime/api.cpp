#include "api.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cctype>
#include <charconv>
#include <iterator>
#include <optional>

#include "log.hpp"
#include "page.hpp"
#include "text.hpp"
#include "token.hpp"
#include "version.hpp"

namespace guestbook {
namespace {

namespace json = boost::json;

constexpr const char* json_type = "application/json";
constexpr const char* text_type = "text/plain; charset=utf-8";
constexpr std::string_view id_placeholder = "{id}";

Response json_response(unsigned status, const json::object& object) {
  return {status, json_type, json::serialize(object) + "\n"};
}

Response text_response(unsigned status, const std::string& line) { return {status, text_type, line}; }

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

/// The first value of a query parameter, as sent: those this service knows are numbers.
std::optional<std::string_view> query_parameter(std::string_view target, std::string_view name) {
  const auto mark = target.find('?');
  std::string_view query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const auto equals = pair.find('=');
    if (pair.substr(0, equals) == name) return equals == std::string_view::npos ? "" : pair.substr(equals + 1);
  }
  return std::nullopt;
}

/// A positive number in plain decimal digits.
std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1) return std::nullopt;
  return number;
}

bool is_json(std::string_view content_type) {
  std::string type = tidy(content_type.substr(0, content_type.find(';')));
  std::transform(type.begin(), type.end(), type.begin(), [](unsigned char c) { return std::tolower(c); });
  return type == json_type;
}

/// HEAD is GET without the body, which the server leaves out.
std::string_view handled_method(const Request& request) {
  const std::string_view method = request.method;
  return method == "HEAD" ? "GET" : method;
}

bool matches(std::string_view path_template, std::string_view path) {
  if (!path_template.ends_with(id_placeholder)) return path == path_template;
  const std::string_view prefix = path_template.substr(0, path_template.size() - id_placeholder.size());
  return path.size() > prefix.size() && path.starts_with(prefix) &&
         path.find('/', prefix.size()) == std::string_view::npos;
}

Response unavailable(const std::string& reason) {
  Response response = error_response(503, reason);
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

/// What the route needs is known not to be there; the text is the reason, on one line.
class Unavailable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace

struct Api::Route {
  enum class Waits { no, yes };

  std::string_view method;
  std::string_view path;
  Waits waits;
  Response (Api::*handler)(const Call&);
};

struct Api::Call {
  const Request& request;
  Limit limit;
};

const Api::Route Api::routes[] = {
    {"GET", "/", Route::Waits::no, &Api::page},
    {"GET", "/entries", Route::Waits::yes, &Api::list_entries},
    {"POST", "/entries", Route::Waits::yes, &Api::create_entry},
    {"DELETE", "/entries/{id}", Route::Waits::yes, &Api::delete_entry},
    {"GET", "/healthz", Route::Waits::no, &Api::healthz},
    {"GET", "/readyz", Route::Waits::no, &Api::readyz},
    {"GET", "/version", Route::Waits::no, &Api::show_version},
    {"GET", "/metrics", Route::Waits::no, &Api::show_metrics},
};

Response error_response(unsigned status, std::string_view message) {
  return json_response(status, {{"error", message}});
}

const Api::Route* Api::find(const Request& request) {
  const auto found = std::find_if(std::begin(routes), std::end(routes), [&request](const Route& route) {
    return route.method == handled_method(request) && matches(route.path, path_of(request.target));
  });
  return found == std::end(routes) ? nullptr : found;
}

bool Api::is_blocking(const Request& request) {
  const Route* route = find(request);
  return route != nullptr && route->waits == Route::Waits::yes;
}

std::string_view Api::route_of(const Request& request) {
  const auto found = std::find_if(std::begin(routes), std::end(routes), [&request](const Route& route) {
    return matches(route.path, path_of(request.target));
  });
  return found == std::end(routes) ? "(none)" : found->path;
}

Response Api::handle(const Request& request, std::chrono::steady_clock::time_point deadline) {
  const Route* route = find(request);
  if (route == nullptr) return refuse_unrouted(request);
  try {
    return (this->*route->handler)(Call{request, Limit{deadline}});
  } catch (const Unavailable& error) {
    return unavailable(error.what());
  } catch (const DatabaseError& error) {
    return unavailable(std::string("database: ") + error.what());
  } catch (const BrokerError& error) {
    return unavailable(error.what());
  } catch (const std::exception& error) {
    log_error("request failed", {{"route", std::string(route->path)}, {"reason", error.what()}});
    return error_response(500, "internal error");
  }
}

Response Api::refuse_unrouted(const Request& request) {
  std::string allowed;
  for (const Route& route : routes) {
    if (!matches(route.path, path_of(request.target))) continue;
    if (!allowed.empty()) allowed += ", ";
    allowed += route.method == "GET" ? "GET, HEAD" : route.method;
  }
  if (allowed.empty()) return error_response(404, "no such page");
  Response response = error_response(405, "this method is not possible here");
  response.headers.emplace_back("Allow", allowed);
  return response;
}

/// A request does not find out for itself, and slowly, what the watch knows already.
void Api::require(Dependency dependency) const {
  const std::string trouble = health_.trouble_with(dependency);
  if (!trouble.empty()) throw Unavailable(trouble);
}

Response Api::page(const Call&) {
  Response response{200, "text/html; charset=utf-8", std::string(guestbook::page)};
  response.headers.emplace_back("Content-Security-Policy", page_policy);
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  return response;
}

Response Api::list_entries(const Call& call) {
  constexpr std::int64_t usual = 50;
  constexpr std::int64_t most = 200;
  const auto asked = query_parameter(call.request.target, "limit");
  const auto limit = asked ? parse_number(*asked) : usual;
  if (!limit || *limit > most) return error_response(400, "`limit` is not a number from 1 to 200");
  require(Dependency::database);
  return {200, json_type, to_json(store_.newest(static_cast<int>(*limit), call.limit)) + "\n"};
}

/// The entry is announced inside its transaction, before the commit: see README.md for why not an outbox.
Response Api::create_entry(const Call& call) {
  if (!is_json(call.request.content_type)) return error_response(415, "the body is not `application/json`");
  NewEntry entry;
  try {
    entry = parse_new_entry(call.request.body);
  } catch (const InvalidEntry& error) {
    return error_response(error.reason() == InvalidEntry::Reason::not_json ? 400 : 422, error.what());
  }
  require(Dependency::database);
  require(Dependency::broker);

  const auto announce = [&](std::int64_t id) {
    try {
      broker_.publish(announcement(id, entry), call.limit.deadline);
    } catch (const BrokerError&) {
      metrics_.count_announcement(false);
      throw;
    }
    metrics_.count_announcement(true);
  };
  const std::string token = make_delete_token();
  const StoredEntry stored = store_.insert(entry, hash_delete_token(token), announce, call.limit);
  metrics_.count_stored_entry();
  return json_response(201, {{"id", stored.id}, {"created_at", stored.created_at}, {"delete_token", token}});
}

Response Api::delete_entry(const Call& call) {
  const std::string_view path = path_of(call.request.target);
  const auto id = parse_number(path.substr(path.rfind('/') + 1));
  if (!id) return error_response(404, "no such entry");
  require(Dependency::database);
  switch (store_.remove(*id, hash_delete_token(call.request.delete_token), call.limit)) {
    case Removal::removed: metrics_.count_removed_entry(); return {204, "", ""};
    case Removal::wrong_token: return error_response(403, "`X-Delete-Token` is not the token of this entry");
    case Removal::not_found: break;
  }
  return error_response(404, "no such entry");
}

Response Api::healthz(const Call&) { return text_response(200, "ok"); }

Response Api::readyz(const Call&) {
  const std::string trouble = health_.trouble();
  return trouble.empty() ? text_response(200, "ready") : text_response(503, trouble);
}

Response Api::show_version(const Call&) { return json_response(200, {{"name", "guestbookd"}, {"version", version}}); }

Response Api::show_metrics(const Call&) {
  metrics_.set_dependencies(health_.trouble_with(Dependency::database).empty(),
                            health_.trouble_with(Dependency::broker).empty());
  return {200, "text/plain; version=0.0.4; charset=utf-8", metrics_.text()};
}

}  // namespace guestbook
