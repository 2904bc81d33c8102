#pragma once
/// Writing files so that a crash, a kill or a full disk leaves the old content or the new one, never a mixture.
#include <sys/stat.h>

#include <filesystem>
#include <string_view>

#include "harmony/error.hpp"
#include "host/descriptor.hpp"

namespace harmony::host {

/// H0104: names the file and the cause (an errno), and says what to do about it.
Error write_failure(const std::filesystem::path&, int cause);

/// H0107
Error read_failure(const std::filesystem::path&, int cause);
/// @param otherwise where the cause asks for nothing of its own
std::string help_for_reading(int cause, std::string otherwise);

/// "no space left on device"
std::string cause_text(int cause);

/// The same one, whatever its names.
bool same_file(const struct stat&, const struct stat&);

/// All of it, however often the system interrupts. @returns 0, else an errno.
int write_whole(int file, std::string_view content);

/// Makes the names in a folder durable. @throws H0104
void sync_folder(const std::filesystem::path&);

enum class Existing { replace, keep };
/// write_durably, which may also leave alone what is there. @returns false where it did. @throws H0104
bool place_durably(const std::filesystem::path&, std::string_view content, int mode, Existing);

}  // namespace harmony::host
