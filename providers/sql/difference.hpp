#pragma once
/// The pure part of the primitive, shared with its twin: both say the same.
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "harmony/change.hpp"
#include "sql/sql.hpp"

namespace harmony::sql {

Subject role_subject(const std::string& instance, const std::string& name);
Subject database_subject(const std::string& instance, const std::string& name);

/// The name of an entry's subject, or the part of a read key behind its kind: "guestbook-db/guestbook".
struct Place {
  std::string instance, name;
};
Place place_of(std::string_view subject_name);

/// @param password fingerprint of the wanted one; nothing: it is generated in the deploy.
Change difference(const std::string& instance, const Role&, const std::optional<RoleState>& found,
                  const std::optional<std::string>& password);
Change difference(const std::string& instance, const Database&, const std::optional<DatabaseState>& found);
Change removal(const Subject&, bool there);

/// What the read set keeps; empty where there is none.
std::string fingerprint(const std::optional<RoleState>&);
std::string fingerprint(const std::optional<DatabaseState>&);
/// Of what cannot be asked for now.
inline constexpr const char* not_asked = "server not asked";

}  // namespace harmony::sql
