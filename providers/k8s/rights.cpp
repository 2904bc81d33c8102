#include "k8s/rights.hpp"

#include <algorithm>
#include <iterator>
#include <map>

#include <boost/json.hpp>

#include "host/printable.hpp"
#include "k8s/refusal.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

/// Of an API group of the server's own. Nothing where it may not be asked, or does not know the question.
std::optional<json::value> ask(Scope& in, const Place& place, const std::string& group, const std::string& kind,
                               const std::string& plural, json::object spec = {}) {
  json::object question{{"apiVersion", group + "/v1"}, {"kind", kind}};
  if (!spec.empty()) question["spec"] = std::move(spec);
  try {
    return place.client->ask(in, "/apis/" + group + "/v1/" + plural, question);
  } catch (const ApiError&) {
    return std::nullopt;
  }
}

bool names(const json::value& rule, std::string_view list, std::initializer_list<std::string> any) {
  return std::ranges::any_of(list_at(rule, list), [&](const json::value& one) {
    return one.is_string() &&
           (one.get_string() == "*" || std::ranges::find(any, one.get_string().c_str()) != any.end());
  });
}

/// What cannot be asked is taken for allowed: the deploy will see.
bool is_denied(Scope& in, const Place& place, const Right& right) {
  const auto answer = ask(in, place, "authorization.k8s.io", "SelfSubjectAccessReview", "selfsubjectaccessreviews",
                          {{"resourceAttributes",
                            {{"namespace", place.space},
                             {"verb", right.verb},
                             {"group", right.group},
                             {"resource", right.resource},
                             {"subresource", right.subresource},
                             {"name", right.name}}}});
  return answer && find(*answer, "status.allowed") && !true_at(*answer, "status.allowed");
}

/// Servers before 1.28 cannot be asked.
std::string user_name(Scope& in, const Place& place) {
  const auto answer = ask(in, place, "authentication.k8s.io", "SelfSubjectReview", "selfsubjectreviews");
  const std::string_view name = answer ? text_at(*answer, "status.userInfo.username") : "";
  return name.empty() ? "(of this context)" : host::printable(name);
}

/// A rule for each resource.
std::vector<std::pair<std::string, std::string>> rules_for(const std::vector<Right>& rights) {
  std::map<std::pair<std::string, std::string>, std::set<std::string>> verbs;  // of several objects each, perhaps
  for (const Right& right : rights) verbs[{right.group, right.text()}].insert(right.verb);
  std::vector<std::pair<std::string, std::string>> rules;
  for (const auto& [what, all] : verbs)
    rules.emplace_back("rule", rule_text(what.first, what.second, {all.begin(), all.end()}));
  return rules;
}

}  // namespace

std::string Right::text() const { return subresource.empty() ? resource : resource + "/" + subresource; }

bool allows(const json::value& rules, const Right& right) {
  return std::ranges::any_of(list_at(rules, "status.resourceRules"), [&](const json::value& rule) {
    const bool is_of_some = !list_at(rule, "resourceNames").empty();
    if (is_of_some && (right.name.empty() || !names(rule, "resourceNames", {right.name}))) return false;
    return names(rule, "apiGroups", {right.group}) &&
           names(rule, "resources", {right.text(), "*/" + right.subresource}) && names(rule, "verbs", {right.verb});
  });
}

/// One question for most of them. What no rule allows may be allowed all the same, by who knows no rules.
std::vector<Right> Rights::doubtful(Scope& in, const std::vector<Right>& rights) {
  std::lock_guard hold{mutex_};
  if (!rules_)
    rules_ = ask(in, place_, "authorization.k8s.io", "SelfSubjectRulesReview", "selfsubjectrulesreviews",
                 {{"namespace", place_.space}})
                 .value_or(json::value{});
  std::vector<Right> left;
  std::ranges::copy_if(rights, std::back_inserter(left),
                       [&](const Right& right) { return !known_.contains(right) && !allows(*rules_, right); });
  return left;
}

void Rights::require(Scope& in, const std::vector<Right>& rights) {
  const std::vector<Right> asked = doubtful(in, rights);
  std::vector<char> denied(asked.size());    // not of bool: each is written by a thread of its own
  side_by_side(place_.client->limiter(), asked.size(),
               [&](std::size_t i) { denied[i] = is_denied(in, place_, asked[i]); });
  std::vector<Right> missing;
  {
    std::lock_guard hold{mutex_};
    for (std::size_t i = 0; i < asked.size(); ++i)
      if (denied[i]) missing.push_back(asked[i]);
      else known_.insert(asked[i]);
  }
  if (missing.empty()) return;
  const Right& first = missing.front();
  Diagnostic said = diagnostic_of({}, {.user = user_name(in, place_),
                                       .verb = first.verb,
                                       .group = first.group,
                                       .resource = first.text(),
                                       .where = place_.space});
  std::erase_if(said.facts, [](const auto& fact) { return fact.first == "rule"; });
  const auto rules = rules_for(missing);
  said.facts.insert(said.facts.begin(), rules.begin(), rules.end());
  throw Error(std::move(said));
}

}  // namespace harmony::k8s
