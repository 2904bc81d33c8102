#pragma once
/// Compares a text with a file beside the tests. HARMONY_ACCEPT=1 writes the file instead: look at the difference.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "catch.hpp"

namespace golden {

inline std::string read(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

/// $HARMONY_GOLDEN is the folder of the golden files.
inline void check(const std::string& name, const std::string& text) {
  const char* folder = std::getenv("HARMONY_GOLDEN");
  REQUIRE(folder != nullptr);
  const auto file = std::filesystem::path(folder) / name;
  if (std::getenv("HARMONY_ACCEPT")) std::ofstream{file, std::ios::binary} << text;
  INFO("golden file " << file << "; HARMONY_ACCEPT=1 accepts what is there now");
  CHECK(text == read(file));
}

}  // namespace golden
