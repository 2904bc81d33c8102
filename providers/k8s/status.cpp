#include "k8s/status.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <boost/json/array.hpp>

#include "host/printable.hpp"
#include "k8s/object.hpp"
#include "k8s/refusal.hpp"
#include "k8s/retry.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

constexpr std::size_t shown_causes = 20;

std::vector<StatusCause> causes_of(const json::value& status) {
  std::vector<StatusCause> causes;
  for (const json::value& cause : list_at(status, "details.causes"))
    causes.push_back({std::string(text_at(cause, "reason")), std::string(text_at(cause, "message")),
                      std::string(text_at(cause, "field"))});
  return causes;
}

struct Kind {
  const char* code;
  Category category;
  std::string_view what;
  std::string_view help;
};

Kind kind_of_refusal(const Status& status) {
  switch (status.code) {
    case 401:
      return {"H0412", Category::unreachable, "the API server does not know us",
              "log in again, or look whether the context names the right user; tokens and certificates expire"};
    case 403:
      return {"H0413", Category::unreachable, "the API server forbids it",
              "ask whoever runs the cluster for the right that is named; `kubectl auth can-i` tells what you have"};
    case 404:
      return {"H0414", Category::failed, "the API server does not find it",
              "look whether it, and its namespace, are there"};
    case 409:
      return {"H0415", Category::failed, "somebody else has changed it, or owns a part of it",
              "look at who is named; run the same command again for a new plan"};
    case 429:
    case 503:
    case 504:
      return {"H0417", Category::unreachable, "the API server is overloaded, or not all of it is up",
              "run the same command again later; whoever runs the cluster sees why in the API server's log"};
    default: return {"H0416", Category::failed, "the API server refuses it", "put right what the server names"};
  }
}

/// Of those that have a diagnostic of their own, whatever was asked.
std::optional<Diagnostic> known_refusal(const Status& status, const std::string& subject) {
  if (status.code != 403) return std::nullopt;
  if (const auto denied = denied_in(status.message)) return diagnostic_of(subject, *denied);
  if (std::ranges::any_of(status.causes, [](const auto& cause) { return cause.reason == "NamespaceTerminating"; }))
    return diagnostic_of_namespace_going(subject, namespace_in(status.message));
  return std::nullopt;
}

std::string field_text(const StatusCause& cause, bool hides_values) {
  std::string field = host::printable(cause.field);
  if (hides_values) return fmt::format("{} ({})", field, host::printable(cause.reason));
  return host::printable(cause.message);
}

}  // namespace

std::optional<Status> status_of(const json::value& value) {
  if (text_at(value, "kind") != "Status") return std::nullopt;
  Status status{.code = static_cast<int>(number_at(value, "code").value_or(0)),
                .reason = std::string(text_at(value, "reason")),
                .message = std::string(text_at(value, "message")),
                .group = std::string(text_at(value, "details.group")),
                .kind = std::string(text_at(value, "details.kind")),
                .name = std::string(text_at(value, "details.name")),
                .uid = std::string(text_at(value, "details.uid")),
                .causes = causes_of(value)};
  if (const auto seconds = number_at(value, "details.retryAfterSeconds"))
    status.retry_after = std::chrono::seconds(*seconds);
  return status;
}

std::optional<Status> status_of(const Reply& reply) {
  const auto value = parse_json(reply.body);
  auto status = value ? status_of(*value) : std::nullopt;
  if (!status) {
    // Its filters answer some requests in plain text, before they know what is asked for.
    const bool plain = reply.header("content-type").starts_with("text/plain") && !reply.header("audit-id").empty();
    if (!plain && reply.status != 429) return std::nullopt;
    status = Status{.message = reply.body.substr(0, 400)};
  }
  status->code = reply.status;
  if (const auto asked = retry_after_of(reply)) status->retry_after = asked;
  return status;
}

std::string http_text(const Status& status) {
  return fmt::format("HTTP {}{}{}", status.code, status.reason.empty() ? "" : " ", host::printable(status.reason));
}

