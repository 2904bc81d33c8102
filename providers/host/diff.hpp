#pragma once
/// The comparisons of this primitive: what is there against what is wanted, as a Change. They read and write nothing,
/// and are the same for the real host and its twin, so that a plan says what a deploy does.
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/change.hpp"
#include "harmony/ledger.hpp"
#include "harmony/secret.hpp"
#include "host/facts.hpp"
#include "host/host.hpp"

namespace harmony::host {

/// The identity of a file: the lines of one that was written without any secret may be shown when it changes.
inline constexpr std::string_view without_secrets = "without secrets", with_secrets = "with secrets";

Subject user_subject(const std::string& name);
Subject directory_subject(const std::filesystem::path&);
Subject file_subject(const std::filesystem::path&);
Subject tree_subject(const std::filesystem::path&);
Subject process_subject(const std::string& name);
Subject artefact_subject(const std::string& file_name, const std::string& hash);
Subject port_subject(const std::string& instance);
Subject secret_subject(const std::string& name);

Change user_change(const std::string& name);
Change directory_change(const Directory&, const std::string& owner, const std::optional<PathState>& live);
Change file_change(const File&, const Rendered&, const std::string& owner, const std::optional<FileState>& live,
                   const Fingerprinter&);
/// @throws Error H0113 where what is there was made by another version.
Change tree_change(const Tree&, const std::optional<TreeState>& live);
/// @throws Error H0116 where the process that works in a tree that is to be made is up
void require_unserved(const Tree&, bool up);
/// H0438: a secret would have to be made, and another value opened what is there already.
Error secret_is_gone(const std::string& secret, const std::string& opens, std::string help);
/// @throws Error H0438 where `opens` is there
void require_unused(const std::string& secret, const std::filesystem::path& opens, bool there);
Change process_change(const Process&, const WantedProcess&, const ProcessFacts& live);
Change artefact_change(const std::string& file_name, const std::string& hash, bool there);
Change port_change(const std::string& instance, int port, bool kept);
Change secret_change(const std::string& name, bool there);
/// Taking away what the ledger names; unchanged where it is gone already.
Change removal(const LedgerEntry&, bool there);

/// True where a signal is enough: it runs, and nothing but `configuration` moved.
bool only_reloads(const Process&, const Change&);

/// How two texts differ, line by line: "line 7" with before and after, at most 40 and the number of the rest.
std::vector<FieldChange> line_changes(std::string_view before, std::string_view after);

}  // namespace harmony::host
