#pragma once
/// The bytes of a ledger: what a file says, and what to add to it. No input or output here.
///
/// One JSON object a line, `{"sum":"…","record":{…}}`, the sum over the record's bytes; records are numbered. The first
/// line holds the whole ledger as it was when the last run finished; the others are what happened since. This frame,
/// and the first record's "version", stay as they are in every version to come, so that an older program can tell
/// "newer" from "damaged".
#include <cstdint>
#include <string>
#include <string_view>

#include "harmony/ledger.hpp"

namespace harmony::host {

struct Journal {
  LedgerState state;
  std::uint64_t next = 1;  ///< number of the next record
  std::size_t intact = 0;  ///< bytes of whole lines; behind them lies what a crash left
};

/// @param path of the file, for errors.
/// @throws Error H0203 (damaged), H0204 (newer), H0205 (of another deployment). A torn or damaged last line, other than
/// the first, is ignored: whoever wrote it was not told that it is there.
Journal read_journal(std::string_view bytes, const std::string& deployment, const std::string& path);

// Lines, with their line break.
std::string whole_line(const std::string& deployment, const LedgerState&);
std::string begin_line(std::uint64_t number, const RunRecord&, const std::vector<LedgerEntry>& lined_up);
std::string intend_line(std::uint64_t number, const LedgerEntry&);
std::string settle_line(std::uint64_t number, const LedgerEntry&);
std::string forget_line(std::uint64_t number, const Subject&);
std::string finish_line(std::uint64_t number, const RunRecord&);

/// What a finished run leaves.
void finish(LedgerState&, const RunRecord&);

}  // namespace harmony::host