json::value to_json(const Status& status) {
  json::array causes;
  for (const StatusCause& cause : status.causes)
    causes.push_back({{"reason", cause.reason}, {"message", cause.message}, {"field", cause.field}});
  return {{"kind", "Status"},
          {"apiVersion", "v1"},
          {"code", status.code},
          {"reason", status.reason},
          {"message", status.message},
          {"details", {{"group", status.group}, {"kind", status.kind}, {"name", status.name}, {"causes", causes}}}};
}

ApiError api_error(Status status, const Asked& asked, const Destination& server) {
  if (auto known = known_refusal(status, host::printable(asked.subject))) {
    Diagnostic said = std::move(*known);
    said.facts.emplace_back("API server", host::printable(server.text()));
    return {std::move(said), std::move(status)};
  }
  const Kind kind = kind_of_refusal(status);
  std::string message = fmt::format("{} of {}: {}", asked.doing, host::printable(asked.subject), kind.what);
  if (!status.message.empty() && !asked.hides_values) message += ": " + host::printable(status.message);
  Diagnostic diagnostic{.code = kind.code,
                        .category = kind.category,
                        .message = std::move(message),
                        .subject = host::printable(asked.subject),
                        .facts = {{"API server", host::printable(server.text())}, {"answer", http_text(status)}},
                        .help = std::string(kind.help)};
  for (std::size_t i = 0; i < std::min(status.causes.size(), shown_causes); ++i)
    diagnostic.facts.emplace_back("cause", field_text(status.causes[i], asked.hides_values));
  if (status.causes.size() > shown_causes)
    diagnostic.notes.push_back(fmt::format("{} more causes are not shown", status.causes.size() - shown_causes));
  return {std::move(diagnostic), std::move(status)};
}

bool may_come_back(int http_status) {
  return http_status == 429 || (http_status >= 500 && http_status != 501 && http_status != 505);
}

OutcomeUnknown outcome_unknown(const Asked& asked, std::string_view why, const Destination& server,
                               std::optional<OutcomeUnknown::Clock::time_point> silent_since) {
  return OutcomeUnknown({.code = "H0420",
                         .category = Category::failed,
                         .message = fmt::format("{} of {}: it is not known whether it was done: {}", asked.doing,
                                                host::printable(asked.subject), host::printable(why)),
                         .subject = host::printable(asked.subject),
                         .facts = {{"API server", host::printable(server.text())}},
                         .help = "run the same command again: it reads what is there, and goes on from it"},
                        silent_since);
}

NoApiServer no_api_server(std::string_view what, std::string_view beginning, const Asked& asked,
                          const Destination& server, int http) {
  Diagnostic diagnostic{.code = "H0418",
                        .category = Category::unreachable,
                        .message = fmt::format("{} of {}: what answered is no API server: {}", asked.doing,
                                               host::printable(asked.subject), host::printable(what)),
                        .subject = host::printable(asked.subject),
                        .facts = {{"API server", host::printable(server.text())}},
                        .help = "look at the server's URL in the kubeconfig, and at proxies and gateways on the way"};
  constexpr std::size_t shown = 80;
  if (!beginning.empty() && !asked.hides_values)
    diagnostic.facts.emplace_back("it begins with", host::printable(beginning.substr(0, shown)));
  return NoApiServer(std::move(diagnostic), http);
}

NoApiServer no_api_server(const Reply& reply, const Asked& asked, const Destination& server) {
  std::string what = fmt::format("HTTP {}", reply.status);
  if (const std::string type = reply.header("content-type"); !type.empty()) what += ", " + type;
  if (const std::string elsewhere = reply.header("location"); !elsewhere.empty())
    what += ", which sends us to " + elsewhere + ", and that is not followed";
  return no_api_server(what, reply.body, asked, server, reply.status);
}

void refuse(const Reply& reply, const Asked& asked, const Destination& server, int tries) {
  const auto tried = [&](auto error) {
    if (tries > 1) error.data().facts.emplace_back("tried", fmt::format("{} times", tries));
    return error;
  };
  auto status = status_of(reply);
  if (!status || reply.status / 100 == 3) throw tried(no_api_server(reply, asked, server));
  throw tried(api_error(std::move(*status), asked, server));
}

}  // namespace harmony::k8s
