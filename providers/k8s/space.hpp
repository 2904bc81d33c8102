#pragma once
/// The namespace that a deployment is in: looked for, planned, and made once for whoever comes later.
#include "harmony/change.hpp"
#include "harmony/scope.hpp"
#include "k8s/place.hpp"

namespace harmony::k8s {

enum class Space { missing, there, going };
/// Who may not look at namespaces was given one: it is there.
Space look_at_space(Scope&, const Place&);
bool space_is_there(Scope&, const Place&);
/// H0465: it is being deleted.
Error space_is_going(const std::string& name);
/// H0433: it is missing, and is not to be made.
Error missing_space(const Place&);
/// As a plan has it: shared, since others may have put their own into it, and so never taken away.
Change space_change(const Place&);
/// What the server says of making it. @returns its warnings. @throws Error what it refuses, explained
std::vector<std::string> preview_space(Scope&, const Place&);
/// Before the first write, since the ledger and the lock are in it. @returns whether it was missing. @throws Error H0433
bool make_space(Scope&, const Place&);

/// Names of what the deployment has marked in it, at most a few: workloads and claims. Empty where there is nothing.
std::string marked_objects(Scope&, const Place&);

}  // namespace harmony::k8s
