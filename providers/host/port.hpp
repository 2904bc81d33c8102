#pragma once
/// Which port an instance gets: the same on every machine, if it is free there.
#include <functional>
#include <string>

namespace harmony::host {

inline constexpr int first_port = 20'000, last_port = 31'999;  ///< below the range that outgoing connections use

/// The first that is not taken, beginning at one that hashes from both names. @throws Error H0111 where all are.
int choose_port(const std::string& deployment, const std::string& instance, const std::function<bool(int)>& taken);

}  // namespace harmony::host
