#pragma once
/// A plan in a file (docs/plan-file.md): mode 0600, whole or not there, with a checksum over every byte.
#include <map>
#include <string>

#include "harmony/engine.hpp"

namespace harmony::cli {

struct SavedPlan {
  std::string program;          ///< who made it: see program_identity()
  std::string root;             ///< "guestbook guestbook": kind and name
  std::string deployment;
  std::string topology;         ///< what --on named
  std::map<std::string, std::string> options;  ///< of the topology, as they were given
  std::string made;             ///< RFC 3339
  std::string fingerprint_key;  ///< empty where the topology has none
  Plan plan;                    ///< without errors, kept data and the unfinished run: they are of their time
};

/// Names this very build of this very program: the linker's build id, else a checksum of the executable.
std::string program_identity();

std::string plan_text(const SavedPlan&);
/// @param name for errors. @throws Error H0521 (damaged), H0522 (newer)
SavedPlan parse_plan(const std::string& text, const std::string& name);

/// @throws Error H0514
void write_plan(const SavedPlan&, const std::string& path);
/// @throws Error H0520 (cannot be read), H0521, H0522, H0526 (somebody else's, or their link; open to others)
SavedPlan read_plan(const std::string& path);

/// What the command line says beside `--plan FILE`; empty where it says nothing.
struct PlanContext {
  std::string program, root, deployment, topology;
  std::map<std::string, std::string> options = {};
  std::map<std::string, std::string> settings = {};
};
/// @throws Error H0523 (another deployment or topology), H0524 (another program), H0525 (other settings)
void check_plan(const SavedPlan&, const PlanContext&, const std::string& path);
/// @param where what the topology calls its place now. @throws Error H0523 where the plan was made for another
void check_place(const SavedPlan&, const std::string& where, const std::string& path);

}  // namespace harmony::cli
