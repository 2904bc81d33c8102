#include "k8s/conflict.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "host/printable.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace {

/// Takes the next `"…"` off a text; Go's escapes of quotes and backslashes are undone.
std::string take_quoted(std::string_view& text) {
  const auto open = text.find('"');
  if (open == std::string_view::npos) return {};
  std::string quoted;
  std::size_t at = open + 1;
  for (; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\' && at + 1 < text.size()) ++at;
    quoted += text[at];
  }
  text.remove_prefix(std::min(at + 1, text.size()));
  return quoted;
}

/// conflict with "kubectl" with subresource "scale" using apps/v1
Claim claim_of(std::string_view path, std::string_view message) {
  Claim claim{.path = host::printable(path), .manager = host::printable(take_quoted(message))};
  if (message.starts_with(" with subresource")) claim.detail = "subresource " + host::printable(take_quoted(message));
  constexpr std::string_view with = " using ";
  const auto version = message.find(with);
  if (version == std::string_view::npos) return claim;
  const std::string_view rest = message.substr(version + with.size());
  if (!claim.detail.empty()) claim.detail += ", ";
  claim.detail += host::printable(rest.substr(0, rest.find_first_of(" :")));
  return claim;
}

std::string told(const std::vector<Claim>& claims, std::string_view did, std::string_view since) {
  constexpr std::size_t enough = 3;
  std::map<std::string, std::vector<std::string>> by_manager;
  for (const Claim& claim : claims)
    by_manager[claim.manager].push_back("`" + claim.path.substr(claim.path.starts_with('.') ? 1 : 0) + "`");
  std::vector<std::string> texts;
  for (auto& [manager, paths] : by_manager) {
    const std::size_t more = paths.size() > enough ? paths.size() - enough : 0;
    paths.resize(paths.size() - more);
    texts.push_back(fmt::format("`{}` {} {}{}{}", manager, did, fmt::join(paths, ", "),
                                more == 0 ? "" : fmt::format(" and {} more", more), since));
  }
  return fmt::format("{}", fmt::join(texts, "; "));
}

bool is_below(std::string_view path, std::string_view above) {
  return path.starts_with(above) && path.size() > above.size() &&
         (path[above.size()] == '.' || path[above.size()] == '[');
}

}  // namespace

std::optional<Conflict> conflict_of(const boost::json::value& status, const FieldSet& owned) {
  if (text_at(status, "reason") != "Conflict") return std::nullopt;
  Conflict conflict;
  for (const auto& cause : list_at(status, "details.causes")) {
    if (text_at(cause, "reason") != "FieldManagerConflict") continue;
    const std::string_view path = text_at(cause, "field");
    auto& claims = owned.contains(path) ? conflict.drift : conflict.conflicts;
    claims.push_back(claim_of(path, text_at(cause, "message")));
  }
  if (conflict.drift.empty() && conflict.conflicts.empty()) return std::nullopt;
  return conflict;
}

std::vector<Claim> taken_fields(const boost::json::value& live, const FieldSet& owned, std::string_view manager) {
  const std::vector<Owner> owners = owners_of(live);
  std::vector<Claim> taken;
  for (const std::string& path : owned.without(applied_by(live, manager)).paths()) {
    const auto whose = std::ranges::find_if(owners, [&](const Owner& owner) { return owner.fields.contains(path); });
    if (whose != owners.end()) taken.push_back({host::printable(path), host::printable(whose->manager)});
  }
  return taken;
}

Diagnostic conflict_diagnostic(const std::string& subject, const Conflict& conflict) {
  Diagnostic diagnostic{.code = "H0470",
                        .category = Category::refused,
                        .message = fmt::format("`{}` has fields that somebody else has set", subject),
                        .subject = subject};
  for (const Claim& claim : conflict.conflicts)
    diagnostic.facts.emplace_back(claim.path, fmt::format("owned by `{}`{}", claim.manager,
                                                          claim.detail.empty() ? "" : " (" + claim.detail + ")"));
  for (const Claim& claim : conflict.drift)
    diagnostic.notes.push_back(fmt::format("`{}` was ours and was changed by `{}`", claim.path, claim.manager));
  diagnostic.help = "leave these fields out of the Score, or take them with --force-conflicts; nothing was written";
  return diagnostic;
}

std::string drift_text(const std::vector<Claim>& drift) { return told(drift, "has changed", " since the last deploy"); }

std::vector<Claim> added_to_pods(const boost::json::value& live, std::string_view manager) {
  constexpr std::string_view pod = ".spec.template.spec";
  const FieldSet ours = applied_by(live, manager);
  std::vector<Claim> added;
  if (ours.empty()) return added;
  for (const Owner& owner : owners_of(live)) {
    if (owner.manager == manager || !owner.subresource.empty()) continue;
    std::string above = "none";
    for (const std::string& path : owner.fields.without(ours).paths()) {
      if (!path.starts_with(pod) || path.size() == pod.size() || is_below(path, above)) continue;
      added.push_back({host::printable(path.substr(pod.size())), host::printable(owner.manager)});
      above = path;
    }
  }
  return added;
}

std::string addition_text(const std::vector<Claim>& added) { return told(added, "has set", ""); }

}  // namespace harmony::k8s
