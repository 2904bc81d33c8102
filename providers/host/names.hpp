#pragma once
/// Names that become parts of paths or of scripts: checked before anything is done with them. All throw H0105.
#include <filesystem>
#include <string>

namespace harmony::host {

/// One path component: 1 to 128 printable characters, no `/`, not beginning with `.`, `-` or a space. The supervisor
/// passes by folders that begin with a dot, and what is half made bears such a name.
void require_name(const std::string& what, const std::string& name);

/// A path below the state folder: relative, every component a name (dots may begin one, `.` and `..` are none).
void require_path(const std::string& what, const std::filesystem::path& path);

/// The name of an environment variable as shells know it, and a value without NUL.
void require_variable(const std::string& process, const std::string& name);

/// What a generated secret may be called: a name that the deployment's own key does not have.
void require_secret_name(const std::string& name);

/// What a supervised process may be called: a name that the log folder does not use for itself.
void require_process_name(const std::string& name);

}  // namespace harmony::host
