#pragma once
/// A place in a source that stays where it is when tests come and go: golden files show its line.
#include <source_location>

inline std::source_location place() { return std::source_location::current(); }
