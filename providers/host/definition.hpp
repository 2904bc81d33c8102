#pragma once
/// What a supervised process is started as: the record that is compared, and the scripts that start it.
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/content.hpp"
#include "host/host.hpp"

namespace harmony::host {

inline constexpr const char* ready_path_field = "ready path";

struct Definition {
  std::vector<std::string> command;
  std::map<std::string, std::string> fields;  ///< as they are shown; secrets as fingerprints
  bool operator==(const Definition&) const = default;

  /// Names its folder; equal for equal definitions.
  std::string id() const;
  std::string json() const;
  static std::optional<Definition> parse(std::string_view json);
  std::string field(const std::string& path) const;
  std::optional<Endpoint> listens() const;
};

/// A Process with its environment rendered.
struct WantedProcess {
  Definition definition;
  std::map<std::string, Rendered> environment;
  std::set<std::string> pending = {};          ///< fields that are only known later
};
/// @param user whom it runs as; empty: oneself. @throws Error H0105
WantedProcess wanted(const Scope&, const Process&, const std::string& user, PrimitiveKey);

/// "127.0.0.1:5433"; the port stands behind the last colon.
std::optional<Endpoint> parse_endpoint(const std::string&);

/// The script that becomes the server, run as its user: it has the environment, so that no secret is in an argument.
std::string start_script(const WantedProcess&, const std::filesystem::path& working_folder);

/// What the supervisor runs: says first what it starts, then becomes the start script as the right user.
struct RunScript {
  std::string id;                              ///< of the definition
  std::filesystem::path start;                 ///< absolute
  std::filesystem::path working_folder;        ///< absolute
  std::vector<std::string> as_user = {};       ///< command that changes the user; empty: oneself
  std::string mark = {};                       ///< a line of shell by which it can be found again
  std::string text() const;
};
/// The id in a run script; empty where it has none.
std::string definition_id(std::string_view run_script);

/// What a run script wrote as its first act.
struct Started {
  std::string id;
  int pid = 0;
};
std::optional<Started> parse_started(std::string_view);

}  // namespace harmony::host
