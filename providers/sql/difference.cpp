#include "sql/difference.hpp"

namespace harmony::sql {

Subject role_subject(const std::string& instance, const std::string& name) {
  return {"sql", "role", instance + "/" + name};
}
Subject database_subject(const std::string& instance, const std::string& name) {
  return {"sql", "database", instance + "/" + name};
}

Place place_of(std::string_view subject_name) {
  const auto slash = subject_name.find('/');
  if (slash == std::string_view::npos) return {std::string(subject_name), {}};
  return {std::string(subject_name.substr(0, slash)), std::string(subject_name.substr(slash + 1))};
}

Change difference(const std::string& instance, const Role& wanted, const std::optional<RoleState>& found,
                  const std::optional<std::string>& password) {
  // A role goes with the data it owns, not before it: PostgreSQL drops no owner, and kept data needs its password.
  Change change{.subject = role_subject(instance, wanted.name), .holds_data = true};
  if (found && !found->may_log_in) change.fields.push_back({.path = "login", .before = "no", .after = "yes"});
  if (found && !found->attributes.empty())
    change.fields.push_back({.path = "attributes", .before = found->attributes, .after = "none"});
  if (!found || !found->password_right)
    change.fields.push_back({.path = "password",
                             .before = found ? found->verifier : "",
                             .after = password.value_or("(generated)"),
                             .origin = password ? Origin::exact : Origin::generated});
  change.before = fingerprint(found);
  if (!found) change.action = Action::create;
  else if (!change.fields.empty()) change.action = Action::update;
  return change;
}

Change difference(const std::string& instance, const Database& wanted, const std::optional<DatabaseState>& found) {
  Change change{.subject = database_subject(instance, wanted.name), .holds_data = true};
  const bool there = found && !found->half_removed;
  if (!there || found->owner != wanted.owner)
    change.fields.push_back({.path = "owner", .before = there ? found->owner : "", .after = wanted.owner});
  change.before = fingerprint(found);
  if (!there) change.action = Action::create;
  else if (!change.fields.empty()) change.action = Action::update;
  if (found && found->half_removed) change.reason = "a removal of it was interrupted";
  return change;
}

Change removal(const Subject& subject, bool there) {
  if (!there) return {.subject = subject};
  const bool data = subject.kind == "database";
  return {.subject = subject,
          .action = Action::remove,
          .effect = data ? "deletes all data" : "",
          .holds_data = true,
          .loses_data = data};
}

std::string fingerprint(const std::optional<RoleState>& role) {
  if (!role) return {};
  return std::string(role->may_log_in ? "login " : "no login ") + role->attributes + " " + role->verifier;
}

std::string fingerprint(const std::optional<DatabaseState>& database) {
  if (!database) return {};
  return (database->half_removed ? "half removed, owner " : "owner ") + database->owner + ", " + database->identity;
}

}  // namespace harmony::sql
