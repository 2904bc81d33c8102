#include "k8s/refusal.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "host/printable.hpp"
#include "k8s/quantity.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::string after(std::string_view text, std::string_view part) {
  const auto at = text.find(part);
  return host::printable(at == std::string_view::npos ? text : text.substr(at + part.size()));
}

std::string quoted(std::string_view text) {
  const auto open = text.find('"');
  const auto close = open == std::string_view::npos ? open : text.find('"', open + 1);
  return close == std::string_view::npos ? "" : host::printable(text.substr(open + 1, close - open - 1));
}

Explanation explanation(std::string code, const std::string& subject, std::string message, Prospect prospect) {
  return {.diagnostic = {.code = std::move(code), .message = std::move(message), .subject = subject},
          .prospect = prospect};
}

// ---------------------------------------------------------------- quota

/// "pods=1" of "requested: pods=1,memory=1Gi, used: …"
std::vector<std::pair<std::string, std::string>> amounts(std::string_view message, std::string_view title) {
  const auto at = message.find(title);
  if (at == std::string_view::npos) return {};
  std::string_view list = message.substr(at + title.size());
  list = list.substr(0, list.find(", "));
  std::vector<std::pair<std::string, std::string>> found;
  while (!list.empty()) {
    const std::string_view one = list.substr(0, list.find(','));
    const auto equals = one.find('=');
    if (equals != std::string_view::npos) found.emplace_back(one.substr(0, equals), one.substr(equals + 1));
    list.remove_prefix(std::min(one.size() + 1, list.size()));
  }
  return found;
}

/// More is asked for at once than the quota gives in all: it will never fit.
bool never_fits(std::string_view message) {
  const auto limited = amounts(message, "limited: ");
  for (const auto& [resource, amount] : amounts(message, "requested: ")) {
    const auto limit = std::ranges::find(limited, resource, &std::pair<std::string, std::string>::first);
    const auto wanted = parse_quantity(amount);
    const auto given = limit == limited.end() ? std::nullopt : parse_quantity(limit->second);
    if (wanted && given && *given < *wanted) return true;
  }
  return false;
}

Explanation quota(const std::string& subject, std::string_view message) {
  const std::string told = after(message, "exceeded quota: ");
  const bool never = never_fits(message);
  Explanation one = explanation(
      "H0458", subject, fmt::format("`{}` does not fit into quota `{}`", subject, told.substr(0, told.find(','))),
      never ? Prospect::hopeless : Prospect::may_heal);
  one.diagnostic.facts = {{"quota", told}};
  one.diagnostic.help = "ask for less, remove something else, or have the quota raised";
  one.rule =
      never ? "more is asked for than the quota gives in all" : "room may come when something else goes; waited for";
  return one;
}

// ---------------------------------------------------------------- admission

/// Of an admission plugin of the API server, or of a webhook: who asks has the right to, but nobody may have such an object.
Explanation refused_by_rule(const std::string& subject, std::string_view message) {
  const bool grows = has(message, "must support resize"), says_nothing = has(message, "failed quota: ");
  Explanation one = explanation("H0463", subject,
                                grows ? fmt::format("the StorageClass of `{}` does not let a volume grow", subject)
                                      : fmt::format("an admission rule of the cluster refuses `{}`", subject),
                                Prospect::hopeless);
  one.diagnostic.facts = {{"refused", after(message, "is forbidden: ")}};
  one.diagnostic.help = grows ? "leave its size as it is, or have `allowVolumeExpansion: true` set in its class"
                        : says_nothing
                            ? "say what it takes, .resources = {.millicores = …, .mebibytes = …} of its Score; or "
                              "have the namespace given a LimitRange with defaults"
                            : "change what the rule objects to, or have the rule changed";
  one.rule = "the same object is refused again";
  return one;
}

std::optional<Explanation> admission(const std::string& subject, std::string_view message) {
  if (has(message, "failed calling webhook")) {
    Explanation one = explanation("H0464", subject,
                                  fmt::format("webhook `{}` that has to admit `{}` does not answer",
                                              quoted(message.substr(message.find("failed calling webhook"))), subject),
                                  Prospect::may_heal);
    one.diagnostic.facts = {{"webhook", after(message, "failed to call webhook: ")}};
    one.diagnostic.help = "see to the pods behind the webhook's Service; it answers for every object of these kinds";
    one.rule = "a webhook may be starting; waited for";
    return one;
  }
  if (!is_of_a_policy(message) && !has(message, "violates PodSecurity") && !has(message, "failed quota: "))
    return std::nullopt;
  return refused_by_rule(subject, message);
}

