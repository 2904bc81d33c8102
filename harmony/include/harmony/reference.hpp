#pragma once
/// What one Score provides and another uses: a name for it, resolved by the topology where it is used (decision 10).
#include <map>
#include <string>
#include <variant>

#include "harmony/error.hpp"
#include "harmony/secret.hpp"

namespace harmony {

struct Reference {
  std::string capability;  ///< "PostgreSql"
  std::string instance;    ///< "guestbook-db/guestbook"
  std::string field;       ///< "url"
  auto operator<=>(const Reference&) const = default;
};

/// H0012: it is used, and no Score has provided it.
Error not_provided(const Reference&);

/// The value of an environment variable or a field of a configuration.
using Setting = std::variant<std::string, Secret<std::string>, Reference>;
using Settings = std::map<std::string, Setting>;

}  // namespace harmony
