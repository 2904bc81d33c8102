#pragma once
/// Why a server refused a request, from its Status or from what an event repeats of it.
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

#include "k8s/explanation.hpp"

namespace harmony::k8s {

/// Nothing where it is none of the refusals that have an explanation of their own: conflicts, overload, what is not found.
/// @param subject "deployment/guestbook"
std::optional<Explanation> explain_refusal(const std::string& subject, const boost::json::value& status);

/// The same from a message alone: `pods "x" is forbidden: exceeded quota: …`, as controllers report it.
std::optional<Explanation> explain_message(const std::string& subject, std::string_view message);

/// Of a controller that may not make a pod: where no more is known, what the server said. It is asked again and again, so that
/// the caller decides from when on there is no hope.
std::optional<Explanation> explain_failed_create(const std::string& subject, std::string_view message);

/// Refused by a policy or a webhook, which may look at who asks; not by a rule of the server's own.
bool is_of_a_policy(std::string_view message);

/// "Invalid value: {…}: field is immutable" -> "field is immutable". Values may be secrets, and are not repeated.
std::string without_value(std::string_view cause);

/// "shop" of "unable to create new content in namespace shop because it is being terminated"; else empty.
std::string_view namespace_in(std::string_view message);
/// H0465.
Diagnostic diagnostic_of_namespace_going(const std::string& subject, std::string_view name);

/// What RBAC did not allow.
struct Denied {
  std::string user, verb, group, resource;  ///< "pods/log"
  std::string where = {};  ///< namespace; empty: the whole cluster
  bool operator==(const Denied&) const = default;
};
std::optional<Denied> denied_in(std::string_view message);
/// H0461, with the rule that would allow it.
Diagnostic diagnostic_of(const std::string& subject, const Denied&);
/// `apiGroups: ["apps"], resources: ["deployments"], verbs: ["patch"]`
std::string rule_text(std::string_view group, std::string_view resource, const std::vector<std::string>& verbs);
/// "a Role in namespace `shop`, bound to service account `ci` of namespace `shop`"
std::string binding_text(const Denied&);

}  // namespace harmony::k8s