// ---------------------------------------------------------------- rights

Explanation forbidden(const std::string& subject, const Denied& denied) {
  return {.diagnostic = diagnostic_of(subject, denied),
          .prospect = Prospect::hopeless,
          .rule = "rights do not come by waiting"};
}

Explanation escalation(const std::string& subject, std::string_view message) {
  Explanation one =
      explanation("H0461", subject, fmt::format("`{}` grants rights that the deploying user does not have", subject),
                  Prospect::hopeless);
  one.diagnostic.category = Category::unreachable;
  one.diagnostic.facts = {{"rights", after(message, "not currently held:\n")}};
  one.diagnostic.help = "deploy as somebody who has these rights, or who may `escalate` roles";
  one.rule = "rights do not come by waiting";
  return one;
}

Explanation missing_account(const std::string& subject, std::string_view message) {
  const std::string name = quoted(message.substr(message.find("serviceaccount \"")));
  Explanation one = explanation(
      "H0459", subject, fmt::format("service account `{}`, which the pods of `{}` run as, is not there", name, subject),
      Prospect::may_heal);
  one.diagnostic.help = "make it part of the deploy, or name another one";
  one.rule = "something may still make it; waited for";
  return one;
}

// ---------------------------------------------------------------- invalid objects

bool is_immutable(std::string_view cause) {
  constexpr auto signs = std::to_array<std::string_view>({"immutable", "may not change once set", "fields other than",
                                                          "cannot be changed", "may not be changed", "cannot change"});
  return std::ranges::any_of(signs, [&](std::string_view sign) { return has(cause, sign); });
}

Explanation invalid(const std::string& subject, const json::value& status) {
  std::vector<std::pair<std::string, std::string>> facts;
  bool immutable = false;
  for (const json::value& cause : list_at(status, "details.causes")) {
    const std::string_view message = text_at(cause, "message");
    immutable = immutable || is_immutable(message);
    facts.emplace_back(host::printable(text_at(cause, "field")), without_value(message));
  }
  Explanation one =
      immutable
          ? explanation("H0462", subject, fmt::format("a field of `{}` cannot be changed in place", subject),
                        Prospect::hopeless)
          : explanation("H0466", subject, fmt::format("the API server does not take `{}`: it is not valid", subject),
                        Prospect::hopeless);
  one.diagnostic.facts = std::move(facts);
  one.diagnostic.category = immutable ? Category::refused : Category::usage;
  one.diagnostic.help = immutable ? "keep the field as it is, or give the object another name; where it may be deleted "
                                    "and made anew: --allow-replace"
                                  : "correct the field in the Score";
  one.rule = "the same object is refused again";
  return one;
}

/// HTTP 500, and the user's mistake all the same.
Explanation not_in_schema(const std::string& subject, std::string_view message) {
  Explanation one = explanation(
      "H0466", subject, fmt::format("the API server does not take `{}`: it is not valid", subject), Prospect::hopeless);
  one.diagnostic.category = Category::usage;
  one.diagnostic.facts = {{"field", after(message, "): ")}};
  one.diagnostic.help = "correct the field in the Score, or install the version of the kind that has it";
  one.rule = "the same object is refused again";
  return one;
}

// ---------------------------------------------------------------- namespaces

bool says_terminating(const json::value& status) {
  return std::ranges::any_of(list_at(status, "details.causes"), [](const json::value& cause) {
    return text_at(cause, "reason") == "NamespaceTerminating";
  });
}

Explanation namespace_going(const std::string& subject, std::string_view message) {
  return {.diagnostic = diagnostic_of_namespace_going(subject, namespace_in(message)),
          .prospect = Prospect::may_heal,
          .rule = "it goes when what is in it has gone; waited for"};
}

Explanation namespace_absent(const std::string& subject, const json::value& status) {
  Explanation one = explanation(
      "H0459", subject, fmt::format("namespace `{}` is not there", host::printable(text_at(status, "details.name"))),
      Prospect::hopeless);
  one.diagnostic.help = "make it, or deploy with --create-namespace";
  one.rule = "nobody makes a namespace by waiting for it";
  return one;
}

