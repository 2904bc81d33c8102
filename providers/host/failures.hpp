#pragma once
/// The errors that the real host and its twin tell alike.
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harmony/error.hpp"
#include "host/command.hpp"
#include "host/facts.hpp"
#include "host/host.hpp"

namespace harmony::host {

/// H0110: somebody else holds the port. @param log of the process that wanted it, if it ran already.
Error port_taken(const Endpoint&, const Listener&, const std::string& wanted_by, std::vector<std::string> log = {});
/// H0109: what is to be deployed. @param cause an errno; 0: not known
Error executable_unreadable(const std::filesystem::path& source, int cause = 0);
/// H0112, with the Debian package where it is known.
Error program_missing(const std::string& path, const Subject&);
/// Throws it where an absolute path is no executable file.
void require_program(const std::string& path, const Subject&);
/// H0114, or H0115 where its output says that the disk is full.
Error command_failed(const std::vector<std::string>& command, const Ended&, const Subject&);
/// Of a process that is paused, with what lets it go on.
std::string paused_text(int pid);
/// H0120
Error keeps_exiting(const Process&, const std::vector<Death>&, std::vector<std::string> log);
/// H0121
TimedOut not_in_time(const std::string& process, std::string_view what, std::chrono::milliseconds limit,
                     const std::string& reason, const ProcessFacts&, std::vector<std::string> log);
/// H0122
Error unproven(const std::string& process, const Endpoint&, std::string why,
               std::vector<std::pair<std::string, std::string>> facts = {});

/// "exited with code 1"
std::string text_of(const Death&);

}  // namespace harmony::host
