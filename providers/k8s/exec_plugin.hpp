#pragma once
/// Exec credential plugins: a program that says who we are. By argv, never by a shell; with a limit.
#include <chrono>
#include <filesystem>
#include <optional>
#include <string_view>

#include "harmony/scope.hpp"
#include "k8s/credentials.hpp"

namespace harmony::k8s {

struct PluginAnswer {
  Credential credential;
  std::optional<std::chrono::system_clock::time_point> until = {};  ///< nothing: as long as the server takes it
};

/// Its program as an absolute path. PATH's relative parts are passed over. @throws Error H0405
std::filesystem::path program_of(const ExecPlugin&, const Environment&);
/// @throws Error H0405 (it failed), H0406 (what it said is no credential), Stopped
PluginAnswer run_plugin(const Scope&, const ExecPlugin&, const Cluster&, const Environment&);

/// What a plugin printed. @throws Error H0406
PluginAnswer plugin_answer(std::string_view output, const ExecPlugin&);
/// "2026-11-23T10:00:00Z", also with a fraction or an offset. Nothing where it is no such time.
std::optional<std::chrono::system_clock::time_point> time_of(std::string_view rfc3339);

}  // namespace harmony::k8s