/// The end of a JSON value at the beginning of `text`.
std::size_t value_end(std::string_view text) {
  int depth = 0;
  bool within = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (within && c == '\\') ++i;
    else if (c == '"') within = !within;
    else if (!within && (c == '{' || c == '[')) ++depth;
    else if (!within && (c == '}' || c == ']')) --depth;
    if (!within && depth == 0 && text.substr(i + 1).starts_with(": ")) return i + 1;
  }
  return text.size();
}

}  // namespace

std::string_view namespace_in(std::string_view message) {
  std::string_view name = message.substr(std::min(message.find("in namespace "), message.size()));
  name.remove_prefix(std::min<std::size_t>(name.size(), std::string_view("in namespace ").size()));
  return name.substr(0, name.find(' '));
}

Diagnostic diagnostic_of_namespace_going(const std::string& subject, std::string_view name) {
  const std::string shown = host::printable(name);
  return {.code = "H0465",
          .message = fmt::format("namespace `{}` is being deleted, and takes nothing new", shown),
          .subject = subject,
          .help = fmt::format(
              "wait until it is gone and deploy again; `kubectl get namespace {} -o yaml` says what holds it", shown)};
}

bool is_of_a_policy(std::string_view message) {
  return has(message, "denied request") || has(message, "denied the request");
}

std::string without_value(std::string_view cause) {
  const auto colon = cause.find(": ");
  if (colon == std::string_view::npos) return host::printable(cause);
  const std::string_view title = cause.substr(0, colon), rest = cause.substr(colon + 2);
  if (!title.ends_with(" value") || title == "Required value") return host::printable(rest);
  const std::string_view detail = rest.substr(value_end(rest));
  return host::printable(detail.starts_with(": ") ? detail.substr(2) : title);
}

std::optional<Explanation> explain_message(const std::string& subject, std::string_view message) {
  if (has(message, "exceeded quota: ")) return quota(subject, message);
  if (has(message, "error looking up service account")) return missing_account(subject, message);
  if (auto refused = admission(subject, message)) return refused;
  if (has(message, "because it is being terminated")) return namespace_going(subject, message);
  if (has(message, "attempting to grant RBAC permissions")) return escalation(subject, message);
  if (const auto denied = denied_in(message)) return forbidden(subject, *denied);
  return std::nullopt;
}

std::optional<Explanation> explain_failed_create(const std::string& subject, std::string_view message) {
  if (auto known = explain_message(subject, message)) return known;
  std::optional<Explanation> found;
  if (has(message, "is forbidden: ")) {
    found = refused_by_rule(subject, message);
  } else if (has(message, "is invalid: ")) {
    std::string_view rest = message.substr(message.find("is invalid: ") + std::string_view("is invalid: ").size());
    const auto colon = std::min(rest.find(": "), rest.size());
    found = explanation("H0466", subject,
                        fmt::format("the API server does not take the pods of `{}`: they are not valid", subject),
                        Prospect::hopeless);
    found->diagnostic.category = Category::usage;
    found->diagnostic.facts = {
        {host::printable(rest.substr(0, colon)), without_value(rest.substr(std::min(colon + 2, rest.size())))}};
    found->diagnostic.help =
        "correct the field in the Score, or what the namespace adds to it (kubectl get limitrange)";
  }
  if (found) found->prospect = Prospect::may_heal;
  if (found) found->rule = "its controller tries again; waited for";
  return found;
}

std::optional<Explanation> explain_refusal(const std::string& subject, const json::value& status) {
  const std::string_view message = text_at(status, "message"), reason = text_at(status, "reason");
  if (says_terminating(status)) return namespace_going(subject, message);
  if (reason == "NotFound" && text_at(status, "details.kind") == "namespaces") return namespace_absent(subject, status);
  if (auto known = explain_message(subject, message)) return known;
  if (reason == "Forbidden" && has(message, "is forbidden: ")) return refused_by_rule(subject, message);
  if (reason == "Invalid") return invalid(subject, status);
  if (has(message, "failed to create typed patch object")) return not_in_schema(subject, message);
  return std::nullopt;
}

}  // namespace harmony::k8s
