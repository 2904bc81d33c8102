#pragma once
/// Errors in rustc's form.
#include <functional>
#include <string>
#include <vector>

#include "harmony/error.hpp"
#include "terminal.hpp"

namespace harmony::cli {

/// Takes concealed values out of a text; every sink sends every text through it.
using Redact = std::function<std::string(std::string_view)>;

struct DiagnosticStyle {
  Style style{false};
  std::string program;  ///< for "for the long story: PROGRAM explain CODE"
  Redact redact;        ///< empty: nothing is concealed
};

/// Without concealed values in any of its parts.
Diagnostic redacted(Diagnostic, const Redact&);
/// Each once: what two siblings saw alike is told once.
std::vector<Diagnostic> distinct(const std::vector<Diagnostic>&);
/// All distinct ones, in order, each followed by its notes and help; the long stories once, at the end.
std::string render(const std::vector<Diagnostic>&, const DiagnosticStyle&);

}  // namespace harmony::cli
