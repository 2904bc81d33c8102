#pragma once
/// What the kernel says of the processes of this machine. All of it may be over before it is looked at.
#include <sys/types.h>

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace harmony::host {

std::vector<int> all_processes();
/// 0 where it is gone, or has none.
int parent_of(int pid);
/// When it began, in the kernel's own units since the boot: tells two apart that had the same number. Empty where it is gone.
std::string start_of(int pid);
/// As whom it runs, and may run again: the real, effective and saved user. Empty where it is gone.
std::set<uid_t> users_of(int pid);
/// It has, and nobody has asked how yet: where the first process of a container waits for nobody, for as long as that runs.
bool has_ended(int pid);
/// Stopped by a signal (SIGSTOP, SIGTSTP) or by a debugger: it is there, and does nothing.
bool is_paused(int pid);
/// Processes and all below them.
std::set<int> with_descendants(const std::set<int>& pids);
/// Its program as one printable line, at most 120 bytes; empty where it cannot be read.
std::string command_of(int pid);
/// Where a link in its folder leads, "cwd" or "ns/mnt"; " (deleted)" behind a path that was taken away. Empty where it cannot be
/// read.
std::string link_of(int pid, std::string_view name);
/// Of a file whose size is not known before, as all of /proc; empty where it cannot be read.
std::string whole_file(const std::filesystem::path&);

}  // namespace harmony::host
