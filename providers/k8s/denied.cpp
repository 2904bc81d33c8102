#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "host/printable.hpp"
#include "k8s/refusal.hpp"

namespace harmony::k8s {

namespace {

/// What stands between quotes behind `before`; nothing where that is not there.
std::optional<std::string> quoted_after(std::string_view text, std::string_view before) {
  const auto at = text.find(before);
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + before.size());
  const auto end = text.find('"');
  return end == std::string_view::npos ? std::nullopt : std::optional{host::printable(text.substr(0, end))};
}

}  // namespace

std::optional<Denied> denied_in(std::string_view message) {
  constexpr std::string_view cannot = "\" cannot ";
  const auto user = quoted_after(message, "User \"");
  const auto resource = quoted_after(message, " resource \"");
  const auto verb = message.find(cannot);
  if (!user || !resource || verb == std::string_view::npos) return std::nullopt;
  const std::string_view rest = message.substr(verb + cannot.size());
  return Denied{.user = *user,
                .verb = host::printable(rest.substr(0, rest.find(' '))),
                .group = quoted_after(message, " in API group \"").value_or(""),
                .resource = *resource,
                .where = quoted_after(message, " in the namespace \"").value_or("")};
}

Diagnostic diagnostic_of(const std::string& subject, const Denied& denied) {
  Diagnostic said{
      .code = "H0461",
      .category = Category::unreachable,
      .message = fmt::format("user `{}` may not {} {}{}", denied.user, denied.verb, denied.resource,
                             denied.where.empty() ? "" : fmt::format(" in namespace `{}`", denied.where)),
      .subject = subject,
      .facts = {{"rule", rule_text(denied.group, denied.resource, {denied.verb})}, {"in", binding_text(denied)}},
      .help = "have the rule added, or deploy as somebody who may"};
  if (denied.user == "system:anonymous") {  // rights for everybody are not what is missing
    said.facts.clear();
    said.help = "no credentials came with the request: see the user of this context in the kubeconfig";
    return said;
  }
  if (denied.verb == "patch") said.notes.emplace_back("an apply of an object that is not there needs `create`, too");
  return said;
}

std::string rule_text(std::string_view group, std::string_view resource, const std::vector<std::string>& verbs) {
  return fmt::format(R"(apiGroups: ["{}"], resources: ["{}"], verbs: ["{}"])", group, resource,
                     fmt::join(verbs, R"(", ")"));
}

std::string binding_text(const Denied& denied) {
  const std::string role =
      denied.where.empty() ? "a ClusterRole" : fmt::format("a Role in namespace `{}`", denied.where);
  constexpr std::string_view account = "system:serviceaccount:";
  std::string_view user = denied.user;
  const bool is_account = user.starts_with(account) && std::ranges::count(user, ':') == 3;
  if (!is_account) return fmt::format("{}, bound to user `{}`", role, user);
  user.remove_prefix(account.size());
  const auto colon = user.find(':');
  return fmt::format("{}, bound to service account `{}` of namespace `{}`", role, user.substr(colon + 1),
                     user.substr(0, colon));
}

}  // namespace harmony::k8s
